import type { Cause, LegEnd, Party, Target } from '../../engines/engine.ts'
import type { SetState } from '../agents/states.ts'
import type { RoutePointKey } from '../route-points/route-point.ts'
import type { RoutePointSettings } from '../route-points/settings/index.ts'
import type { Route } from './find.ts'
import type { Sound } from './sounds.ts'

/** What is known of a call from its first moment. */
export interface ArrivedCall {
  readonly id: string
  /** Name of the engine that carries it. */
  readonly engine: string
  /** The caller's leg. */
  readonly leg: string
  readonly caller: Party
  /** As it was dialled. */
  readonly dialled: string
  /** Milliseconds since 1970, as all moments here. */
  readonly arrivedAt: number
}

/** A call as it stands between two events: all that is needed to go on with it, as its row keeps it. */
export interface Call extends ArrivedCall {
  /** Where it is treated now. */
  readonly routePoint: RoutePointKey
  readonly dnis: string | null
  /** How many route points of ours have sent it on. */
  readonly hops: number
  readonly isAnswered: boolean
  /** How many plays, legs and bridges it has had: each gets an id of its own, since ids used again have crashed engines. */
  readonly numbered: number
  /** How many events have been told of it: each has its number, by which a write that is done again tells none twice. */
  readonly told: number
  /** How many offers it has had. */
  readonly offers: number
  /** Since when it waits at its route point, and so its place; null where it never has. */
  readonly waitingSince: number | null
  /** It has come back from an agent, and stands before those that have not. */
  readonly isBounced: boolean
  /** Who took it, by key and as is told, and when; null as long as nobody has. */
  readonly taken: { agent: string | null; at: number; whom?: Whom } | null
  /** What has been given meanwhile; absent for none. */
  readonly dispositionCodes?: readonly DispositionCodeReference[]
  readonly hearing: Hearing
  /** Plays that were to end last: whether they have is not known. */
  readonly stopped: readonly string[]
  readonly phase: Phase
  readonly timers: Timers
}

/** A call in its first moment. @param lifeSecondsMax how long it can last. */
export function newCall(
  known: ArrivedCall & Pick<Call, 'routePoint' | 'dnis'>,
  lifeSecondsMax: number,
): Call {
  return {
    ...known,
    hops: 0,
    isAnswered: false,
    numbered: 0,
    told: 0,
    offers: 0,
    waitingSince: null,
    isBounced: false,
    taken: null,
    hearing: { what: 'nothing' },
    stopped: [],
    phase: { name: 'arriving' },
    timers: { life: known.arrivedAt + lifeSecondsMax * 1_000 },
  }
}

/** What the caller hears from us; the play that makes it, but for ringing before the answer, which their telephone makes. */
export type Hearing =
  | { what: 'nothing' }
  | { what: 'ringing'; play: string | null }
  | { what: 'music' | 'announcement' | 'busy'; play: string }

export type Phase =
  /** Nothing has been decided. */
  | { name: 'arriving' }
  /** Hears an announcement; what was decided follows it. */
  | { name: 'announced'; before: AnnouncedBefore; reason: string }
  | { name: 'waiting' }
  | { name: 'offered'; offer: Offer }
  /** It is asked where a destination leads. */
  | ({ name: 'leaving'; destination: string } & Leaving)
  /** Rings at a destination. */
  | ({ name: 'forwarded'; leg: string } & Leaving)
  /** Speaks with whom an offer or a forwarding reached. */
  | ({ name: 'connected' } & Conversation)
  /** Hears a tone until it gives up, or we do. */
  | { name: 'overflowed'; outcome: ToneOutcome; reason: string }
  /** Over and recorded; the row stands until the engine has let go of the caller. */
  | { name: 'ended'; ending: Ending }

export interface Conversation {
  leg: string
  bridge: string
  /** Null where the call was sent to a destination. */
  offer: Offer | null
  /** How the call ends when it does. */
  outcome: Outcome
}

export type AnnouncedBefore = 'forced forwarding' | 'overflow'

/** Why a call is sent away. */
export interface Leaving {
  outcome: 'forwarded' | 'overflowed' | 'bounced-out'
  reason: string
}

export interface Offer {
  /** Its number among those of the call. */
  id: string
  leg: string
  /** Null where it is made to a destination that is no user of ours. */
  agent: string | null
  to: Target
  /** As the routing system gave it; null where it named an agent. */
  destination: string | null
  isForced: boolean
}

/** Whom an offer is made to, as is told; neither where a call was sent on. */
export interface Whom {
  /** Id of the user, as it was written. */
  agent?: string
  /** As the routing system gave it. */
  destination?: string
}

/** Who of another group is called by a destination is not told. */
export function whomOf({ to, destination }: Offer): Whom {
  const isAgent = destination === null && to.kind === 'agent'
  return isAgent ? { agent: to.userId } : { destination: destination ?? '' }
}

/** How a call ends whose caller heard a tone at last: it overflowed, or nobody took it where it was sent. */
export type ToneOutcome = 'overflowed' | 'failed'

/** How calls end: each in exactly one of these ways. */
export const outcomes = [
  'answered',
  'abandoned',
  'forwarded',
  'overflowed',
  'bounced-out',
  'refused',
  'failed',
  'released',
] as const
export type Outcome = (typeof outcomes)[number]

export type DispositionCodeReference = NonNullable<
  RoutePointSettings['disposition_codes_config']['defaultCallDispositionCode']
