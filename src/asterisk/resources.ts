import { Ajv, type ValidateFunction } from 'ajv'
import Type, { type Static, type TSchema } from 'typebox'

/**
 * What ARI tells, as far as it is read here. What arrives is checked before it is believed; members that are not named
 * here are left alone, since other versions have others.
 */
const Named = Type.Object({ name: Type.String(), number: Type.String() })

export const ChannelSchema = Type.Object({
  id: Type.String({ minLength: 1 }),
  name: Type.String(),
  /** `Down`, `Ring`, `Ringing`, `Up` and others. */
  state: Type.String(),
  caller: Named,
  dialplan: Type.Object({
    exten: Type.String(),
    app_name: Type.Optional(Type.String()),
    app_data: Type.Optional(Type.String()),
  }),
  /** The variables that the operator lets Asterisk send with each channel. */
  channelvars: Type.Optional(Type.Record(Type.String(), Type.String())),
})
export type Channel = Static<typeof ChannelSchema>

export const BridgeSchema = Type.Object({
  id: Type.String({ minLength: 1 }),
  name: Type.String(),
  channels: Type.Array(Type.String()),
})
export type Bridge = Static<typeof BridgeSchema>

export const VariableSchema = Type.Object({ value: Type.String() })

export const InfoSchema = Type.Object({ system: Type.Object({ version: Type.String() }) })

const WithChannel = { channel: ChannelSchema }

/** The events that we ask for, and no others. */
const eventSchemas = {
  StasisStart: Type.Object({ type: Type.Literal('StasisStart'), ...WithChannel }),
  StasisEnd: Type.Object({ type: Type.Literal('StasisEnd'), ...WithChannel }),
  ChannelStateChange: Type.Object({ type: Type.Literal('ChannelStateChange'), ...WithChannel }),
  ChannelDestroyed: Type.Object({
    type: Type.Literal('ChannelDestroyed'),
    ...WithChannel,
    cause: Type.Integer(),
    /** The SIP status of the end, where there was one. */
    tech_cause: Type.Optional(Type.Integer()),
  }),
  Dial: Type.Object({
    type: Type.Literal('Dial'),
    peer: ChannelSchema,
    dialstatus: Type.String(),
  }),
  PlaybackFinished: Type.Object({
    type: Type.Literal('PlaybackFinished'),
    playback: Type.Object({
      id: Type.String({ minLength: 1 }),
      state: Type.String(),
      /** What would have followed. */
      next_media_uri: Type.Optional(Type.String()),
    }),
  }),
  ChannelUserevent: Type.Object({
    type: Type.Literal('ChannelUserevent'),
    eventname: Type.String(),
  }),
  ApplicationReplaced: Type.Object({ type: Type.Literal('ApplicationReplaced') }),
}
type EventName = keyof typeof eventSchemas
export type AriEvent = { [Name in EventName]: Static<(typeof eventSchemas)[Name]> }[EventName]

export const eventNames = Object.keys(eventSchemas) as readonly EventName[]

const ajv = new Ajv()

/** Compiles a schema once, at its first use. */
export function checker<S extends TSchema>(schema: S): (value: unknown) => value is Static<S> {
  let validate: ValidateFunction<Static<S>> | undefined
  return (value): value is Static<S> => {
    validate ??= ajv.compile<Static<S>>(schema)
    return validate(value)
  }
}

const checkers = new Map<string, (value: unknown) => boolean>(
  Object.entries(eventSchemas).map(([name, schema]) => [name, checker<TSchema>(schema)]),
)

/**
 * Reads what came through the socket. An event that we have not asked for is undefined: Asterisk has more of them.
 *
 * @throws Error for what is no event, or an event that lacks what it must have.
 */
export function readEvent(text: string): AriEvent | undefined {
  const value: unknown = JSON.parse(text)
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : ''
  if (typeof type !== 'string' || type === '') throw new Error('it has no type')
  const isValid = checkers.get(type)
  if (!isValid) return undefined
  if (!isValid(value)) throw new Error(`it is no whole ${type}`)
  return value as AriEvent
}
