import { describe, expect, it } from 'vitest'
import {
  agent,
  arrived,
  offeredCall,
  offerTo,
  TreatedCall,
  waitingCall,
} from '../../../test/treated-calls.ts'
import type { Route } from './find.ts'

const outside: Route = { kind: 'number', number: '+3225126779' }
const elsewhere: Route = {
  kind: 'route point',
  routePoint: ['footenant', 'foogroup', 'second@sip.netaxis.be'],
  dnisName: null,
}
const file = { audioMessageSelection: 'File' as const, audioFileList: [{ name: 'Welcome' }] }

describe('a call that arrives', () => {
  it('is refused with 480 where the route point is not active', () => {
    const treated = new TreatedCall({ routePoint: { active: false } }).goesThrough(arrived)
    expect(treated.actions).toEqual([{ do: 'release', cause: 19 }])
    expect(treated.ending).toMatchObject({ outcome: 'refused' })
    expect(treated.reasons).toContainEqual({
      setting: 'route_points',
      member: 'active',
      value: false,
    })
  })

  it('is told 404 where its route point is gone, and 500 where what is kept of it is damaged', () => {
    for (const [isDamaged, cause] of [
      [false, 1],
      [true, 38],
    ] as const) {
      const treated = new TreatedCall()
      treated.world = { ...treated.world, state: undefined, isDamaged }
      expect(treated.goesThrough(arrived).actions).toEqual([{ do: 'release', cause }])
      expect(treated.ending).toMatchObject({ outcome: 'failed' })
    }
  })

  it('is answered and hears music while it waits', () => {
    const treated = new TreatedCall().goesThrough(arrived)
    expect(treated.actions).toEqual([
      { do: 'answer' },
      { do: 'play', play: 'pointsman-c1-1', sound: { kind: 'music', media: [] } },
    ])
    expect(treated.call.phase.name).toBe('waiting')
  })

  it('hears the music of the DNIS where that has its own, else that of the route point', () => {
    const own = { mediaOnHoldForQueuedCalls: { ...file, audioFileList: [{ name: 'Sales music' }] } }
    for (const useCustomDnisAnnouncementSettings of [true, false]) {
      const treated = new TreatedCall({
        settings: { announcements: { mediaOnHoldForQueuedCalls: { ...file } } },
        dnis: { dnis: { useCustomDnisAnnouncementSettings }, announcements: own },
      }).goesThrough(arrived)
      const name = useCustomDnisAnnouncementSettings ? 'Sales music' : 'Welcome'
      const sound = { kind: 'music', media: [{ file: name }] }
      expect(treated.actions.at(-1)).toMatchObject({ do: 'play', sound })
    }
  })
})

