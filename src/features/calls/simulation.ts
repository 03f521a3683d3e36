import { callSecondsMaxDefault } from '../../engines/configuration.ts'
import { causes, type LegEnd, type Party } from '../../engines/engine.ts'
import type { RoutePointKey } from '../route-points/route-point.ts'
import type { RoutePointState } from '../route-points/state.ts'
import {
  type Action,
  type Call,
  type CallEvent,
  isSameKey,
  newCall,
  type Reason,
  type TimerName,
} from './call.ts'
import type { Route } from './find.ts'
import { step } from './step.ts'

/** What is imagined to happen, in its order. */
export type Imagined =
  | { event: 'wait'; seconds: number }
  | {
      event: 'offer'
      agent: string | null
      route: Route
      destination: string | null
      forceDelivery: boolean | undefined
      ringSeconds: number | undefined
    }
  | { event: 'answer' }
  | { event: 'refuse'; how: LegEnd }
  | { event: 'announcementEnds' }
  | { event: 'withdraw' }
  | { event: 'callerHangsUp' }
  | { event: 'otherHangsUp' }
  | { event: 'release' }
  | { event: 'routingSystem'; isConnected: boolean }

export interface Scene {
  routePoint: RoutePointKey
  dnis: string | null
  dialled: string
  caller: Party
  /** Other calls that wait at the route point. */
  waitingCalls: number
  isRouted: boolean
  events: readonly Imagined[]
}

/** Where the simulation learns how things are; nothing of what lies elsewhere is told by it. */
export interface Surroundings {
  /** Undefined where there is no such route point, or it is not to be shown. */
  state(routePoint: RoutePointKey, dnis: string | null): Promise<RoutePointState | undefined>
  resolve(routePoint: RoutePointKey, destination: string): Promise<Route>
}

export interface SimulatedStep {
  /** Seconds since the call came. */
  at: number
  /** What happened, such as `arrives`, `offer`, or the timer that was due. */
  event: string
  /** What the call does then. */
  state: Call['phase']['name']
  actions: readonly Action[]
  reasons: readonly Reason[]
  /** The event was none for the call as it was. */
  isIgnored: boolean
  /** The call has gone to a route point of which nothing is shown. */
  isElsewhere: boolean
  call: Call
}

/** A hundred times as many as the events that can be asked for lead to. */
const stepsMax = 1_000

/** Moments are counted from the arrival. */
const arrival = 0

function imaginedCall({ routePoint, dnis, dialled, caller }: Scene): Call {
  const known = { id: 'imagined', engine: 'imagined', leg: 'caller', caller, dialled }
  return newCall({ ...known, arrivedAt: arrival, routePoint, dnis }, callSecondsMaxDefault)
}

function withOtherLeg({ phase }: Call, event: (leg: string) => CallEvent): CallEvent | undefined {
  if (phase.name === 'offered') return event(phase.offer.leg)
  const isBeside = phase.name === 'forwarded' || phase.name === 'connected'
  return isBeside ? event(phase.leg) : undefined
}

/** The event of a call that is meant; undefined for what only passes the time, or for nothing that the call could notice. */
function eventOf(call: Call, imagined: Imagined): CallEvent | undefined {
  const { hearing } = call
  switch (imagined.event) {
    case 'wait':
      return undefined
    case 'offer': {
      const { event: _, forceDelivery: isForced, ...offer } = imagined
      return { type: 'offered', ...offer, isForced }
    }
    case 'answer':
      return withOtherLeg(call, (leg) => ({ type: 'answered', leg }))
    case 'refuse':
      return withOtherLeg(call, (leg) => ({ type: 'ended', leg, how: imagined.how }))
    case 'otherHangsUp':
      return withOtherLeg(call, (leg) => ({ type: 'ended', leg, how: 'hungUp' }))
    case 'callerHangsUp':
      return { type: 'ended', leg: call.leg, how: 'hungUp' }
    case 'announcementEnds':
      if (hearing.what !== 'announcement') return undefined
      return { type: 'played', play: hearing.play, isWhole: true }
    case 'withdraw':
      return { type: 'withdrawn', offer: String(call.offers) }
    case 'release':
      return { type: 'released', cause: causes.normal }
    case 'routingSystem':
      return { type: 'routing' }
  }
}

