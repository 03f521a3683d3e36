import Type, { type Static } from 'typebox'
import { named } from '../../../documents/vocabulary.ts'
import { ShownAgent } from '../agents/agents.ts'
import { outcomes } from '../call.ts'
import { exampleCall, ShownCall, ToldCall } from '../shown.ts'

/** What is told of calls. */
const callEventTypes = [
  'call.arrived',
  'call.queued',
  'call.offered',
  'call.answered',
  'call.offerFailed',
  'call.bounced',
  'call.overflowed',
  'call.forwarded',
  'call.changed',
  'call.ended',
] as const

/** All that a group is told of. */
export const eventTypes = [...callEventTypes, 'agent.changed'] as const

/** How an offer ends that nobody took. */
const howFailed = [
  'noAnswer',
  'withdrawn',
  'busy',
  'declined',
  'forbidden',
  'unknown',
  'unavailable',
  'redirected',
  'unreachable',
  'hungUp',
  'failed',
] as const

const routePoint = Type.String({ description: 'Id of the route point, in lower case.' })

export const CallEvent = named(
  'CallEvent',
  Type.Object({
    type: Type.Enum([...callEventTypes], { description: 'What happened; also the event’s name.' }),
    at: Type.String({ format: 'date-time', description: 'When it happened.' }),
    routePoint,
    call: ToldCall,
    offer: Type.Optional(
      Type.Unsafe<ToldCall['offer'] & {}>({
        ...ToldCall.properties.offer,
        description: 'The offer that failed; of `call.offerFailed`.',
      }),
    ),
    how: Type.Optional(
      Type.Enum([...howFailed], {
        description:
          'How it failed; of `call.offerFailed`. `hungUp`: whoever answered was gone before they were heard.',
      }),
    ),
    destination: Type.Optional(
      Type.String({ description: 'Where it was sent, as it was given; of `call.forwarded`.' }),
    ),
    hasLeft: Type.Optional(
      Type.Boolean({
        description:
          'Another route point treats it from now on, and nothing more is told of it here; of `call.forwarded`. Else it rings there.',
      }),
    ),
    outcome: Type.Optional(
      Type.Enum([...outcomes], { description: 'How the call ended; of `call.ended`.' }),
    ),
    reason: Type.Optional(
      Type.String({
        description: 'Why, in words; of `call.overflowed`, `call.forwarded` and `call.ended`.',
      }),
    ),
  }),
  'What happened to a call, with the call as it has become by it.',
)

export type CallEvent = Static<typeof CallEvent>

/** A call in a snapshot. */
export const StandingCall = Type.Object({ routePoint, ...ShownCall.properties })

export const CallSnapshot = named(
  'CallSnapshot',
  Type.Object({
    calls: Type.Array(StandingCall, {
      description:
        'Route point by route point: those that wait stand first, by their places; then the others, as they came.',
    }),
    agents: Type.Array(ShownAgent, {
      description:
        'Users of the group whose state was ever set, or to whom a call has come, by their ids; whichever route points were chosen.',
    }),
  }),
  'The calls and agents that there are when a stream begins.',
)

export const AgentEvent = named(
  'CallAgentEvent',
  Type.Object({
    type: Type.Literal('agent.changed', { description: 'Also the event’s name.' }),
    at: Type.String({ format: 'date-time', description: 'When they became so.' }),
    ...ShownAgent.properties,
  }),
  'What an agent of the group is from now on.',
)

export type StandingCall = Static<typeof StandingCall>

const { place: _place, ...toldExample } = exampleCall

/** An event as OpenAPI shows it. */
export const exampleEvent: CallEvent = {
  type: 'call.queued',
  at: '2026-11-29T09:30:00.120Z',
  routePoint: 'hotline@sip.netaxis.be',
  call: toldExample,
}
