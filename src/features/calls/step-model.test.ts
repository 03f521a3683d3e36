import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seed } from '../../../test/seed.ts'
import {
  agent,
  type Configured,
  offerTo,
  stateOf,
  TreatedCall,
} from '../../../test/treated-calls.ts'
import type { LegEnd } from '../../engines/engine.ts'
import { type Action, type Call, type CallEvent, type Found, outcomes, type Told } from './call.ts'
import type { Route } from './find.ts'
import { showTold } from './shown.ts'
import type { Step } from './step.ts'

const boolean = fc.boolean()
const destination = fc.constantFrom('5001', '+3225126779', 'desk@sip.example.org')
const pattern = fc.constantFrom('Normal', 'Long-Long', 'Short-Short-Long', 'Short-Long-Short')

/** Every configuration that can be kept: what a switch needs is there where it is on. */
const configured: fc.Arbitrary<Configured> = fc.record({
  routePoint: fc.record({
    active: fc.oneof(fc.constant(true), boolean),
    queueLength: fc.integer({ min: 0, max: 3 }),
    noAnswerTimeoutRings: fc.integer({ min: 2, max: 20 }),
    playRingingWhenOfferingCall: boolean,
    forceDeliveryOfCalls: boolean,
  }),
  settings: fc.record({
    overflow: fc.record({
      action: fc.constantFrom('Busy', 'Transfer', 'Ringing'),
      transferPhoneNumber: destination,
      playAnnouncementBeforeOverflowProcessing: boolean,
      overflowAfterTimeout: boolean,
      timeoutSeconds: fc.integer({ min: 0, max: 120 }),
    }),
    bounced_call: fc.record({
      active: boolean,
      numberOfRingsBeforeBouncingCall: fc.integer({ min: 1, max: 20 }),
      enableTransfer: boolean,
      transferPhoneNumber: destination,
      bounceCallWhenAgentUnavailable: boolean,
    }),
    distinctive_ringing: fc.record({
      distinctiveRinging: boolean,
      ringPatternForRoutePoint: pattern,
      forceDeliveryRingPattern: pattern,
    }),
    forced_forwarding: fc.record({
      active: boolean,
      forwardToPhoneNumber: destination,
      playAnnouncementBeforeForwarding: boolean,
    }),
    failover_policy: fc.record({
      enableFailoverSupport: boolean,
      failoverPhoneNumber: destination,
      perCallEnableFailoverSupport: boolean,
      perCallCallFailureTimeoutSeconds: fc.integer({ min: 1, max: 60 }),
      perCallFailoverPhoneNumber: destination,
    }),
  }),
})

const ends: readonly LegEnd[] = [
  'busy',
  'declined',
  'unavailable',
  'unreachable',
  'hungUp',
  'failed',
]

const routes: readonly Route[] = [
  agent,
  { kind: 'number', number: '+3225126779' },
  { kind: 'uri', uri: 'desk@sip.example.org' },
  { kind: 'route point', routePoint: ['t', 'g', 'other@sip.example.org'], dnisName: null },
  { kind: 'nowhere' },
]

/** What an engine, whose telephones do as they like, has of one call, and what must never be. */
class Telephony {
  readonly treated: TreatedCall
  readonly ids = new Set<string>()
  readonly legs = new Map<string, 'ringing' | 'answered'>()
  readonly bridges = new Set<string>()
  plays = new Set<string>()
  isAnswered = false
  isCallerThere = true
  endings = 0
  last: Action[] = []
  /** All that was told. */
  readonly told: Told[] = []

  constructor(first: Configured) {
    this.treated = new TreatedCall(first)
  }

  get call(): Call {
    return this.treated.call
  }