/** A call in thought: the same function decides as on a live one, and nothing is stored or called. */
class Simulation {
  readonly steps: SimulatedStep[] = []
  readonly #surroundings: Surroundings
  readonly #scene: Scene
  #call: Call
  #now = arrival
  #isRouted: boolean
  #isElsewhere = false

  constructor(scene: Scene, surroundings: Surroundings) {
    this.#scene = scene
    this.#surroundings = surroundings
    this.#isRouted = scene.isRouted
    this.#call = imaginedCall(scene)
  }

  async run(): Promise<readonly SimulatedStep[]> {
    await this.#happen('arrives', { type: 'arrived' })
    for (const imagined of this.#scene.events) {
      if (this.#isElsewhere || this.#call.phase.name === 'ended') break
      if (imagined.event === 'routingSystem') this.#isRouted = imagined.isConnected
      const event = eventOf(this.#call, imagined)
      if (imagined.event === 'wait') await this.#wait(imagined.seconds)
      else if (event) await this.#happen(imagined.event, event)
      else this.#note(imagined.event, { actions: [], reasons: [], isIgnored: true })
    }
    return this.steps
  }

  /** Lets time pass, and in it all that is due, earliest first. */
  async #wait(seconds: number): Promise<void> {
    const end = this.#now + seconds * 1_000
    while (this.steps.length < stepsMax && !this.#isElsewhere) {
      const timers = Object.entries(this.#call.timers) as [TimerName, number][]
      const [due] = timers.sort(([, one], [, other]) => one - other)
      if (!due || due[1] > end) break
      this.#now = Math.max(due[1], this.#now)
      await this.#happen(due[0], { type: 'due', timer: due[0] })
    }
    this.#now = end
  }

  /** One event, with what follows it at once. */
  async #happen(name: string, first: CallEvent): Promise<void> {
    let next: { name: string; event: CallEvent } | undefined = { name, event: first }
    while (next && this.steps.length < stepsMax) {
      const { routePoint, dnis } = this.#call
      const state = await this.#surroundings.state(routePoint, dnis)
      if (!state) {
        this.#isElsewhere = true
        this.#note(next.name, { actions: [], reasons: [], isIgnored: false })
        return
      }
      const isAtHome = isSameKey(routePoint, this.#scene.routePoint)
      const waiting = isAtHome ? this.#scene.waitingCalls : 0
      const world = {
        now: this.#now,
        state,
        isDamaged: false,
        waiting,
        alike: 0,
        isRouted: this.#isRouted,
      }
      const made = step(this.#call, next.event, world)
      const isIgnored = made.isRefused || (made.call === this.#call && made.actions.length === 0)
      this.#call = made.call
      this.#note(next.name, { ...made, isIgnored })
      next = await this.#followUp(made.actions)
    }
  }

  async #followUp(actions: readonly Action[]) {
    for (const action of actions) {
      if (action.do === 'arrive') return { name: 'arrives', event: { type: 'arrived' } as const }
      if (action.do === 'resolve') {
        const route = await this.#surroundings.resolve(this.#call.routePoint, action.destination)
        return { name: 'leaves', event: { type: 'resolved', route } as const }
      }
    }
    return undefined
  }

  #note(event: string, made: Pick<SimulatedStep, 'actions' | 'reasons' | 'isIgnored'>): void {
    const { actions, reasons, isIgnored } = made
    const at = this.#now / 1_000
    const call = this.#call
    const state = call.phase.name
    const isElsewhere = this.#isElsewhere
    this.steps.push({ at, event, state, actions, reasons, isIgnored, isElsewhere, call })
  }
}

/** Treats an imagined call, step by step. */
export function simulate(
  scene: Scene,
  surroundings: Surroundings,
): Promise<readonly SimulatedStep[]> {
  return new Simulation(scene, surroundings).run()
}