describe('forced forwarding', () => {
  const active = { active: true, forwardToPhoneNumber: '+3225126779' }

  it('forwards new calls before they are answered', () => {
    const treated = new TreatedCall({ settings: { forced_forwarding: active } })
    treated.goesThrough(arrived)
    expect(treated.actions).toEqual([{ do: 'resolve', destination: '+3225126779' }])
    treated.goesThrough({ type: 'resolved', route: outside })
    expect(treated.done()).toEqual(['resolve', 'ring', 'dial'])
    treated.goesThrough({ type: 'answered', leg: treated.leg })
    expect(treated.done()).toEqual(['answer', 'connect'])
    treated.goesThrough({ type: 'ended', leg: treated.leg, how: 'hungUp' })
    expect(treated.ending).toMatchObject({ outcome: 'forwarded' })
    expect(treated.done()).toEqual(['hang up', 'dissolve', 'release'])
  })

  it('plays its announcement first when told', () => {
    const setting = { ...active, playAnnouncementBeforeForwarding: true, ...file }
    const treated = new TreatedCall({
      settings: { forced_forwarding: { ...setting, audioFileList: [{ name: 'Welcome' }] } },
    })
    treated.goesThrough(arrived)
    const sound = { kind: 'announcement', media: [{ file: 'Welcome' }] }
    expect(treated.actions).toEqual([{ do: 'answer' }, { do: 'play', play: treated.play, sound }])
    treated.goesThrough({ type: 'played', play: treated.play, isWhole: true })
    expect(treated.call.phase).toMatchObject({ name: 'leaving', destination: '+3225126779' })
  })

  it('goes on where the announcement cannot be played, or its end is never told', () => {
    const setting = { ...active, playAnnouncementBeforeForwarding: true }
    for (const end of ['failed', 'silent']) {
      const treated = new TreatedCall({ settings: { forced_forwarding: setting } }).goesThrough(
        arrived,
      )
      if (end === 'failed')
        treated.goesThrough({ type: 'played', play: treated.play, isWhole: false })
      else treated.waits(300)
      expect(treated.call.phase.name).toBe('leaving')
    }
  })

  it('takes its place in the queue, or overflows, where the number was cleared meanwhile', () => {
    const setting = { active: true, playAnnouncementBeforeForwarding: true }
    for (const [waiting, phase] of [
      [0, 'waiting'],
      [10, 'overflowed'],
    ] as const) {
      const treated = new TreatedCall({ settings: { forced_forwarding: setting } })
      treated.world = { ...treated.world, waiting }
      treated.goesThrough(arrived, { type: 'played', play: 'none', isWhole: true })
      treated.goesThrough({ type: 'played', play: treated.play, isWhole: true })
      expect(treated.call.phase.name).toBe(phase)
    }
  })

  it('does not concern calls that wait already', () => {
    const treated = waitingCall().configure({ settings: { forced_forwarding: active } })
    treated.goesThrough({ type: 'routing' }).waits(3_600)
    expect(treated.call.phase.name).toBe('waiting')
  })

  it.each([
    ['busy', 17],
    ['declined', 17],
    ['forbidden', 21],
    ['unknown', 1],
    ['unavailable', 19],
    ['unreachable', 19],
    ['failed', 34],
  ] as const)('tells the caller of a destination that is %s', (how, cause) => {
    const treated = new TreatedCall({ settings: { forced_forwarding: active } })
    treated.goesThrough(arrived, { type: 'resolved', route: outside })
    treated.goesThrough({ type: 'ended', leg: treated.leg, how })
    expect(treated.actions.at(-1)).toEqual({ do: 'release', cause })
    expect(treated.ending).toMatchObject({ outcome: 'failed' })
  })

  it.each([
    ['+3225550100', 20],
    ['', 100],
  ])('ends with 480 where the calls of %o seem to go round', (number, most) => {
    for (const [alike, phase] of [
      [most - 1, 'forwarded'],
      [most, 'ended'],
    ] as const) {
      const caller = { name: 'Anna', number }
      const treated = new TreatedCall({ settings: { forced_forwarding: active } }, { caller })
      treated.world = { ...treated.world, alike }
      treated.goesThrough(arrived, { type: 'resolved', route: outside })
      expect(treated.call.phase.name).toBe(phase)
    }
  })

  it('lets a caller who had been answered hear that it is busy, and then go', () => {
    const setting = { ...active, playAnnouncementBeforeForwarding: true }
    const treated = new TreatedCall({ settings: { forced_forwarding: setting } })
    treated.goesThrough(arrived)
    treated.goesThrough({ type: 'played', play: treated.play, isWhole: true })
    treated.goesThrough({ type: 'resolved', route: outside })
    treated.done()
    treated.goesThrough({ type: 'ended', leg: treated.leg, how: 'unavailable' })
    expect(treated.done()).toEqual(['hang up', 'stop', 'tone'])
    expect(treated.waits(10).ending).toMatchObject({ outcome: 'failed' })
  })

  it('is a new arrival at a route point of ours, five times at most', () => {
    const treated = new TreatedCall({ settings: { forced_forwarding: active } })
    treated.goesThrough(arrived)
    for (let hops = 1; hops <= 5; hops += 1) {
      treated.goesThrough({ type: 'resolved', route: elsewhere })
      expect(treated.call).toMatchObject({ hops, routePoint: elsewhere.routePoint })
      treated.goesThrough(arrived)
    }
    treated.goesThrough({ type: 'resolved', route: elsewhere })
    expect(treated.actions.at(-1)).toEqual({ do: 'release', cause: 19 })
    expect(treated.ending).toMatchObject({
      outcome: 'refused',
      reason: expect.stringContaining('5'),
    })
  })

  it('ends with 404 where it leads nowhere', () => {
    const treated = new TreatedCall({ settings: { forced_forwarding: active } })
    treated.goesThrough(arrived, { type: 'resolved', route: { kind: 'nowhere' } })
    expect(treated.actions.at(-1)).toEqual({ do: 'release', cause: 1 })
  })
})