  /** An id is given once: those that are used again have crashed engines. */
  #isFresh(id: string): void {
    expect(this.ids.has(id), id).toBe(false)
    this.ids.add(id)
  }

  #perform(action: Action): void {
    switch (action.do) {
      case 'answer':
        expect(this.isAnswered).toBe(false)
        this.isAnswered = true
        break
      case 'play':
      case 'tone':
        this.#isFresh(action.play)
        expect(this.isAnswered, 'sounds are heard after the answer').toBe(true)
        expect(this.plays.size, 'one sound at a time').toBe(0)
        this.plays.add(action.play)
        break
      case 'stop':
        this.plays.delete(action.play)
        break
      case 'dial':
        this.#isFresh(action.leg)
        expect(this.legs.size, 'one telephone at a time').toBe(0)
        this.legs.set(action.leg, 'ringing')
        break
      case 'connect':
        this.#isFresh(action.bridge)
        expect(this.isAnswered).toBe(true)
        expect(this.plays.size, 'nothing plays to who speaks').toBe(0)
        this.bridges.add(action.bridge)
        break
      case 'hang up':
        this.legs.delete(action.leg)
        break
      case 'dissolve':
        this.bridges.delete(action.bridge)
        break
      case 'release':
        expect(this.call.phase.name).toBe('ended')
        break
    }
  }

  /** What is told says all that whoever follows must know: they see the call as it is. */
  #hears(before: Call, { told, call }: Step): void {
    this.told.push(...told)
    expect(told.map(({ number }) => number)).toEqual(
      told.map((_, index) => before.told + index + 1),
    )
    expect(call.told).toBe(before.told + told.length)
    const last = told.at(-1)
    const isOnTheWay = call.phase.name === 'leaving' || call.phase.name === 'arriving'
    if (!last) {
      if (!isOnTheWay) expect(showTold(call)).toEqual(showTold(before))
    } else if (last.telling.kind === 'call.forwarded' && last.telling.hasLeft) {
      expect(call.phase.name).toBe('arriving')
      expect(last.call.routePoint, 'where it was').toEqual(before.routePoint)
      expect(last.call.dnis).toBe(before.dnis)
    } else {
      expect(showTold(last.call)).toEqual(showTold(call))
      expect(last.call.routePoint).toEqual(call.routePoint)
    }
    for (const { telling, call: then } of told) {
      const { name } = then.phase
      if (telling.kind === 'call.queued') expect(name).toBe('waiting')
      if (telling.kind === 'call.offered') expect(name).toBe('offered')
      if (telling.kind === 'call.answered') expect(name).toBe('connected')
      if (telling.kind === 'call.ended') expect(name).toBe('ended')
      else expect(name, telling.kind).not.toBe('ended')
    }
  }

  /** A call that comes somewhere has arrived there once, and one that ends has ended once, last. */
  #checkTold(): void {
    const kinds = this.told.map(({ telling }) => telling.kind)
    const left = this.told.filter(
      ({ telling }) => telling.kind === 'call.forwarded' && telling.hasLeft,
    )
    expect(kinds[0]).toBe('call.arrived')
    expect(kinds.filter((kind) => kind === 'call.arrived').length).toBe(left.length + 1)
    for (const one of left)
      expect(kinds[this.told.indexOf(one) + 1], 'comes where it goes').toBe('call.arrived')
    expect(kinds.filter((kind) => kind === 'call.ended').length).toBe(this.endings)
    if (this.endings > 0) expect(kinds.at(-1)).toBe('call.ended')
    const open = this.told.reduce((count, { telling: { kind } }) => {
      if (kind === 'call.offered') return count + 1
      return kind === 'call.offerFailed' ? count - 1 : count
    }, 0)
    const { phase } = this.call
    const isOpen = phase.name === 'offered' || (phase.name === 'connected' && phase.offer !== null)
    const atEnd = this.told.at(-1)?.telling
    const isLast = atEnd?.kind === 'call.ended' && atEnd.offer !== null
    expect(open, 'each offer ends once').toBe(isOpen || isLast ? 1 : 0)
  }

  /** Lets an event happen, has what follows at once follow, and looks at what must hold. */
  happens(event: CallEvent): void {
    let next: CallEvent | undefined = event
    while (next) {
      const before = this.call
      const made = this.treated.happens(next)
      this.#hears(before, made)
      if (before.phase.name !== 'ended' && this.call.phase.name === 'ended') this.endings += 1
      if (before.phase.name === 'ended') {
        const allowed = ['release', 'hang up']
        expect(made.actions.filter((one) => !allowed.includes(one.do))).toEqual([])
      }
      if (made.isRefused) {
        expect({ call: this.call, actions: made.actions }).toEqual({ call: before, actions: [] })
      }
      this.last = [...made.actions]
      for (const action of made.actions) this.#perform(action)
      next = this.#followUp(made.actions)
    }
    this.#check()
    this.#checkTold()
  }

  #followUp(actions: readonly Action[]): CallEvent | undefined {
    const question = actions.find((action) => action.do === 'resolve' || action.do === 'arrive')
    if (!question) return undefined
    expect(question, 'what is asked of ourselves is asked last').toBe(actions.at(-1))
    if (question.do === 'arrive') return { type: 'arrived' }
    const route = routes[this.ids.size % routes.length]
    return route && { type: 'resolved', route }
  }

  #check(): void {
    const { phase, timers, hearing, isAnswered, dispositionCodes: codes = [] } = this.call
    expect(isAnswered).toBe(this.isAnswered)
    expect(this.endings).toBe(phase.name === 'ended' ? 1 : 0)
    if (phase.name === 'ended') {
      expect(timers).toEqual({})
      expect(outcomes).toContain(phase.ending.outcome)
      if (codes.length > 0) expect(phase.ending.dispositionCodes).toEqual(codes)
      expect(this.legs.size, 'no telephone rings for a call that is over').toBe(0)
      expect(this.bridges.size).toBe(0)
      return
    }
    expect(timers.life, 'every call ends one day').toBeDefined()
    if (phase.name !== 'connected') expect(codes, 'codes are of a conversation').toEqual([])
    const needed = {
      offered: 'noAnswer',
      forwarded: 'noAnswer',
      announced: 'announcement',
      overflowed: 'tone',
    }
    const timer = needed[phase.name as keyof typeof needed]
    if (timer) expect(Object.keys(timers), phase.name).toContain(timer)
    for (const at of Object.values(timers))
      expect(at).toBeGreaterThanOrEqual(this.treated.world.now)
    expect([...this.plays]).toEqual(
      'play' in hearing && hearing.play !== null ? [hearing.play] : [],
    )
    const isBeside =
      phase.name === 'offered' || phase.name === 'forwarded' || phase.name === 'connected'
    expect([...this.legs.keys()]).toEqual(isBeside ? [this.treated.leg] : [])
    expect([...this.bridges]).toEqual(phase.name === 'connected' ? [phase.bridge] : [])
  }
}

