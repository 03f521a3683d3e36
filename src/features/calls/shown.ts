import Type, { type Static } from 'typebox'
import { named } from '../../documents/vocabulary.ts'
import { type Call, type Offer, whomOf } from './call.ts'
import { byPlace, isWaiting } from './queue.ts'

const states = [
  'arriving',
  'announced',
  'waiting',
  'offered',
  'leaving',
  'forwarded',
  'connected',
  'overflowed',
] as const

export const Party = Type.Object(
  {
    name: Type.String({ description: 'As it was sent; empty for none.' }),
    number: Type.String({ description: 'As it was sent; empty for none.' }),
  },
  { description: 'Whoever calls.' },
)

export const time = (description: string) => Type.String({ format: 'date-time', description })

export const ShownCall = named(
  'Call',
  Type.Object({
    callId: Type.String({ description: 'Of the call, as long as it lasts and in its record.' }),
    state: Type.Enum([...states], {
      description:
        'What it does: `waiting` calls can be offered; `offered` ones ring at somebody; `announced` ones hear what comes before they leave; `forwarded` ones ring where they were sent; `overflowed` ones hear a tone.',
    }),
    caller: Party,
    dialled: Type.String({ description: 'What the caller dialled.' }),
    dnis: Type.Optional(Type.String({ description: 'Name of the DNIS that was called.' })),
    arrivedAt: time('When it came.'),
    waitingSince: Type.Optional(time('Since when it waits, also while it is offered.')),
    place: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Its place among those that wait; 1 is next.' }),
    ),
    isBounced: Type.Boolean({ description: 'It has come back from an agent who did not take it.' }),
    offers: Type.Integer({ minimum: 0, description: 'How often it has been offered.' }),
    offer: Type.Optional(
      Type.Object(
        {
          offerId: Type.String({ description: 'Its number among those of the call.' }),
          agent: Type.Optional(Type.String({ description: 'Id of the user.' })),
          destination: Type.Optional(
            Type.String({ description: 'As it was given, where no agent was named.' }),
          ),
          forceDelivery: Type.Boolean({ description: 'It is put through without being accepted.' }),
        },
        { description: 'Whom it is offered to, or speaks with.' },
      ),
    ),
    answeredAt: Type.Optional(time('When somebody took it.')),
  }),
  'A call that there is now.',
)

export type ShownCall = Static<typeof ShownCall>

/** An offer as it is shown. */
export function showOffer(offer: Offer): ShownCall['offer'] & {} {
  return { offerId: offer.id, ...whomOf(offer), forceDelivery: offer.isForced }
}

/** A moment as the API tells it. */
export function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

/** Whom a call is offered to, or speaks with. */
export function offerOf({ phase }: Call): Offer | null {
  return phase.name === 'offered' || phase.name === 'connected' ? phase.offer : null
}

function showAs<State extends string>(
  state: State,
  call: Call,
  { offer, place }: { offer: Offer | null; place?: number | undefined },
) {
  const { dnis, waitingSince, taken } = call
  return {
    callId: call.id,
    state,
    caller: call.caller,
    dialled: call.dialled,
    ...(dnis !== null && { dnis }),
    arrivedAt: timeOf(call.arrivedAt),
    ...(waitingSince !== null && isWaiting(call) && { waitingSince: timeOf(waitingSince) }),
    ...(place !== undefined && { place }),
    isBounced: call.isBounced,
    offers: call.offers,
    ...(offer && { offer: showOffer(offer) }),
    ...(taken && { answeredAt: timeOf(taken.at) }),
  }
}

function show(call: Call, place: number | undefined): ShownCall | undefined {
  const { phase } = call
  return phase.name === 'ended'
    ? undefined
    : showAs(phase.name, call, { offer: offerOf(call), place })
}

const { place: _place, state: _state, ...membersOfTold } = ShownCall.properties

/** A call in what is told of it: others come and go without a word of it, so it has no place. */
export const ToldCall = Type.Object(
  {
    ...membersOfTold,
    state: Type.Enum([...states, 'ended'], {
      description: 'As in `Call`; `ended` where it is over.',
    }),
  },
  { description: 'The call as it has become by what happened.' },
)

export type ToldCall = Static<typeof ToldCall>

/** A call as it is told what happens to it. @param lastOffer by whom a call that is over was rung or spoken with at last. */
export function showTold(call: Call, lastOffer: Offer | null = null): ToldCall {
  const { phase } = call
  return phase.name === 'ended'
    ? showAs('ended', call, { offer: lastOffer })
    : showAs(phase.name, call, { offer: offerOf(call) })
}

/** What can be told of the end of a call when nothing is known of it any more. */
export function showUnknown(callId: string, endedAt: number): ToldCall {
  const caller = { name: '', number: '' }
  const arrivedAt = timeOf(endedAt)
  return { callId, state: 'ended', caller, dialled: '', arrivedAt, isBounced: false, offers: 0 }
}

/** The calls of a route point as the API shows them: those that wait by their places, then the others as they came. */
export function showCalls(calls: readonly Call[]): ShownCall[] {
  const waiting = calls.filter(isWaiting).sort(byPlace)
  const others = calls
    .filter((call) => !isWaiting(call))
    .sort((one, other) => one.arrivedAt - other.arrivedAt)
  const shown = [
    ...waiting.map((call, index) => show(call, index + 1)),
    ...others.map((call) => show(call, undefined)),
  ]
  return shown.filter((call) => call !== undefined)
}

/** A call as OpenAPI shows it. */
export const exampleCall: ShownCall = {
  callId: '019ac7d2-4b0e-7c31-9a53-0f6d2a8c1e47',
  state: 'waiting',
  caller: { name: 'Anna Caller', number: '+3225550100' },
  dialled: '+3225126780',
  dnis: 'Test DNIS',
  arrivedAt: '2026-11-29T09:30:00.000Z',
  waitingSince: '2026-11-29T09:30:00.120Z',
  place: 1,
  isBounced: false,
  offers: 0,
}