describe('overflow', () => {
  /** A call that finds the queue full. */
  function overflowing(overflow: object): TreatedCall {
    const treated = new TreatedCall({ settings: { overflow } })
    treated.world = { ...treated.world, waiting: 10 }
    return treated.goesThrough(arrived)
  }

  it('takes as many calls as the queue is long, and lets one more overflow', () => {
    const treated = new TreatedCall()
    treated.world = { ...treated.world, waiting: 9 }
    expect(treated.goesThrough(arrived).call.phase.name).toBe('waiting')
    expect(overflowing({}).actions).toEqual([{ do: 'release', cause: 17 }])
  })

  it('is busy: 486 before the answer, a tone and release after it', () => {
    expect(overflowing({ action: 'Busy' }).ending).toMatchObject({ outcome: 'overflowed' })
    const treated = overflowing({ action: 'Busy', playAnnouncementBeforeOverflowProcessing: true })
    treated.goesThrough({ type: 'played', play: treated.play, isWhole: true })
    expect(treated.actions.at(-1)).toMatchObject({ do: 'tone', tone: 'busy' })
    treated.waits(10)
    expect(treated.ending).toMatchObject({ outcome: 'overflowed' })
  })

  it('transfers to its number', () => {
    const treated = overflowing({ action: 'Transfer', transferPhoneNumber: '5001' })
    treated.goesThrough({ type: 'resolved', route: outside })
    treated.goesThrough({ type: 'answered', leg: treated.leg })
    treated.goesThrough({ type: 'ended', leg: 'caller', how: 'hungUp' })
    expect(treated.ending).toMatchObject({ outcome: 'overflowed', isGone: true })
  })

  it('rings until the caller gives up, or three minutes', () => {
    const given = overflowing({ action: 'Ringing' })
    expect(given.done()).toEqual(['ring'])
    given.goesThrough({ type: 'ended', leg: 'caller', how: 'hungUp' })
    expect(given.ending).toMatchObject({ outcome: 'overflowed' })
    const patient = overflowing({ action: 'Ringing' }).waits(179)
    expect(patient.ending).toBeUndefined()
    expect(patient.waits(1).ending).toMatchObject({ outcome: 'overflowed' })
  })

  it('comes to calls that have waited too long', () => {
    const treated = waitingCall({
      settings: { overflow: { overflowAfterTimeout: true, timeoutSeconds: 30 } },
    })
    expect(treated.waits(29).call.phase.name).toBe('waiting')
    treated.waits(1)
    expect(treated.call.phase.name).toBe('overflowed')
  })

  it('does not break into an offer: it comes when the call does', () => {
    const overflow = { overflowAfterTimeout: true, timeoutSeconds: 30 }
    const treated = waitingCall({ settings: { overflow } }).waits(20)
    treated.goesThrough(offerTo()).waits(29)
    expect(treated.call.phase.name).toBe('offered')
    treated.goesThrough({ type: 'withdrawn', offer: '1' })
    expect(treated.call.phase.name).toBe('overflowed')
  })

  it('is judged by the settings as they are when it is time', () => {
    const overflow = { overflowAfterTimeout: true, timeoutSeconds: 30 }
    const treated = waitingCall({ settings: { overflow } })
    treated.configure({ settings: { overflow: { ...overflow, timeoutSeconds: 60 } } }).waits(59)
    expect(treated.call.phase.name).toBe('waiting')
    expect(treated.waits(1).call.phase.name).toBe('overflowed')
    const spared = waitingCall({ settings: { overflow } }).configure({}).waits(3_600)
    expect(spared.call.phase.name).toBe('waiting')
  })
})