>

export interface Ending {
  outcome: Outcome
  /** In words, for people who ask why. */
  reason: string
  at: number
  /** What the caller is told. */
  cause: Cause
  /** Codes that say how a conversation ended: the default one where one must be given. */
  dispositionCodes: readonly DispositionCodeReference[]
  /** What its agent is from now on, where the route point says it. */
  agentAfter?: SetState
  /** The engine has let go of the caller: the row can go. */
  isGone: boolean
}

/** When which event comes, unless something else does before. */
export type Timers = Readonly<Partial<Record<TimerName, number>>>
export type TimerName =
  /** The call has lived too long. */
  | 'life'
  /** An announcement should have ended long ago. */
  | 'announcement'
  /** Music that could not be played is tried again. */
  | 'music'
  /** It has waited too long. */
  | 'overflow'
  /** No routing system has said anything about it. */
  | 'silence'
  /** Whoever it rings at does not answer. */
  | 'noAnswer'
  /** A tone has been heard for long enough. */
  | 'tone'

/** What happens to a call: on the engine, by time, or by a command of a routing system. */
export type CallEvent =
  | { type: 'arrived' }
  | { type: 'resolved'; route: Route }
  | { type: 'played'; play: string; isWhole: boolean }
  | { type: 'answered'; leg: string }
  | { type: 'ended'; leg: string; how: LegEnd }
  | { type: 'due'; timer: TimerName }
  | {
      type: 'offered'
      agent: string | null
      route: Route
      destination: string | null
      /** What the route point says unless told; as are the seconds. */
      isForced: boolean | undefined
      ringSeconds: number | undefined
    }
  | { type: 'withdrawn'; offer: string }
  /** It is given these disposition codes, and no others. */
  | { type: 'coded'; codes: readonly DispositionCodeReference[] }
  | { type: 'released'; cause: Cause | undefined }
  /** Whether a routing system is there has changed. */
  | { type: 'routing' }
  /** The engine did not do it: what it is about is gone, or the engine refused. */
  | { type: 'undone'; action: Action; isGone: boolean }
  /** The engine was looked through: what of the call is there. */
  | { type: 'found'; found: Found }
  /** The engine has no such caller any more. */
  | { type: 'lost' }

/** What a survey of the engine found of a call. */
export interface Found {
  isAnswered: boolean
  /** The dialled leg that the call knows of. */
  leg: 'absent' | 'ringing' | 'answered'
  /** Caller and leg hear each other. */
  isConnected: boolean
  /** What the caller hears is being played. */
  isPlaying: boolean
}

/** What is to be done, in its order. */
export type Action =
  /** Ask where a destination leads; `resolved` answers. */
  | { do: 'resolve'; destination: string }
  /** Treat it as a new arrival where it is now; `arrived` follows. */
  | { do: 'arrive' }
  | { do: 'answer' }
  | { do: 'ring' }
  | { do: 'tone'; play: string; tone: 'busy' | 'ringing' }
  | { do: 'play'; play: string; sound: Sound }
  | { do: 'stop'; play: string }
  | ({ do: 'dial'; leg: string; to: Target } & Ringing)
  | { do: 'connect'; bridge: string; leg: string }
  | { do: 'hang up'; leg: string }
  | { do: 'dissolve'; bridge: string }
  /** Lets go of the caller; always the last. */
  | { do: 'release'; cause: Cause }

/** How a dialled telephone rings. */
export interface Ringing {
  from: Party
  pattern: RingPattern
  /** When it is to answer by itself; absent where it is not. */
  answerAfterSeconds?: number
}

export type RingPattern = 'Normal' | 'Long-Long' | 'Short-Short-Long' | 'Short-Long-Short'

/** What is told of a call to whoever routes, and what besides the call belongs to it. */
export type Telling =
  /** It has come to its route point. */
  | { kind: 'call.arrived' }
  /** It waits, for the first time or again, and can be offered. */
  | { kind: 'call.queued' }
  /** It rings at an agent or destination. */
  | { kind: 'call.offered' }
  /** Somebody took it. */
  | { kind: 'call.answered' }
  /** An offer is over, and nobody took the call. */
  | { kind: 'call.offerFailed'; offer: Offer; how: LegEnd | 'noAnswer' | 'withdrawn' }
  /** After such an offer it goes elsewhere, or before all that wait. */
  | { kind: 'call.bounced' }
  /** It has no place in the queue, or no longer. */
  | { kind: 'call.overflowed'; reason: string }
  /** It rings at a destination; or it has left, and another route point treats it. */
  | { kind: 'call.forwarded'; destination: string; hasLeft: boolean; reason: string }
  /** It does something else now, of which nothing further is to be told. */
  | { kind: 'call.changed' }
  /** It is over. */
  | { kind: 'call.ended'; offer: Offer | null }

/** What was told. */
export interface Told {
  telling: Telling
  /** Its number among what was told of the call. */
  number: number
  at: number
  /** As the call has become by it. */
  call: Call
}

/** Which member of which setting decided something. */
export interface Reason {
  setting: string
  member: string
  value: unknown
}

export function isSameKey(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((part, index) => part === other[index])
}

/** Whom a call is offered to or has been taken by, as long as it is. */
export function agentOf({ phase }: Call): string | null {
  if (phase.name === 'offered') return phase.offer.agent
  if (phase.name === 'connected') return phase.offer?.agent ?? null
  return null
}
