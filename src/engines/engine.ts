/**
 * What carries calls, in the words of whoever treats them; Asterisk is one (`src/asterisk/`). It knows legs and what they hear,
 * and nothing of route points.
 *
 * A leg is a telephone's way to the engine: a caller's, under an id of the engine, or one that we dialled, under an id of ours. A
 * dialled leg may ring several phones of one person: the first that answers is the leg, the others are released.
 */
export interface Engine extends LegCommands, PlayCommands {
  readonly name: string
  /** Whether calls can be treated: it is connected, proven, and compared with what we know. */
  readonly isReady: boolean
  /** Connects, and again for ever whenever the connection is lost; returns at once. */
  start(listener: EngineListener): void
  /** Leaves all calls as they are. */
  close(): Promise<void>
}

/** What is done with legs. Each throws EngineFault. */
export interface LegCommands {
  /** Gives a caller's leg the call's id, and seconds after which the engine ends it whatever happens to us. */
  claim(leg: string, claim: { callId: string; secondsMax: number }): Promise<void>
  answer(leg: string): Promise<void>
  /** Before the answer the caller's telephone rings by itself; after it, a tone does. */
  ring(leg: string): Promise<void>
  /**
   * Begins to ring; `ringing`, `answered` and `ended` tell what comes of it, maybe before this is done. Whatever is wrong with
   * the target, an `ended` tells, also where it cannot be dialled at all (`unreachable`). After a fault nothing of the leg is told.
   */
  dial(leg: string, dialling: Dialling): Promise<void>
  /** Lets legs hear one another; what plays to them must be stopped before. */
  connect(bridge: string, legs: readonly string[]): Promise<void>
  dissolve(bridge: string): Promise<void>
  /** Ends a leg, a caller's before its answer with what the cause says to them, which `ended` then tells; it is no fault when it is gone. */
  release(leg: string, cause: Cause): Promise<void>
  /** Gives a caller's leg back, for the engine's own fallback; `ended` tells that it has left us. */
  handBack(leg: string): Promise<void>
}

/** What legs hear. Each throws EngineFault. */
export interface PlayCommands {
  /** Plays a tone until `stop()`. */
  tone(leg: string, play: string, tone: Tone): Promise<void>
  /**
   * Plays addresses of media in their order; `played` tells of the end. What cannot be played is left out. See `repeated()`
   * for how many there may be.
   */
  play(leg: string, play: string, addresses: readonly string[]): Promise<void>
  stop(play: string): Promise<void>
  isPlaying(play: string): Promise<boolean>
  /**
   * Has an address of the web fetched apart from any call, once for each connection, and ends when it is there: a leg that fetches is
   * deaf to its end.
   */
  fetch(address: string): Promise<void>
}

/**
 * With what our ids of dialled legs and of bridges begin, and by which they are told from callers' legs. Asterisk's own ids begin with
 * the name of its system, where it has one: that must be another.
 */
export const ownIdPrefix = 'pointsman-'

export type Tone = 'busy' | 'ringing'

/** Causes of Q.850, and the status that a SIP caller gets for each before the answer. */
export const causes = {
  /** 404 */
  unknownNumber: 1,
  /** 603 */
  normal: 16,
  /** 486 */
  busy: 17,
  /** 480 */
  noAnswer: 19,
  /** 403 */
  rejected: 21,
  /** 503 */
  congestion: 34,
  /** 500 */
  failure: 38,
} as const
export type Cause = (typeof causes)[keyof typeof causes]

/** A name and a number as telephones show them; empty where there is none. */
export interface Party {
  name: string
  number: string
}

/** A caller who may not be shown, to whomever they reach; also where a leg is dialled from them. */
export const anonymous: Party = { name: 'Anonymous', number: '' }

/** Whom to ring. How that is dialled is the engine's configuration. */
export type Target =
  | { kind: 'agent'; userId: string; extension: string; phoneNumber: string }
  | { kind: 'number'; number: string }
  | { kind: 'uri'; uri: string }

export interface Dialling {
  to: Target
  /** Whom the telephone shows as calling. */
  from: Party
  /** Text of a header Alert-Info, by which telephones choose how to ring. */
  alertInfo?: string
  /** Text of a header Call-Info, by which telephones answer by themselves. */
  callInfo?: string
  /** Kept with the leg, for whoever looks at the engine. */
  callId: string
}

/** How a dialled leg ended that nobody answered, or any leg after its answer (`hungUp`). */
export type LegEnd =
  /** 486, 600 */
  | 'busy'
  /** 603 */
  | 'declined'
  /** 403 and the like */
  | 'forbidden'
  /** 404, 410, 484, 604 */
  | 'unknown'
  /** 480, 408 */
  | 'unavailable'
  /** 3xx: telephones may not send calls on. */
  | 'redirected'
  /** Nothing is registered, or the address is not reached. */
  | 'unreachable'
  | 'hungUp'
  | 'failed'

export interface Arrival {
  leg: string
  /** As the caller's side wrote them, unchecked. */
  dialled: string
  domain: string
  caller: Party
  /** The engine's name for where the call came from. */
  peer: string
}

export type EngineEvent =
  | ({ type: 'arrived' } & Arrival)
  | { type: 'ringing'; leg: string }
  | { type: 'answered'; leg: string }
  | { type: 'ended'; leg: string; how: LegEnd }
  /** `isWhole` is false where it could not be played, or was stopped. */
  | { type: 'played'; play: string; isWhole: boolean }

/** What there is on an engine at one moment. */
export interface Survey {
  /** When it was begun, by `performance.now()`: what was asked of the engine later is not seen. */
  at: number
  /** Callers' legs that have been given to us, with what is needed where we do not know them. */
  callers: readonly (Arrival & { isAnswered: boolean; bridge: string | undefined })[]
  /** Legs under ids of ours. */
  dialled: readonly { leg: string; isAnswered: boolean; bridge: string | undefined }[]
  /** Bridges under ids of ours. */
  bridges: readonly { bridge: string; legs: readonly string[] }[]
}

export interface EngineListener {
  /**
   * Called at each connection and now and then: events that come meanwhile are kept, and follow when this is done. What it
   * throws is logged, and it is asked again.
   */
  surveyed(survey: Survey): Promise<void>
  /** In the engine's order. */
  happened(event: EngineEvent): void
  /** The connection is lost: no event comes until the next survey. */
  lost(): void
}

/**
 * - `gone`: what it was about is no longer there, or no longer ours.
 * - `refused`: the engine does not do it.
 * - `unreachable`: whether it was done is not known.
 */
export type EngineFaultKind = 'gone' | 'refused' | 'unreachable'

/** Why an engine did not do what it was asked. */
export class EngineFault extends Error {
  readonly kind: EngineFaultKind

  constructor(kind: EngineFaultKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}