describe('a call that waits', () => {
  it('hears its music again when that has ended, and later where it could not be played', () => {
    const treated = waitingCall()
    treated.goesThrough({ type: 'played', play: treated.play, isWhole: true })
    expect(treated.done()).toEqual(['play'])
    treated.goesThrough({ type: 'played', play: treated.play, isWhole: false })
    expect(treated.done()).toEqual([])
    treated.waits(30)
    expect(treated.done()).toEqual(['play'])
  })

  it('hears its music again after a while where it ends again and again, and at once after that', () => {
    const treated = waitingCall()
    const ended = () => treated.goesThrough({ type: 'played', play: treated.play, isWhole: true })
    expect(ended().done()).toEqual(['play'])
    expect(ended().waits(29).done()).toEqual([])
    expect(treated.waits(1).done()).toEqual(['play'])
    treated.waits(3_600)
    expect(ended().done()).toEqual(['play'])
  })

  it('waits on without a routing system, and goes where the failover policy says where there is one', () => {
    const treated = waitingCall()
    treated.world = { ...treated.world, isRouted: false }
    expect(treated.goesThrough({ type: 'routing' }).call.phase.name).toBe('waiting')
    const failover_policy = { enableFailoverSupport: true, failoverPhoneNumber: '5009' }
    treated.configure({ settings: { failover_policy } }).goesThrough({ type: 'routing' })
    expect(treated.call.phase).toMatchObject({ name: 'leaving', destination: '5009' })
  })

  it('is forwarded as it comes while no routing system is there', () => {
    const failover_policy = { enableFailoverSupport: true, failoverPhoneNumber: '5009' }
    const treated = new TreatedCall({ settings: { failover_policy } })
    treated.world = { ...treated.world, isRouted: false }
    expect(treated.goesThrough(arrived).actions).toEqual([{ do: 'resolve', destination: '5009' }])
  })

  it('goes elsewhere when no routing system says anything about it', () => {
    const failover_policy = {
      perCallEnableFailoverSupport: true,
      perCallCallFailureTimeoutSeconds: 5,
      perCallFailoverPhoneNumber: '5008',
    }
    const treated = waitingCall({ settings: { failover_policy } })
    expect(treated.waits(4).call.phase.name).toBe('waiting')
    expect(treated.waits(1).call.phase).toMatchObject({ name: 'leaving', destination: '5008' })
    const said = waitingCall({ settings: { failover_policy } })
      .waits(4)
      .goesThrough(offerTo())
      .waits(6)
    expect(said.call.phase.name).toBe('offered')
  })

  it('is abandoned when its caller hangs up', () => {
    const treated = waitingCall().goesThrough({ type: 'ended', leg: 'caller', how: 'hungUp' })
    expect(treated.ending).toMatchObject({ outcome: 'abandoned', isGone: true })
    expect(treated.done()).toEqual([])
  })

  it('ends when it has lived as long as a call may', () => {
    expect(waitingCall().waits(14_400).ending).toMatchObject({ outcome: 'released' })
    const spoke = offeredCall()
    spoke.goesThrough({ type: 'answered', leg: spoke.leg }).waits(14_400)
    expect(spoke.ending).toMatchObject({ outcome: 'answered' })
  })

  it('can be ended, before and after its answer, and once', () => {
    const treated = waitingCall().goesThrough({ type: 'released', cause: 17 })
    expect(treated.actions).toEqual([{ do: 'release', cause: 17 }])
    expect(treated.happens({ type: 'released', cause: undefined }).isRefused).toBe(true)
    expect(treated.ending).toMatchObject({ outcome: 'released' })
  })
})

