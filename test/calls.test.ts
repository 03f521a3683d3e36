import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type AsteriskWorld, createAsteriskWorld } from './asterisk-world.ts'
import { hotlineNumber } from './call-world.ts'
import { engines } from './engines.ts'
import { canPlayCalls } from './programs.ts'
import { audioOf, type SipParty } from './sip.ts'
import { openEar, toneFile } from './tones.ts'
import { group, routePoint } from './world.ts'

const [engine] = engines
if (!engine) throw new Error('There is no database.')

const statusOf = async (party: SipParty) => (await party.finalAnswer()).status

describe.skipIf(!canPlayCalls())('a call on a real Asterisk', () => {
  let world: AsteriskWorld

  beforeAll(async () => {
    world = await createAsteriskWorld(engine)
  }, 60_000)
  afterAll(() => world?.close())
  afterEach(async () => {
    await world.outcomes()
    for (const [setting, body] of Object.entries(defaults)) await world.put(setting, body)
  })

  const defaults = {
    'forced_forwarding/': { active: false, playAnnouncementBeforeForwarding: false },
    'overflow/': {
      action: 'Busy',
      playAnnouncementBeforeOverflowProcessing: false,
      overflowAfterTimeout: false,
    },
    'bounced_call/': {
      active: false,
      enableTransfer: false,
      bounceCallWhenAgentUnavailable: false,
    },
    'distinctive_ringing/': { distinctiveRinging: false },
    'dnis_config/': { displayDNISName: false, displayDNISNumber: false },
    'failover_policy/': { enableFailoverSupport: false, perCallEnableFailoverSupport: false },
    'announcements/': { mediaOnHoldForQueuedCalls: { audioMessageSelection: 'Default' } },
    '': { active: true, queueLength: 10, playRingingWhenOfferingCall: false },
  }

  it.each([
    ['+3225999999', 404],
    ['x'.repeat(200), 404],
    ['agent', 404],
  ])('to %s, which is no route point, is told %i', async (dial, status) => {
    expect(await statusOf(await world.call({ dial, domain: 'sip.netaxis.be' }))).toBe(status)
    expect(await world.outcomes()).toEqual([])
  })

  it.each([hotlineNumber, '3225126780', '025126780', 'APIOTestRP'])('to %s waits', async (dial) => {
    await world.call({ dial, domain: 'sip.netaxis.be' })
    await world.callIn('waiting')
    expect(await world.outcomes()).toEqual(['released'])
  })

  it('to a route point that is not active is told 480', async () => {
    await world.put('', { active: false })
    expect(await statusOf(await world.call())).toBe(480)
    expect(await world.outcomes()).toEqual(['refused'])
  })

  it('lasts as long as calls may, from its first moment', async () => {
    await world.call()
    await world.callIn('waiting')
    const [channel] = await world.asterisk.channels()
    const variable = async (name: string) => {
      const path = `/channels/${channel?.id}/variable?variable=${encodeURIComponent(name)}`
      return (await (await world.asterisk.ask('GET', path)).json()) as { value?: string }
    }
    // Else the dialplan ends it after seconds, since nobody seems to treat it.
    expect(Number((await variable('TIMEOUT(absolute)')).value)).toBeGreaterThan(3_600)
    const [call] = await world.calls()
    expect(await variable('POINTSMAN_CALL')).toEqual({ value: call?.callId })
    expect(await world.outcomes()).toEqual(['released'])
  })

  it('hears music while it waits', async () => {
    const ear = await openEar()
    await world.call({ audio: ear })
    await world.callIn('waiting')
    await vi.waitFor(() => expect(ear.received()).toBeGreaterThan(1_000), 5_000)
    ear.stop()
    expect(await world.outcomes()).toEqual(['released'])
  })

  it('hears what its route point chose, or its DNIS where that has its own', async () => {
    const chosen = async (name: string, frequency: number) => {
      await world.announce(name, toneFile(frequency, 0.5))
      return {
        mediaOnHoldForQueuedCalls: { audioMessageSelection: 'File', audioFileList: [{ name }] },
      }
    }
    await world.put('announcements/', await chosen('Of all', 500))
    const dnis = { phoneNumber: '+3225126791', useCustomDnisAnnouncementSettings: true }
    await world.ask('groupAdmin', 'POST', `${routePoint}dnis/`, { name: 'Own', ...dnis })
    await world.put('dnis_announcements/Own/', await chosen('Of one', 700))
    for (const [dial, frequency] of [
      [hotlineNumber, 500],
      ['+3225126791', 700],
    ] as const) {
      const ear = await openEar()
      await world.call({ dial, audio: ear })
      // Longer than the file is: it is repeated.
      await ear.hears(frequency, 1_500)
      ear.stop()
      expect(await world.outcomes()).toEqual(['released'])
    }
  })

  it('is forwarded before it is answered, after the announcement where one is told', async () => {
    for (const playAnnouncementBeforeForwarding of [false, true]) {
      await world.put('forced_forwarding/', {
        active: true,
        forwardToPhoneNumber: '+3225126779',
        playAnnouncementBeforeForwarding,
        audioMessageSelection: 'File',
        audioFileList: [{ name: 'Welcome' }],
      })
      const other = await world.outside({ ringMilliseconds: 100, hangUpAfterMilliseconds: 300 })
      const caller = await world.call({ from: '"Anna" <sip:+3225550100@example.org>' })
      const invitation = await other.message({ request: 'INVITE' })
      expect(invitation.uri).toContain('+3225126779')
      expect(invitation.headers.from).toContain('+3225550100')
      const progress = caller.messages({ answerTo: 'INVITE', status: 180 })
      expect(progress.length > 0).toBe(!playAnnouncementBeforeForwarding)
      expect(await statusOf(caller)).toBe(200)
      await caller.message({ request: 'BYE', isSent: false })
      expect(await world.outcomes()).toEqual(['forwarded'])
    }
  })

  it.each([
    [486, 486],
    [603, 486],
    [403, 403],
    [404, 404],
    [480, 480],
  ])('that is forwarded to whom answers %i is told %i', async (status, told) => {
    await world.put('forced_forwarding/', { active: true, forwardToPhoneNumber: '+3225126779' })
    await world.outside({ ringMilliseconds: 0, status })
    expect(await statusOf(await world.call())).toBe(told)
    expect(await world.outcomes()).toEqual(['failed'])
  })

  it('that finds the queue full is told 486, and hears the tone after an announcement', async () => {
    await world.put('', { queueLength: 0 })
    expect(await statusOf(await world.call())).toBe(486)
    expect(await world.outcomes()).toEqual(['overflowed'])
    await world.put('overflow/', { playAnnouncementBeforeOverflowProcessing: true })
    const ear = await openEar()
    const caller = await world.call({ audio: ear })
    expect(await statusOf(caller)).toBe(200)
    await ear.hears(425)
    ear.stop()
    expect(await world.outcomes()).toEqual(['overflowed'])
  })

  it('that finds the queue full is transferred, or rings until its caller gives up', async () => {
    await world.put('', { queueLength: 0 })
    await world.put('overflow/', { action: 'Transfer', transferPhoneNumber: '5001' })
    const phone = await world.agentPhone({ ringMilliseconds: 50 })
    expect(await statusOf(await world.call())).toBe(200)
    expect((await phone.message({ request: 'INVITE' })).uri).toContain('agent@')
    expect(await world.outcomes()).toEqual(['overflowed'])
    await world.put('overflow/', { action: 'Ringing' })
    const caller = await world.call({ cancelAfterMilliseconds: 500 })
    await caller.message({ answerTo: 'INVITE', status: 180 })
    expect(await statusOf(caller)).toBe(487)
    expect(await world.outcomes()).toEqual(['overflowed'])
  })

  it('overflows when it has waited too long', async () => {
    await world.put('overflow/', { overflowAfterTimeout: true, timeoutSeconds: 1 })
    const ear = await openEar()
    await world.call({ audio: ear })
    await ear.hears(425)
    ear.stop()
    expect(await world.outcomes()).toEqual(['overflowed'])
  })

  it('is offered, answered, and both hear each other', async () => {
    const [callers, agents] = [await openEar(), await openEar()]
    const caller = await world.call({
      audio: callers,
      from: '"Zürich \\"X\\"" <sip:+3225550100@example.org>',
    })
    await world.callIn('waiting')
    const phone = await world.agentPhone({ ringMilliseconds: 100, audio: agents })
    await world.offer({ agent: 'agent' })
    const { headers, uri } = await phone.message({ request: 'INVITE' })
    expect(uri).toContain('agent@127.0.0.1')
    expect(headers.from).toContain('"Zürich \\"X\\"" <sip:+3225550100@')
    expect(headers['alert-info']).toBeUndefined()
    const { offer } = await world.callIn('connected')
    expect(offer).toMatchObject({ agent: 'agent@sip.netaxis.be' })
    callers.say(600, audioOf(await caller.finalAnswer()))
    agents.say(800, audioOf(await phone.message({ request: 'INVITE' })))
    await Promise.all([agents.hears(600), callers.hears(800)])
    callers.stop()
    agents.stop()
    expect(await world.outcomes()).toEqual(['answered'])
  })

  it.each([
    [{ displayDNISName: true, displayDNISNumber: true }, '"Sales" <sip:+3225126790@'],
    [{ displayDNISName: true, displayDNISNumber: false }, '"Sales" <sip:+3225550100@'],
    [{ displayDNISName: false, displayDNISNumber: true }, '"Anna" <sip:+3225126790@'],
  ])('shows the agent what %o says', async (shown, from) => {
    const dnis = { name: 'Sales', phoneNumber: '+3225126790' }
    await world.ask('groupAdmin', 'POST', `${group}services/route_points/APIOTestRP/dnis/`, dnis)
    await world.put('dnis_config/', shown)
    await world.put('distinctive_ringing/', {
      distinctiveRinging: true,
      ringPatternForRoutePoint: 'Short-Short-Long',
    })
    await world.call({ dial: '+3225126790', from: '"Anna" <sip:+3225550100@example.org>' })
    await world.callIn('waiting')
    const phone = await world.agentPhone({ ringMilliseconds: 50 })
    await world.offer({ agent: 'agent' })
    const { headers } = await phone.message({ request: 'INVITE' })
    expect(headers.from).toContain(from)
    expect(headers['p-asserted-identity']).toContain(from)
    expect(headers['alert-info']).toBe('Bellcore-dr3')
    await world.callIn('connected')
    expect(await world.outcomes()).toEqual(['answered'])
  })

  it('asks the agent’s telephone to answer by itself where delivery is forced', async () => {
    await world.put('', { forceDeliveryOfCalls: true, forceDeliveryWaitTimeSeconds: 4 })
    await world.call()
    await world.callIn('waiting')
    const phone = await world.agentPhone({ ringMilliseconds: 50 })
    await world.offer({ agent: 'agent' })
    const { headers } = await phone.message({ request: 'INVITE' })
    expect(headers['call-info']).toBe('<sip:pointsman>;answer-after=4')
    await world.callIn('connected')
    await world.put('', { forceDeliveryOfCalls: false })
    expect(await world.outcomes()).toEqual(['answered'])
  })

  it('lets its caller hear ringing while it is offered, when told', async () => {
    await world.put('', { playRingingWhenOfferingCall: true })
    const ear = await openEar()
    await world.call({ audio: ear })
    await world.callIn('waiting')
    await world.agentPhone({})
    await world.offer({ agent: 'agent' })
    await ear.hears(425)
    ear.stop()
    expect(await world.outcomes()).toEqual(['released'])
  })

  it('bounces to its number when nobody answers, else waits on', async () => {
    await world.agentPhone({})
    await world.call()
    await world.offer({ agent: 'agent', ringSeconds: 1 })
    await world.callIn('offered')
    expect(await world.callIn('waiting')).toMatchObject({ isBounced: false, place: 1 })
    await world.put('bounced_call/', {
      active: true,
      enableTransfer: true,
      transferPhoneNumber: '+3225126771',
    })
    const other = await world.outside({ ringMilliseconds: 50 })
    await world.offer({ agent: 'agent', ringSeconds: 1 })
    expect((await other.message({ request: 'INVITE' })).uri).toContain('+3225126771')
    await world.callIn('connected')
    expect(await world.outcomes()).toEqual(['bounced-out'])
  })

  it.each([486, 603, 403, 404, 480, 302])(
    'bounces at once from a phone that answers %i, when told',
    async (status) => {
      await world.put('bounced_call/', { bounceCallWhenAgentUnavailable: true })
      const headers = status === 302 ? ['Contact: <sip:elsewhere@127.0.0.1:9>'] : []
      await world.agentPhone({ ringMilliseconds: 0, status, headers })
      await world.call()
      const agent = `agent${status}`
      const person = { userId: agent, firstName: 'Agent', lastName: String(status) }
      await world.ask('groupAdmin', 'POST', `${group}users/`, person)
      await world.offer({ agent })
      await vi.waitFor(
        async () =>
          expect(await world.callIn('waiting')).toMatchObject({ offers: 1, isBounced: true }),
        10_000,
      )
      expect(await world.outcomes()).toEqual(['released'])
    },
  )

  it('goes where the failover policy says when no routing system says anything', async () => {
    await world.put('failover_policy/', {
      perCallEnableFailoverSupport: true,
      perCallCallFailureTimeoutSeconds: 1,
      perCallFailoverPhoneNumber: '+3225126772',
    })
    const other = await world.outside({ ringMilliseconds: 50 })
    await world.call()
    expect((await other.message({ request: 'INVITE' })).uri).toContain('+3225126772')
    await world.callIn('connected')
    expect(await world.outcomes()).toEqual(['forwarded'])
  })
})
