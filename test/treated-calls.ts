import { expect } from 'vitest'
import {
  type Action,
  type Call,
  type CallEvent,
  newCall,
  type Reason,
} from '../src/features/calls/call.ts'
import type { Route } from '../src/features/calls/find.ts'
import { type Step, step } from '../src/features/calls/step.ts'
import type { World } from '../src/features/calls/treatment/turn.ts'
import { dnis } from '../src/features/route-points/dnis/dnis.ts'
import { routePoints } from '../src/features/route-points/route-points.ts'
import { type RoutePointSettings, settings } from '../src/features/route-points/settings/index.ts'
import type { RoutePointState } from '../src/features/route-points/state.ts'

type Partially<Value> = { [Member in keyof Value]?: Partial<Value[Member]> }

/** What differs from the defaults. */
export interface Configured {
  routePoint?: Partial<RoutePointState['routePoint']>
  settings?: Partially<RoutePointSettings>
  dnis?: {
    dnis?: Partial<NonNullable<RoutePointState['dnis']>['dnis']>
    announcements?: RoutePointSettings['announcements']
  }
}

const key = ['footenant', 'foogroup', 'hotline@sip.netaxis.be'] as const

function defaultSettings(): RoutePointSettings {
  const all = settings.map(({ name, defaultText }) => [name, JSON.parse(defaultText)])
  return Object.fromEntries(all)
}

/** A route point with everything as it is by default, but for a queue of 10. */
export function stateOf(configured: Configured = {}): RoutePointState {
  const profile = { serviceUserId: 'hotline', serviceInstanceProfile: { name: 'Hotline' } }
  const { value: routePoint } = routePoints.document.create({ ...profile, queueLength: 10 }, key[2])
  const all = Object.entries(defaultSettings()).map(([name, value]) => [
    name,
    { ...value, ...configured.settings?.[name as keyof RoutePointSettings] },
  ])
  const changed: RoutePointSettings = Object.fromEntries(all)
  const called = configured.dnis && {
    dnis: { ...dnis.document.create({ name: 'Sales' }).value, ...configured.dnis.dnis },
    announcements: configured.dnis.announcements ?? changed.announcements,
  }
  return {
    key,
    routePoint: { ...routePoint, ...configured.routePoint },
    domain: 'sip.netaxis.be',
    country: 'BE',
    settings: changed,
    dnis: called,
    audio: new Map(),
  }
}

const start = 1_000_000

/** A call that has just come. */
function arrivedCall(changed: Partial<Call> = {}): Call {
  const known = {
    id: 'c1',
    engine: 'test',
    leg: 'caller',
    caller: { name: 'Anna', number: '+3225550100' },
    dialled: '+3225126780',
    arrivedAt: start,
  }
  return { ...newCall({ ...known, routePoint: key, dnis: null }, 14_400), ...changed }
}

export const arrived = { type: 'arrived' } as const

export const agent: Route = {
  kind: 'agent',
  userId: 'agent@sip.netaxis.be',
  extension: '5001',
  phoneNumber: '',
}

export function offerTo(route: Route = agent, changed: object = {}): CallEvent {
  return {
    type: 'offered',
    agent: 'agent@sip.netaxis.be',
    route,
    destination: null,
    isForced: undefined,
    ringSeconds: undefined,
    ...changed,
  }
}

/** One call, treated without a clock or an engine. */
export class TreatedCall {
  call: Call
  world: World
  /** All that was to be done. */
  readonly actions: Action[] = []
  readonly reasons: Reason[] = []

  constructor(configured: Configured = {}, changed: Partial<Call> = {}) {
    this.call = arrivedCall(changed)
    this.world = {
      now: start,
      state: stateOf(configured),
      isDamaged: false,
      waiting: 0,
      alike: 0,
      isRouted: true,
    }
  }

  /** Lets something happen, and answers what is to be done then. */
  happens(event: CallEvent): Step {
    const made = step(this.call, event, this.world)
    this.call = made.call
    this.actions.push(...made.actions)
    this.reasons.push(...made.reasons)
    return made
  }

  /** Lets all of these happen. */
  goesThrough(...events: CallEvent[]): this {
    for (const event of events) this.happens(event)
    return this
  }

  /** Lets seconds pass, and what is due in them happen, earliest first. */
  waits(seconds: number): this {
    const end = this.world.now + seconds * 1_000
    for (;;) {
      const due = Object.entries(this.call.timers).sort(([, one], [, other]) => one - other)[0]
      if (!due || due[1] > end) break
      this.world = { ...this.world, now: due[1] }
      this.happens({ type: 'due', timer: due[0] as keyof Call['timers'] })
    }
    this.world = { ...this.world, now: end }
    return this
  }

  configure(configured: Configured): this {
    this.world = { ...this.world, state: stateOf(configured) }
    return this
  }

  /** The kinds of what was to be done since the last time this was asked. */
  done(): string[] {
    return this.actions.splice(0).map((action) => action.do)
  }

  /** The leg that rings or speaks beside the caller's. */
  get leg(): string {
    const { phase } = this.call
    if (phase.name === 'offered') return phase.offer.leg
    if (phase.name === 'forwarded' || phase.name === 'connected') return phase.leg
    throw new Error(`A call that is '${phase.name}' has no other leg.`)
  }

  /** The play that the caller hears. */
  get play(): string {
    const { hearing } = this.call
    if ('play' in hearing && hearing.play !== null) return hearing.play
    throw new Error('Nothing plays.')
  }

  get ending() {
    const { phase } = this.call
    return phase.name === 'ended' ? phase.ending : undefined
  }
}

/** A call that waits. */
export function waitingCall(
  ...[configured]: ConstructorParameters<typeof TreatedCall>
): TreatedCall {
  const treated = new TreatedCall(configured).goesThrough(arrived)
  expect(treated.call.phase.name).toBe('waiting')
  treated.done()
  return treated
}

/** One that is offered to the agent. */
export function offeredCall(
  ...[configured]: ConstructorParameters<typeof TreatedCall>
): TreatedCall {
  const treated = waitingCall(configured).goesThrough(offerTo())
  expect(treated.call.phase.name).toBe('offered')
  return treated
}