describe('an offer', () => {
  it('is refused unless the call waits', () => {
    const treated = offeredCall()
    const { isRefused, actions, call } = treated.happens(offerTo())
    expect({ isRefused, actions, phase: call.phase.name }).toEqual({
      isRefused: true,
      actions: [],
      phase: 'offered',
    })
    expect(new TreatedCall().happens(offerTo()).isRefused).toBe(true)
    expect(treated.happens({ type: 'withdrawn', offer: 'another' }).isRefused).toBe(true)
  })

  it.each([
    [
      { displayDNISName: false, displayDNISNumber: false },
      { name: 'Anna', number: '+3225550100' },
    ],
    [
      { displayDNISName: true, displayDNISNumber: false },
      { name: 'Sales', number: '+3225550100' },
    ],
    [
      { displayDNISName: false, displayDNISNumber: true },
      { name: 'Anna', number: '025126780' },
    ],
    [
      { displayDNISName: true, displayDNISNumber: true },
      { name: 'Sales', number: '025126780' },
    ],
  ])('shows what %o says', (dnis_config, from) => {
    const treated = offeredCall({
      settings: { dnis_config },
      dnis: { dnis: { phoneNumber: '025126780' } },
    })
    expect(treated.actions.at(-1)).toMatchObject({ do: 'dial', from })
  })

  it.each([
    [{ distinctiveRinging: false }, undefined, 'Normal'],
    [{ distinctiveRinging: true }, undefined, 'Long-Long'],
    [{ distinctiveRinging: true }, true, 'Short-Short-Long'],
    [{ distinctiveRinging: false }, true, 'Normal'],
  ])('rings as %o says, forced: %s', (changed, isForced, pattern) => {
    const patterns = {
      ringPatternForRoutePoint: 'Long-Long',
      forceDeliveryRingPattern: 'Short-Short-Long',
    } as const
    const treated = waitingCall({ settings: { distinctive_ringing: { ...patterns, ...changed } } })
    treated.goesThrough(offerTo(agent, { isForced }))
    expect(treated.actions.at(-1)).toMatchObject({ do: 'dial', pattern })
  })

  it('is forced where the route point says so, unless the routing system says otherwise', () => {
    const routePoint = { forceDeliveryOfCalls: true }
    expect(offeredCall({ routePoint }).call.phase).toMatchObject({ offer: { isForced: true } })
    const other = waitingCall({ routePoint }).goesThrough(offerTo(agent, { isForced: false }))
    expect(other.call.phase).toMatchObject({ offer: { isForced: false } })
  })

  it('that is forced is to be answered by the agent’s telephone itself, and by none outside', () => {
    for (const [routePoint, seconds] of [
      [{ forceDeliveryWaitTimeSeconds: 3 }, 3],
      [{}, 0],
    ] as const) {
      const forced = waitingCall({ routePoint }).goesThrough(offerTo(agent, { isForced: true }))
      expect(forced.actions.at(-1)).toMatchObject({ do: 'dial', answerAfterSeconds: seconds })
      const other = waitingCall({ routePoint }).goesThrough(offerTo(agent, { isForced: false }))
      expect(other.actions.at(-1)).not.toHaveProperty('answerAfterSeconds')
      const away = { agent: null, isForced: true }
      const number = waitingCall({ routePoint }).goesThrough(offerTo(outside, away))
      expect(number.actions.at(-1)).not.toHaveProperty('answerAfterSeconds')
    }
  })

  it('lets the caller hear ringing when told, else the music, and music again when it has failed', () => {
    expect(offeredCall().done()).toEqual(['dial'])
    const treated = offeredCall({ routePoint: { playRingingWhenOfferingCall: true } })
    expect(treated.done()).toEqual(['stop', 'tone', 'dial'])
    treated.goesThrough({ type: 'ended', leg: treated.leg, how: 'busy' })
    expect(treated.done()).toEqual(['stop', 'play'])
  })

  it('connects when it is answered: what plays is stopped before', () => {
    const treated = offeredCall()
    treated.done()
    treated.goesThrough({ type: 'answered', leg: treated.leg })
    expect(treated.done()).toEqual(['stop', 'connect'])
    treated.goesThrough({ type: 'ended', leg: 'caller', how: 'hungUp' })
    expect(treated.done()).toEqual(['hang up', 'dissolve'])
    expect(treated.ending).toMatchObject({ outcome: 'answered' })
    expect(treated.call.taken).toEqual({
      agent: 'agent@sip.netaxis.be',
      at: expect.any(Number),
      whom: { agent: expect.any(String) },
    })
  })

  it('stops once more what maybe plays still', () => {
    const treated = offeredCall()
    const { play } = treated
    treated.goesThrough({ type: 'answered', leg: treated.leg })
    const stop = { do: 'stop', play } as const
    const connect = treated.actions.find((one) => one.do === 'connect')
    if (!connect) throw new Error('It was not connected.')
    treated.goesThrough({ type: 'undone', action: stop, isGone: false })
    treated.goesThrough({ type: 'undone', action: connect, isGone: false })
    treated.goesThrough(offerTo()).actions.splice(0)
    treated.goesThrough({ type: 'answered', leg: treated.leg })
    expect(treated.actions).toContainEqual(stop)
    expect(treated.done()).toEqual(['stop', 'stop', 'connect'])
  })

  it('was no answer where the agent was gone before they could be heard', () => {
    const treated = offeredCall().waits(3)
    treated.goesThrough({ type: 'answered', leg: treated.leg })
    const action = treated.actions.find((one) => one.do === 'connect')
    if (!action) throw new Error('It was not connected.')
    treated.done()
    // Nor were codes given to a conversation.
    treated.goesThrough({ type: 'coded', codes: [{ code: 'OWN', level: 'CallCenter' }] })
    treated.goesThrough({ type: 'undone', action, isGone: true })
    expect(treated.done()).toEqual(['hang up', 'dissolve', 'play'])
    const waits = { phase: { name: 'waiting' }, taken: null, dispositionCodes: [] }
    expect(treated.call).toMatchObject(waits)
  })

  it('ends after the rings of the route point, and the call waits on at its place', () => {
    const treated = waitingCall({ routePoint: { noAnswerTimeoutRings: 3 } }).waits(10)
    const { waitingSince } = treated.call
    treated.goesThrough(offerTo()).waits(17)
    expect(treated.call.phase.name).toBe('offered')
    treated.waits(1)
    expect(treated.call).toMatchObject({
      phase: { name: 'waiting' },
      waitingSince,
      isBounced: false,
    })
    expect(treated.actions.at(-1)?.do).toBe('hang up')
  })

  it('rings as long as the routing system says', () => {
    const treated = waitingCall()
      .goesThrough(offerTo(agent, { ringSeconds: 2 }))
      .waits(2)
    expect(treated.call.phase.name).toBe('waiting')
  })

  it('to a route point sends the call there', () => {
    const treated = waitingCall()
    treated.done()
    // As often as somebody wants it: that is no loop.
    for (let sent = 0; sent < 7; sent += 1) {
      treated.goesThrough(offerTo(elsewhere))
      expect(treated.call).toMatchObject({ hops: 1, phase: { name: 'arriving' } })
      // Its music is the other's to choose.
      expect(treated.done()).toEqual(['stop', 'arrive'])
      treated.goesThrough(arrived)
      expect(treated.done()).toEqual(['play'])
    }
  })

  it('lets nobody ring on whom nobody waits for', () => {
    const treated = offeredCall()
    const { leg } = treated
    treated.goesThrough({ type: 'withdrawn', offer: '1' })
    expect(treated.actions.at(-1)).toEqual({ do: 'hang up', leg })
    expect(treated.happens({ type: 'answered', leg }).actions).toEqual([{ do: 'hang up', leg }])
    const left = offeredCall()
    left.done()
    left.goesThrough({ type: 'ended', leg: 'caller', how: 'hungUp' })
    expect(left.done()).toEqual(['hang up'])
    expect(left.ending).toMatchObject({ outcome: 'abandoned' })
  })
})