interface Happening {
  name: string
  /** How often it happens beside the others; once unless told. */
  weight?: number
  /** @param chance some number, by which one of several things is chosen. */
  happen(telephony: Telephony, chance: number): void
}

const happenings: Happening[] = [
  {
    name: 'time passes',
    weight: 2,
    happen(telephony, chance) {
      const { treated } = telephony
      const end = treated.world.now + (chance % 90) * 1_000
      for (;;) {
        const due = Object.entries(telephony.call.timers).sort(
          ([, one], [, other]) => one - other,
        )[0]
        if (!due || due[1] > end) break
        treated.world = { ...treated.world, now: due[1] }
        telephony.happens({ type: 'due', timer: due[0] as keyof Call['timers'] })
      }
      treated.world = { ...treated.world, now: end }
    },
  },
  {
    name: 'the sound ends',
    happen(telephony, chance) {
      const [play] = telephony.plays
      if (play === undefined) return
      telephony.plays.delete(play)
      telephony.happens({ type: 'played', play, isWhole: chance % 3 > 0 })
    },
  },
  {
    name: 'an offer is made',
    weight: 3,
    happen: (telephony, chance) => telephony.happens(offerTo(routes[chance % routes.length])),
  },
  {
    name: 'an offer is withdrawn',
    happen: (telephony, chance) =>
      telephony.happens({ type: 'withdrawn', offer: String(chance % 4) }),
  },
  {
    name: 'codes are given',
    happen(telephony, chance) {
      const given = [{ code: String(chance), level: 'CallCenter' as const }]
      telephony.happens({ type: 'coded', codes: chance % 3 === 0 ? [] : given })
    },
  },
  {
    name: 'somebody answers',
    weight: 3,
    happen(telephony, chance) {
      const [leg] = telephony.legs.keys()
      if (leg === undefined) return
      if (telephony.legs.get(leg) === 'answered') return
      telephony.legs.set(leg, 'answered')
      telephony.happens({ type: 'answered', leg })
      const connect = telephony.last.find((action) => action.do === 'connect')
      if (connect && chance % 4 === 0) {
        telephony.happens({ type: 'undone', action: connect, isGone: chance % 8 === 0 })
      }
    },
  },
  {
    name: 'the other telephone goes',
    happen(telephony, chance) {
      const [leg] = telephony.legs.keys()
      if (leg === undefined) return
      telephony.legs.delete(leg)
      telephony.happens({ type: 'ended', leg, how: ends[chance % ends.length] ?? 'failed' })
    },
  },
  {
    name: 'what is over is told late',
    happen(telephony, chance) {
      const leg = `pointsman-c1-${chance % 12}`
      if (telephony.legs.has(leg)) return
      telephony.happens({ type: chance % 2 ? 'answered' : 'ended', leg, how: 'busy' })
      telephony.happens({ type: 'played', play: `late-${chance}`, isWhole: true })
    },
  },
  {
    name: 'a routing system comes or goes',
    happen(telephony, chance) {
      const { treated } = telephony
      treated.world = { ...treated.world, isRouted: chance % 2 === 0 }
      telephony.happens({ type: 'routing' })
    },
  },
  {
    name: 'the route point goes, or comes again',
    happen(telephony, chance) {
      const { treated } = telephony
      const state = chance % 3 === 0 ? undefined : stateOf()
      treated.world = { ...treated.world, state }
    },
  },
  {
    name: 'others wait',
    happen(telephony, chance) {
      telephony.treated.world = { ...telephony.treated.world, waiting: chance % 5 }
    },
  },
  {
    name: 'it is ended',
    happen: (telephony) => telephony.happens({ type: 'released', cause: undefined }),
  },
  {
    name: 'the engine is looked through',
    happen(telephony, chance) {
      // What is not there any more is seen; bridges last as long as who is in them.
      if (chance % 3 === 0) telephony.plays.clear()
      if (chance % 5 === 0) telephony.legs.clear()
      const [state] = telephony.legs.values()
      const leg: Found['leg'] = state ?? 'absent'
      const isConnected = telephony.bridges.size > 0 && state === 'answered'
      const isPlaying = telephony.plays.size > 0
      const found = { isAnswered: telephony.isAnswered, leg, isConnected, isPlaying }
      telephony.happens({ type: 'found', found })
    },
  },
]

