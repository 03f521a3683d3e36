import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { registeringAgent } from './asterisk.ts'
import { type AsteriskWorld, createAsteriskWorld } from './asterisk-world.ts'
import { engines } from './engines.ts'
import { freePort } from './postgres-server.ts'
import { canPlayCalls } from './programs.ts'
import { register, type SipMessage } from './sip.ts'
import { openEar, toneFile } from './tones.ts'
import { group, routePoint } from './world.ts'

const [engine] = engines
if (!engine) throw new Error('There is no database.')

const defaults = {
  'forced_forwarding/': { active: false },
  'overflow/': { action: 'Busy', playAnnouncementBeforeOverflowProcessing: false },
  'bounced_call/': { active: false, bounceCallWhenAgentUnavailable: false },
  '': { active: true, queueLength: 10 },
}

describe.skipIf(!canPlayCalls())('calls on a real Asterisk', () => {
  let world: AsteriskWorld

  beforeAll(async () => {
    world = await createAsteriskWorld(engine)
  }, 60_000)
  afterAll(() => world?.close())
  afterEach(async () => {
    await world.outcomes()
    for (const [setting, body] of Object.entries(defaults)) await world.put(setting, body)
  })

  it.each([
    ['crashes', 'kill'],
    ['is stopped', 'stop'],
  ] as const)('end with their engine when it %s; new ones come when it is back', async (_, way) => {
    await world.agentPhone({ ringMilliseconds: 0 })
    await world.call()
    await world.offer({ agent: 'agent' })
    await world.callIn('connected')
    await world.call()
    await world.callIn('waiting')
    await world.asterisk.restart(way)
    await world.untilReady()
    await vi.waitFor(async () => expect(await world.calls()).toEqual([]), 20_000)
    // Of callers who waited a crash tells nothing; one that ends properly says that they have gone.
    const ofWaiting = way === 'kill' ? 'failed' : 'abandoned'
    expect((await world.outcomes()).sort()).toEqual([ofWaiting, 'answered'].sort())
    await world.call()
    await world.callIn('waiting')
    expect(await world.outcomes()).toEqual(['released'])
  })

  it('whose callers withhold their number tell it to nobody, neither here nor outside', async () => {
    const secret = {
      from: '"Anonymous" <sip:anonymous@anonymous.invalid>',
      headers: [
        'P-Asserted-Identity: "Secret Person" <sip:+3225550199@example.org>',
        'Privacy: id',
      ],
    }
    const told: SipMessage[] = []
    const phone = await world.agentPhone({ ringMilliseconds: 0 })
    await world.call(secret)
    await world.offer({ agent: 'agent' })
    told.push(await phone.message({ request: 'INVITE' }))
    expect((await world.callIn('connected')).caller).toEqual({ name: 'Anonymous', number: '' })
    await world.put('forced_forwarding/', { active: true, forwardToPhoneNumber: '+3225126779' })
    const outside = await world.outside({ ringMilliseconds: 0 })
    await world.call(secret)
    told.push(await outside.message({ request: 'INVITE' }))
    for (const { headers } of told) {
      expect(JSON.stringify(headers)).not.toMatch(/Secret|3225550199/)
      expect(headers).toMatchObject({
        from: expect.stringMatching(/^"Anonymous" <sip:anonymous@anonymous.invalid>/),
        privacy: 'id',
      })
    }
  })

  it('whose callers withhold nothing are not anonymous, whatever they lack', async () => {
    const phone = await world.agentPhone({ ringMilliseconds: 0 })
    await world.call({ from: '"Sales" <sip:x.invalid>' })
    await world.offer({ agent: 'agent' })
    const { headers } = await phone.message({ request: 'INVITE' })
    expect(headers.from).toMatch(/^"Sales" </)
    expect(headers.privacy).toBeUndefined()
  })

  it('go on when the announcement that they hear is deleted', async () => {
    await world.announce('Closed', toneFile(440, 3))
    await world.put('', { queueLength: 0 })
    await world.put('overflow/', {
      playAnnouncementBeforeOverflowProcessing: true,
      audioMessageSelection: 'File',
      audioFileList: [{ name: 'Closed' }],
    })
    const ear = await openEar()
    await world.call({ audio: ear })
    await ear.hears(440)
    await world.put('overflow/', {
      playAnnouncementBeforeOverflowProcessing: false,
      audioMessageSelection: 'Default',
      audioFileList: [{ name: 'Welcome' }],
    })
    const { status, text } = await world.ask(
      'groupAdmin',
      'DELETE',
      `${group}announcements/Closed/`,
    )
    expect(status, text).toBe(200)
    await ear.hears(425)
    ear.stop()
    expect(await world.outcomes()).toEqual(['overflowed'])
  })

  it('that wait see new settings at their next step, new calls at once', async () => {
    await world.agentPhone({ ringMilliseconds: 0, status: 486 })
    const busy = { userId: 'busy', firstName: 'Busy', lastName: 'Agent' }
    await world.ask('groupAdmin', 'POST', `${group}users/`, busy)
    await world.call()
    const { callId } = await world.callIn('waiting')
    await world.put('forced_forwarding/', {
      active: true,
      forwardToPhoneNumber: '+3225126779',
    })
    const outside = await world.outside({ ringMilliseconds: 0, hangUpAfterMilliseconds: 100 })
    await world.call()
    await outside.message({ request: 'INVITE' })
    await vi.waitFor(async () => expect(await world.calls()).toMatchObject([{ callId }]), 10_000)
    await world.put('bounced_call/', {
      bounceCallWhenAgentUnavailable: true,
      enableTransfer: true,
      transferPhoneNumber: '+3225126771',
    })
    await world.offer({ agent: 'busy' })
    await vi.waitFor(
      () => expect(outside.messages({ request: 'INVITE', call: 1 })).not.toEqual([]),
      10_000,
    )
    await vi.waitFor(async () => expect(await world.calls()).toEqual([]), 10_000)
    expect(await world.outcomes()).toEqual(['forwarded', 'bounced-out'])
  })

  it.each([
    ['of 300 characters', `"${'N'.repeat(300)}" <sip:+3225550100@example.org>`],
    ['with quotes and backslashes', '"A\\"B\\\\C" <sip:+3225550100@example.org>'],
    [
      'with line ends, written as they can be',
      '"A%0d%0aX-Evil: yes" <sip:+3225550100@example.org>',
    ],
    ['with line ends in the number', '"A" <sip:+32%0d%0aX-Evil:%20yes@example.org>'],
    [
      'with what a dialplan would calculate',
      '"$'.concat('{SHELL(id)}" <sip:+3225550100@example.org>'),
    ],
    ['with what turns writing around', '"A\u202eB\u0007C" <sip:+3225550100@example.org>'],
    ['with a number of 300 characters', `"A" <sip:${'9'.repeat(300)}@example.org>`],
    ['without any', 'sip:example.org'],
  ])('of a caller with a name %s reach the agent unharmed', async (_, from) => {
    const phone = await world.agentPhone({ ringMilliseconds: 0 })
    await world.call({ from })
    await world.offer({ agent: 'agent' })
    const { headers } = await phone.message({ request: 'INVITE' })
    expect(headers).not.toHaveProperty('x-evil')
    expect(headers.from).not.toMatch(/uid=|\p{Cc}|\u202e/u)
    const { caller } = await world.callIn('connected')
    expect(caller.name.length).toBeLessThanOrEqual(80)
    expect(caller.number.length).toBeLessThanOrEqual(64)
    expect(await world.outcomes()).toEqual(['answered'])
  })

  it('are shed when 200 a second come for 5 s, none half-treated, and the API serves on', {
    timeout: 120_000,
  }, async () => {
    const calls = 1_000
    await world.put('', { queueLength: 525 })
    const callers = await world.call({ calls, callsPerSecond: 200, hangUpAfterMilliseconds: 200 })
    let isOver = false
    const ended = callers.ended.finally(() => {
      isOver = true
    })
    while (!isOver) {
      expect((await world.ask('groupAdmin', 'GET', routePoint)).status).toBe(200)
      await delay(100)
    }
    expect((await ended).isAsScripted).toBe(true)
    const outcomes = await world.outcomes()
    const refusals = callers.messages({ answerTo: 'INVITE', status: 503 })
    const refused = new Set(refusals.map(({ headers }) => headers['call-id']))
    expect(outcomes.length + refused.size).toBe(calls)
    expect([...new Set(outcomes)]).toEqual(['abandoned'])
  })
})