describe('a bounced call', () => {
  const active = { active: true, numberOfRingsBeforeBouncingCall: 2 }

  it('comes back to the head of the queue after its rings, however many wait', () => {
    const treated = offeredCall({ settings: { bounced_call: active } })
    treated.world = { ...treated.world, waiting: 99 }
    expect(treated.waits(11).call.phase.name).toBe('offered')
    treated.waits(1)
    expect(treated.call).toMatchObject({ phase: { name: 'waiting' }, isBounced: true })
  })

  it('goes to its number when it is to be transferred', () => {
    const bounced_call = { ...active, enableTransfer: true, transferPhoneNumber: '5007' }
    const treated = offeredCall({ settings: { bounced_call } }).waits(12)
    expect(treated.call.phase).toMatchObject({
      name: 'leaving',
      destination: '5007',
      outcome: 'bounced-out',
    })
  })

  it.each([
    'busy',
    'declined',
    'forbidden',
    'unknown',
    'unavailable',
    'redirected',
    'unreachable',
    'failed',
  ] as const)('bounces at once from an agent who is %s when told, else waits on', (how) => {
    for (const bounceCallWhenAgentUnavailable of [true, false]) {
      const treated = offeredCall({
        settings: { bounced_call: { bounceCallWhenAgentUnavailable } },
      })
      treated.goesThrough({ type: 'ended', leg: treated.leg, how })
      expect(treated.call).toMatchObject({
        phase: { name: 'waiting' },
        isBounced: bounceCallWhenAgentUnavailable,
      })
    }
  })
})

describe('the disposition code', () => {
  it('is the default one where one must be given', () => {
    const defaultCallDispositionCode = { code: '1', level: 'CallCenter' } as const
    const disposition_codes_config = {
      enableCallDispositionCodes: true,
      forceUseOfCallDispositionCodes: true,
      defaultCallDispositionCode,
    }
    for (const [settings, codes] of [
      [{ disposition_codes_config }, [defaultCallDispositionCode]],
      [{}, []],
    ] as const) {
      const treated = offeredCall({ settings })
      treated.goesThrough({ type: 'answered', leg: treated.leg })
      treated.goesThrough({ type: 'ended', leg: treated.leg, how: 'hungUp' })
      expect(treated.ending).toMatchObject({ outcome: 'answered', dispositionCodes: codes })
    }
  })
})