/** Each as often as it weighs. */
const all = happenings.flatMap((one) => Array.from({ length: one.weight ?? 1 }, () => one))

const chances = fc.array(fc.tuple(fc.nat(all.length - 1), fc.nat(10_000)), {
  maxLength: 60,
  size: 'max',
})

/** Lets calls go through anything, and answers all that was seen: phases, outcomes, and members that decided. */
function tryCalls(parameters: { seed: number; numRuns: number }): Set<string> {
  const seen = new Set<string>()
  fc.assert(
    fc.property(
      configured,
      fc.array(configured, { maxLength: 3 }),
      chances,
      (first, later, events) => {
        const telephony = new Telephony(first)
        telephony.happens({ type: 'arrived' })
        for (const [index, chance] of events) {
          const other = later[chance % 17]
          if (other) telephony.treated.configure(other)
          all[index]?.happen(telephony, chance)
          seen.add(telephony.call.phase.name)
        }
        telephony.plays.clear()
        telephony.happens({ type: 'ended', leg: 'caller', how: 'hungUp' })
        const { phase } = telephony.call
        expect(phase).toMatchObject({ name: 'ended', ending: { isGone: true } })
        expect(telephony.endings).toBe(1)
        if (phase.name === 'ended') seen.add(phase.ending.outcome)
        for (const { telling } of telephony.told) seen.add(telling.kind)
        for (const { setting, member } of telephony.treated.reasons)
          seen.add(`${setting}.${member}`)
      },
    ),
    parameters,
  )
  return seen
}

describe('a call in any order of events', () => {
  it(`ends in exactly one way, is in one place at a time, and leaves nothing behind (seed ${seed})`, () => {
    tryCalls({ seed, numRuns: 2_000 })
  }, 60_000)

  it('can come by each rule to each end', () => {
    const seen = tryCalls({ seed: 1, numRuns: 4_000 })
    const phases = ['announced', 'waiting', 'offered', 'forwarded', 'connected', 'overflowed']
    const deciding = [
      'route_points.active',
      'route_points.queueLength',
      'forced_forwarding.active',
      'overflow.action',
      'overflow.timeoutSeconds',
      'bounced_call.enableTransfer',
      'bounced_call.bounceCallWhenAgentUnavailable',
      'failover_policy.failoverPhoneNumber',
      'failover_policy.perCallFailoverPhoneNumber',
      'distinctive_ringing.forceDeliveryRingPattern',
    ]
    const told = [
      'call.bounced',
      'call.changed',
      'call.forwarded',
      'call.offerFailed',
      'call.overflowed',
      'call.queued',
    ]
    expect([...outcomes, ...told, ...phases, ...deciding].filter((one) => !seen.has(one))).toEqual(
      [],
    )
  }, 60_000)
})
