import { type Cause, causes, ownIdPrefix, type Tone } from '../../../engines/engine.ts'
import type { RoutePoint } from '../../route-points/route-points.ts'
import type { RoutePointSettings } from '../../route-points/settings/index.ts'
import type { RoutePointState } from '../../route-points/state.ts'
import type {
  Action,
  Call,
  Ending,
  Hearing,
  Leaving,
  Outcome,
  Phase,
  Reason,
  Telling,
  TimerName,
  Told,
} from '../call.ts'
import type { Sound } from '../sounds.ts'
import { stateAfterCall } from './after-call.ts'
import { codesDue } from './coding.ts'

/** What a step knows besides the call: read when it is made. */
export interface World {
  /** Milliseconds since 1970. */
  now: number
  /** Undefined where the route point is no more, or cannot be read. */
  state: RoutePointState | undefined
  /** It cannot be read, since what is kept of it is damaged. */
  isDamaged: boolean
  /** Other calls that wait at the route point or are offered. */
  waiting: number
  /** Other calls of the same caller that ring at where the route point has sent them. */
  alike: number
  /** A routing system is there for the route point. */
  isRouted: boolean
}

/** What decides: settings of the route point, and the route point itself. */
type Deciding = RoutePointSettings & { route_points: RoutePoint }

/** Plays that are remembered after they were to end. */
const stoppedMax = 4

/** A step in the making: the call as it becomes, what is to be done, and what decided it. */
export class Turn {
  readonly now: number
  readonly world: World
  readonly actions: Action[] = []
  readonly reasons: Reason[] = []
  readonly told: Told[] = []
  /** What was told last, as long as the call may become by it what it is. */
  #telling: Told | undefined
  #call: Call

  constructor(call: Call, world: World) {
    this.#call = call
    this.world = world
    this.now = world.now
  }

  get call(): Call {
    return this.#call
  }