describe.skipIf(!canPlayCalls())('an agent with several telephones', () => {
  let world: AsteriskWorld
  const hosts = ['127.0.0.2', '127.0.0.4'] as const

  beforeAll(async () => {
    const pjsip = registeringAgent('secret')
      .replace('max_contacts=1', 'max_contacts=2')
      .replace('remove_existing=yes', 'remove_existing=no')
    world = await createAsteriskWorld(engine, {
      changed: { agents: 'PJSIP/{user}' },
      more: { pjsip },
    })
    await world.ask('system', 'POST', `${group}users/`, {
      userId: 'alice',
      firstName: 'Alice',
      lastName: 'Agent',
    })
  }, 60_000)
  afterAll(() => world?.close())

  it('is rung at all of them; the first that answers has the call, the others stop ringing', async () => {
    const [first, second] = await Promise.all([
      world.outside({ host: hosts[0], ringMilliseconds: 1_000 }),
      world.outside({ host: hosts[1] }),
    ])
    for (const at of [first, second]) {
      await register(world.asterisk.sip, { user: 'alice', password: 'secret', at })
    }
    await world.call()
    await world.offer({ agent: 'alice' })
    await second.message({ request: 'CANCEL' })
    await first.message({ request: 'ACK' })
    await world.callIn('connected')
    expect(await world.asterisk.channels()).toHaveLength(2)
    expect(await world.outcomes()).toEqual(['answered'])
  })
})

describe.skipIf(!canPlayCalls())('an engine without a folder that we share', () => {
  let world: AsteriskWorld

  beforeAll(async () => {
    const port = await freePort()
    const url = `http://127.0.0.1:${port}`
    world = await createAsteriskWorld(engine, { changed: { media: { url } } })
    await world.app.listen({ host: '127.0.0.1', port })
  }, 60_000)
  afterAll(() => world?.close())

  it('fetches what is heard from us, for calls that come at once too', async () => {
    await world.announce('Waltz', toneFile(600, 2))
    await world.put('announcements/', {
      mediaOnHoldForQueuedCalls: {
        audioMessageSelection: 'File',
        audioFileList: [{ name: 'Waltz' }],
      },
    })
    const ears = await Promise.all([openEar(), openEar(), openEar()])
    await Promise.all(ears.map((audio) => world.call({ audio })))
    await Promise.all(ears.map((ear) => ear.hears(600)))
    for (const ear of ears) ear.stop()
    expect(await world.outcomes()).toEqual(['released', 'released', 'released'])
  })
})
