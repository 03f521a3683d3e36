import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Asterisk, registeringAgent, startAsterisk } from './asterisk.ts'
import { canPlayCalls } from './programs.ts'
import {
  audioOf,
  register,
  type SipParty,
  startAnswerer,
  startCaller,
  statusOfInvitation,
} from './sip.ts'
import { openApplication } from './stasis.ts'
import { type Ear, holdTone, openEar, tone } from './tones.ts'

/** As `PJSIP/{user}_{domain}` dials an agent of one of several tenants. */
const ofSeveral = 'alice_a.example'

/** An agent's phone that is known by its address. */
const knownPhone = '127.0.0.3'
const fixedAgent = `
[fixed](agent)
[fixed]
type=identify
endpoint=fixed
match=${knownPhone}
`

describe.skipIf(!canPlayCalls())('Asterisk with the configuration of deploy/asterisk', () => {
  let asterisk: Asterisk
  const parties: SipParty[] = []
  const ears: Ear[] = []

  beforeAll(async () => {
    asterisk = await startAsterisk({
      pjsip: registeringAgent('secret') + registeringAgent('secret', ofSeveral) + fixedAgent,
    })
  })

  afterEach(async () => {
    await Promise.all(parties.splice(0).map((party) => party.stop()))
    for (const ear of ears.splice(0)) ear.stop()
  })

  afterAll(async () => {
    await asterisk?.stop()
  })

  async function call(script: Partial<Parameters<typeof startCaller>[1]>): Promise<SipParty> {
    const party = await startCaller(asterisk.sip, { dial: '+41441234567', ...script })
    parties.push(party)
    return party
  }

  async function agent(script: Parameters<typeof startAnswerer>[0]): Promise<SipParty> {
    const party = await startAnswerer(script)
    parties.push(party)
    return party
  }

  async function ear(): Promise<Ear> {
    const opened = await openEar()
    ears.push(opened)
    return opened
  }

  const statusOf = async (party: SipParty) => (await party.finalAnswer()).status

  const phoneOf = ({ host, port }: SipParty) => `PJSIP/agents/sip:agent@${host}:${port}`

  const nothingIsLeft = async () => {
    await vi.waitFor(async () => expect(await asterisk.channels()).toEqual([]))
    expect(await asterisk.bridges()).toEqual([])
  }

  it('knows every module that it is told to load', () => {
    expect(asterisk.output()).not.toMatch(/Error loading module|declined to load|failed to load/)
  })

  it.each(['sipp', 'trunk', 'agents', 'fixed', 'alice', 'anonymous'])(
    'asks strangers who call themselves %s for a password, and lets them no further',
    async (user) => {
      const from = `<sip:${user}@127.0.0.1>`
      expect(await statusOf(await call({ host: '127.0.0.9', from }))).toBe(401)
      expect(await asterisk.channels()).toEqual([])
    },
  )

  const dialled = ['+41441234567', '5', 'sales', 'T', 'a%2Cb%22%26', '1%ff', 'x'.repeat(200)]
  it.each(dialled)(
    'turns a call to %s away with 503 while no service is connected',
    async (dial) => {
      expect(await statusOf(await call({ dial }))).toBe(503)
    },
  )

  it('starts several at once, and the same one again after a crash, which ends its calls', async () => {
    const other = await startAsterisk()
    try {
      const application = await openApplication(other)
      parties.push(await startCaller(other.sip, { dial: '1' }))
      await application.event('StasisStart')
      await other.restart('kill')
      expect(await other.channels()).toEqual([])
    } finally {
      await other.stop()
    }
  })

  describe('with a service', () => {
    let application: Awaited<ReturnType<typeof openApplication>>

    beforeEach(async () => {
      application = await openApplication(asterisk)
    })

    afterEach(async () => {
      await Promise.all(parties.splice(0).map((party) => party.stop()))
      for (const { id } of await asterisk.channels())
        await asterisk.ask('DELETE', `/channels/${id}`)
    })

    afterAll(async () => {
      await application?.close()
    })

    /** The channel of the next call that arrives, taken. */
    async function arrival(): Promise<string> {
      const { channel } = await application.event('StasisStart', 'trunk')
      const id = channel?.id ?? ''
      await application.tell('POST', `/channels/${id}/variable?variable=TIMEOUT(absolute)&value=0`)
      return id
    }

    /** Rings an agent; the channel of the leg. */
    async function offer(party: SipParty, more: object = {}): Promise<string> {
      const leg = { endpoint: phoneOf(party), app: 'pointsman', ...more }
      const answer = await application.tell('POST', '/channels', leg)
      return ((await answer.json()) as { id: string }).id
    }

    async function connect(...channels: readonly string[]): Promise<string> {
      const bridge = await application.tell('POST', '/bridges', { type: 'mixing' })
      const { id } = (await bridge.json()) as { id: string }
      await application.tell('POST', `/bridges/${id}/addChannel?channel=${channels.join(',')}`)
      return id
    }

    it('a call waits with music, is offered with what the agent shall see, connected and ended', async () => {
      writeFileSync(join(asterisk.mediaFolder, 'music.sln'), tone(440, 2))
      const [callersEar, agentsEar] = [await ear(), await ear()]
      const caller = await call({ from: '"Caller" <sip:+41790000001@phone>', audio: callersEar })
      const incoming = await arrival()
      await application.tell('POST', `/channels/${incoming}/answer`)
      const media = `sound:${join(asterisk.mediaFolder, 'music')}`
      await application.tell('POST', `/channels/${incoming}/play/music`, { media })
      await callersEar.hears(440)

      const phone = await agent({ ringMilliseconds: 100, audio: agentsEar })
      const leg = await offer(phone, {
        callerId: '"Sales" <+41441234567>',
        variables: { 'PJSIP_HEADER(add,Alert-Info)': '<http://127.0.0.1/Bellcore-dr2>' },
      })
      await application.event('StasisStart', 'agents')
      const { headers } = await phone.message({ request: 'INVITE' })
      expect(headers).toMatchObject({
        from: expect.stringMatching(/^"Sales" <sip:\+41441234567@/),
        'p-asserted-identity': expect.stringMatching(/^"Sales" <sip:\+41441234567@/),
        'alert-info': '<http://127.0.0.1/Bellcore-dr2>',
      })

      await application.tell('DELETE', '/playbacks/music')
      const bridge = await connect(incoming, leg)
      callersEar.say(600, audioOf(await caller.finalAnswer()))
      agentsEar.say(700, audioOf(await phone.message({ request: 'INVITE' })))
      await Promise.all([callersEar.hears(700), agentsEar.hears(600)])

      await application.tell('DELETE', `/channels/${leg}`)
      await application.tell('DELETE', `/channels/${incoming}`)
      await application.tell('DELETE', `/bridges/${bridge}`)
      expect(await caller.ended).toMatchObject({ isAsScripted: true })
      await phone.message({ request: 'BYE' })
      // Nothing of the agent's leg is shown to the caller.
      expect(caller.messages({ isSent: false }).map(({ method }) => method)).not.toContain('INVITE')
      await nothingIsLeft()
    })

    it('what was dialled is told with the call, whole', async () => {
      const user = `sales-${'x'.repeat(200)}`
      await call({ dial: user, domain: 'example.com' })
      const { channel } = await application.event('StasisStart', 'trunk')
      expect(channel).toMatchObject({
        dialplan: { context: 'pointsman', exten: 's' },
        channelvars: { SIPDOMAIN: 'example.com', DIALLED_URI: `sip:${user}@example.com` },
      })
    })

    const noUtf8: [what: string, script: Parameters<typeof call>[0], told: object][] = [
      ['what is dialled', { dial: '1%ff%fe' }, { DIALLED_URI: /^sip:1%ff%fe@/ }],
      ['its parameters', { dial: '1;a=%ff' }, { DIALLED_URI: /^sip:1;a=%ff@/ }],
      ['its domain', { domain: 'host;a=%ff' }, { SIPDOMAIN: /^host$/ }],
      ["the caller's name", { from: '"\\xff" <sip:1@phone>' }, {}],
      ["the caller's number", { from: '<sip:%ff%fe@phone>' }, {}],
      [
        'who the network says that calls',
        { headers: ['P-Asserted-Identity: "\\xff" <sip:%ff@a>'] },
        {},
      ],
      ['who has diverted', { headers: ['Diversion: "\\xff" <sip:%ff@a>;reason=%ff'] }, {}],
    ]
    it.each(noUtf8)('bytes that are no UTF-8 in %s hide no call', async (_, script, told) => {
      await call(script)
      const { channel } = await application.event('StasisStart', 'trunk')
      const variables = Object.entries(told).map(([name, text]) => [
        name,
        expect.stringMatching(text),
      ])
      expect(channel?.channelvars).toMatchObject(Object.fromEntries(variables))
      expect(await asterisk.channels()).toMatchObject([{ id: channel?.id }])
    })

    it.each([
      '\xff',
      'Z\xfcrich',
      // Each would end an argument, a name or an expression before the byte that is none, if it were one.
      'x):0:1(\xff',
      'x:0:1\xff',
      'x)}:0:1\xff',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: how Asterisk writes a variable
      '${EXTEN}\xff',
      '}${\xff',
      '$[0]]?a:b\xff',
      'a,b"\xff',
      "'\xff'",
      '(\xff)',
      '\xff:_',
      // Longer than what a variable holds.
      `${'x'.repeat(4_200)}\xff`,
    ])('a call whose Call-ID is %j is refused', async (callId) => {
      expect(await statusOfInvitation(asterisk.sip, { callId })).toBe(403)
      await nothingIsLeft()
    })

    it.each(['a:b@c', 'x):0:1(y', 'x'.repeat(200)])(
      'a call whose Call-ID is %s is taken',
      async (callId) => {
        await call({ callId })
        const { channel } = await application.event('StasisStart', 'trunk')
        expect(await asterisk.channels()).toMatchObject([{ id: channel?.id }])
      },
    )

    it.each([
      [1, 404],
      [17, 486],
      [19, 480],
      [20, 480],
      [21, 403],
      [25, 603],
      [34, 503],
      [42, 503],
      [38, 500],
    ])(
      'a call that is ended with cause %i before its answer is refused with %i',
      async (cause, status) => {
        const caller = await call({})
        const { channel } = await application.event('StasisStart', 'trunk')
        await application.tell('DELETE', `/channels/${channel?.id}?reason_code=${cause}`)
        expect(await statusOf(caller)).toBe(status)
      },
    )

    it.each([
      [486, 17],
      [603, 21],
      [403, 21],
      [404, 1],
      [480, 19],
    ])('an offer that the phone refuses with %i ends at once', async (status, cause) => {
      await offer(await agent({ ringMilliseconds: 0, status }))
      const { cause: told, tech_cause } = await application.event('ChannelDestroyed', 'agents')
      expect({ told, tech_cause }).toEqual({ told: cause, tech_cause: status })
      await nothingIsLeft()
    })

    it('a redirection by a phone ends the offer, and makes no call', async () => {
      const world = await agent({ ringMilliseconds: 0, port: asterisk.world.port })
      const redirected = `Contact: <sip:+41790000009@127.0.0.1:${asterisk.world.port}>`
      await offer(await agent({ ringMilliseconds: 0, status: 302, headers: [redirected] }))
      await application.event('ChannelDestroyed', 'agents')
      await nothingIsLeft()
      expect(world.messages()).toEqual([])
    })

    /** A caller who says 600 Hz, connected to an agent with this wish. */
    async function conversation(wish: NonNullable<Parameters<typeof agent>[0]['wish']>) {
      const callersEar = await ear()
      const caller = await call({ audio: callersEar })
      const incoming = await arrival()
      await application.tell('POST', `/channels/${incoming}/answer`)
      const phone = await agent({ ringMilliseconds: 0, wish })
      await offer(phone)
      const { channel: leg } = await application.event('StasisStart', 'agents')
      await connect(incoming, leg?.id ?? '')
      callersEar.say(600, audioOf(await caller.finalAnswer()))
      return { callersEar, phone }
    }

    it('the other party of a phone that holds hears music', async () => {
      const { callersEar } = await conversation({ afterMilliseconds: 1_000, wants: 'hold' })
      await callersEar.hears(holdTone)
    })

    it('a phone cannot transfer its call', async () => {
      const wants = { transferTo: 'sip:+41790000009@127.0.0.1' }
      const { phone } = await conversation({ afterMilliseconds: 200, wants })
      expect(await phone.message({ answerTo: 'REFER', isSent: false })).toMatchObject({
        status: 603,
      })
      expect(await asterisk.channels()).toHaveLength(2)
    })

    it.each(['alice', ofSeveral])(
      '%s, whose phone registers, is rung by name, and by nobody before',
      async (user) => {
        const nobody = { endpoint: `PJSIP/${user}`, app: 'pointsman' }
        expect((await asterisk.ask('POST', '/channels', nobody)).status).toBe(500)
        // Another address than the trunk's: who comes from there is the trunk, whatever it says of itself.
        const phone = await agent({ host: '127.0.0.2', ringMilliseconds: 0 })
        const wrong = { user, password: 'guessed', at: phone }
        await expect(register(asterisk.sip, wrong)).rejects.toThrow(`${user} cannot register`)
        await register(asterisk.sip, { ...wrong, password: 'secret' })
        await application.tell('POST', '/channels', nobody)
        await application.event('StasisStart', user)
        await phone.message({ request: 'ACK' })
      },
    )

    it('who only calls itself an agent is asked for its password', async () => {
      const from = '<sip:alice@127.0.0.2>'
      expect(await statusOf(await call({ host: '127.0.0.2', from }))).toBe(401)
    })

    it('an agent can call no route point', async () => {
      expect(await statusOf(await call({ host: knownPhone }))).toBe(404)
      expect(await asterisk.channels()).toEqual([])
    })

    it('a call to the world goes to the trunk, with the number that is shown', async () => {
      const world = await agent({ ringMilliseconds: 0, port: asterisk.world.port })
      const endpoint = 'PJSIP/+41790000009@trunk'
      await application.tell('POST', '/channels', {
        endpoint,
        app: 'pointsman',
        callerId: '"Sales" <+41441234567>',
      })
      await application.event('StasisStart', 'trunk')
      expect(await world.message({ request: 'INVITE' })).toMatchObject({
        uri: expect.stringMatching(/^sip:\+41790000009@/),
        headers: { 'p-asserted-identity': expect.stringMatching(/^"Sales" <sip:\+41441234567@/) },
      })
    })

    it('the tones of the country are there: busy and ringing', async () => {
      const callersEar = await ear()
      await call({ audio: callersEar })
      const incoming = await arrival()
      await application.tell('POST', `/channels/${incoming}/answer`)
      for (const tone of ['busy', 'ring']) {
        await application.tell('POST', `/channels/${incoming}/play/${tone}`, {
          media: `tone:${tone}`,
        })
        await callersEar.hears(425, 500)
        await application.tell('DELETE', `/playbacks/${tone}`)
      }
    })

    it('a silent phone is given up after the time of its offer', async () => {
      const phone = await agent({ isSilent: true })
      await offer(phone, { timeout: 1 })
      const { cause } = await application.event('ChannelDestroyed', 'agents')
      expect(cause).toBe(19)
      await phone.message({ request: 'INVITE' })
    })

    it('a caller who gives up while it rings is told to the service', async () => {
      const caller = await call({ cancelAfterMilliseconds: 300 })
      const incoming = await arrival()
      await application.tell('POST', `/channels/${incoming}/ring`)
      await application.event('StasisEnd', 'trunk')
      expect(caller.messages({ status: 180 })).not.toEqual([])
      expect((await caller.finalAnswer()).status).toBe(487)
    })

    it('what it hands back goes to the fallback', async () => {
      const caller = await call({})
      await application.tell('POST', `/channels/${await arrival()}/continue`)
      expect(await statusOf(caller)).toBe(503)
    })

    it('twenty calls at once are told apart', async () => {
      const callers = await call({ calls: 20, callsPerSecond: 100 })
      for (let taken = 0; taken < 20; taken += 1) {
        const { channel } = await application.event('StasisStart', 'trunk')
        await application.tell('DELETE', `/channels/${channel?.id}?reason_code=17`)
      }
      expect(await callers.ended).toMatchObject({ isAsScripted: true })
      expect(callers.messages({ status: 486, call: 19 })).not.toEqual([])
      expect(callers.messages({ status: 486, call: 20 })).toEqual([])
    })
  })

  it('a call that the service does not take in time goes to the fallback', async () => {
    const impatient = await startAsterisk({ dialplan: '[globals](+)\nSECONDS_UNTIL_TAKEN=1\n' })
    try {
      const application = await openApplication(impatient)
      const caller = await startCaller(impatient.sip, { dial: '1' })
      parties.push(caller)
      await application.event('StasisStart')
      expect(await statusOf(caller)).toBe(503)
      await application.close()
    } finally {
      await impatient.stop()
    }
  })
})