  change(changed: Partial<Call>): void {
    // What it becomes elsewhere is not told where it was.
    if (changed.routePoint) this.#telling = undefined
    this.#call = { ...this.#call, ...changed }
    if (this.#telling) this.#telling.call = this.#call
  }

  /** Tells what happens to the call, with all that it becomes by that: until something else is told, or the step is over. */
  tell(telling: Telling): void {
    this.#telling = undefined
    const number = this.#call.told + 1
    this.change({ told: number })
    this.#telling = { telling, number, at: this.now, call: this.#call }
    this.told.push(this.#telling)
  }

  /** Tells that the call does something else than it did, where nothing says so yet. */
  tellRest(before: Call): void {
    const { name } = this.#call.phase
    const isOnTheWay = name === 'arriving' || name === 'leaving'
    if (this.told.length > 0 || isOnTheWay || name === before.phase.name) return
    this.tell({ kind: 'call.changed' })
  }

  /** Goes over into a phase; what was to happen in the one before no longer does. */
  become(phase: Phase): void {
    const { life } = this.#call.timers
    this.change({ phase, timers: life === undefined ? {} : { life } })
  }

  act(action: Action): void {
    this.actions.push(action)
  }

  /** A member of a setting, noted as what decided. */
  decide<S extends keyof Deciding, M extends string & keyof Deciding[S]>(
    setting: S,
    member: M,
  ): Deciding[S][M] {
    const value = this.look(setting, member)
    this.note({ setting, member, value })
    return value
  }

  /** The same where it decides nothing, or not yet. */
  look<S extends keyof Deciding, M extends string & keyof Deciding[S]>(
    setting: S,
    member: M,
  ): Deciding[S][M] {
    const { routePoint, settings } = this.state
    const deciding: Deciding = { ...settings, route_points: routePoint }
    return deciding[setting][member]
  }

  note(reason: Reason): void {
    this.reasons.push(reason)
  }

  /** @throws Error where there is no route point: `step()` lets no such call come here. */
  get state(): RoutePointState {
    if (!this.world.state) throw new Error('The route point is no more.')
    return this.world.state
  }

  keepTimer(timer: TimerName, at: number): void {
    this.change({ timers: { ...this.#call.timers, [timer]: at } })
  }

  /** An id that nothing of this call had: plays, legs and bridges never share one. */
  newId(): string {
    const numbered = this.#call.numbered + 1
    this.change({ numbered })
    return `${ownIdPrefix}${this.#call.id}-${numbered}`
  }

  answer(): void {
    if (this.#call.isAnswered) return
    this.act({ do: 'answer' })
    this.change({ isAnswered: true })
  }

  /** Ends what the caller hears from us. */
  hush(): void {
    const { hearing } = this.#call
    if ('play' in hearing && hearing.play !== null) {
      this.act({ do: 'stop', play: hearing.play })
      this.noteStop(hearing.play)
    }
    this.#hear({ what: 'nothing' })
  }

  /** A play was to end; maybe it has not. */
  noteStop(play: string): void {
    const others = this.#call.stopped.filter((one) => one !== play)
    this.change({ stopped: [...others, play].slice(-stoppedMax) })
  }

  /** Ends all that the caller may hear from us, once more what was to have ended: an engine connects nobody who hears something. */
  silence(): void {
    for (const play of this.#call.stopped) this.act({ do: 'stop', play })
    this.hush()
  }

  /** Lets the caller hear a sound, from its beginning. */
  play(sound: Sound): void {
    this.answer()
    this.hush()
    const play = this.newId()
    this.act({ do: 'play', play, sound })
    this.#hear({ what: sound.kind, play })
  }

  /** Lets the caller hear ringing, as long as it takes. */
  ring(): void {
    if (this.#call.hearing.what === 'ringing') return
    if (this.#call.isAnswered) {
      this.#tone('ringing')
      return
    }
    this.act({ do: 'ring' })
    this.#hear({ what: 'ringing', play: null })
  }

  busy(): void {
    this.#tone('busy')
  }

  #tone(tone: Tone): void {
    this.hush()
    const play = this.newId()
    this.act({ do: 'tone', play, tone })
    this.#hear({ what: tone, play })
  }

  #hear(hearing: Hearing): void {
    this.change({ hearing })
  }

  /** Ends the call: it is recorded, and the caller is let go. */
  end(outcome: Outcome, reason: string, cause: Cause = causes.normal): void {
    this.#leaveAll()
    this.act({ do: 'release', cause })
    this.#over({ outcome, reason, cause, isGone: false })
  }

  /** The call is over, since its caller is no longer there. */
  endWithoutCaller(outcome: Outcome, reason: string): void {
    this.#leaveAll()
    this.#over({ outcome, reason, cause: causes.normal, isGone: true })
  }

  #leaveAll(): void {
    const { phase } = this.#call
    if (phase.name === 'offered') this.act({ do: 'hang up', leg: phase.offer.leg })
    if (phase.name === 'forwarded') this.act({ do: 'hang up', leg: phase.leg })
    if (phase.name === 'connected') {
      this.act({ do: 'hang up', leg: phase.leg })
      this.act({ do: 'dissolve', bridge: phase.bridge })
    }
  }

  #over(known: Omit<Ending, 'at' | 'dispositionCodes' | 'agentAfter'>): void {
    const { phase: before } = this.#call
    const isOffered = before.name === 'offered' || before.name === 'connected'
    const offer = isOffered ? before.offer : null
    this.tell({ kind: 'call.ended', offer })
    // Whoever is reached by a destination may be another group's: what they are is not this route point's to say.
    const isNamed = offer !== null && offer.agent !== null && offer.destination === null
    const isAgents = before.name === 'connected' && isNamed
    const agentAfter = isAgents ? stateAfterCall(this) : undefined
    const { dispositionCodes: given = [] } = this.#call
    const config = this.world.state?.settings.disposition_codes_config
    const dispositionCodes = codesDue({ outcome: known.outcome, given }, config)
    const ending = { ...known, at: this.now, dispositionCodes, ...(agentAfter && { agentAfter }) }
    this.change({ phase: { name: 'ended', ending }, timers: {}, hearing: { what: 'nothing' } })
  }

  /** Sends the call to a destination, wherever that leads. */
  leave(destination: string, leaving: Leaving): void {
    this.become({ name: 'leaving', destination, ...leaving })
    this.act({ do: 'resolve', destination })
  }
}
