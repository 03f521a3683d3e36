import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../../test/engines.ts'
import { everything } from '../../../test/every-write.ts'
import { describeResource, refusing } from '../../../test/resource-suite.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  otherGroup,
  siblingGroup,
  type World,
} from '../../../test/world.ts'

const collection = `${group}services/webhooks/`
const secret = 'kept-to-oneself-and-nobody-else'
const secondSecret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const url = 'https://receiver.example/hook'
const least = { name: 'New', url, secret }
const refused = refusing({
  endUser: 403,
  departmentAdmin: 403,
  siblingAdmin: 404,
  otherTenantAdmin: 404,
})
const tooMany = Array.from({ length: 101 }, (_, index) => `rp${index}@sip.netaxis.be`)

describeResource({
  plural: 'webhooks',
  collection,
  absentCollection: '/api/v1/tenants/footenant/groups/nowhere/services/webhooks/',
  idMember: 'name',
  async prepare(world) {
    const body = { ...least, name: 'Present' }
    expect((await world.ask('system', 'POST', collection, body)).status).toBe(201)
  },
  present: 'Present',
  absent: 'present',
  computed: ['hasSecondSecret'],
  listed: 'webhooks',
  refused: { list: refused, read: refused, create: refused, change: refused, remove: refused },
  least,
  leastShown: { name: 'New', url, active: true, hasSecondSecret: false },
  full: {
    name: 'Café / R&D 100%',
    url: `${url}?a=b`,
    events: ['call.queued', 'call.ended'],
    routePoints: ['APIOTestRP'],
    active: false,
    secret,
    secondSecret,
  },
  fullShown: {
    name: 'Café / R&D 100%',
    url: `${url}?a=b`,
    events: ['call.queued', 'call.ended'],
    routePoints: ['APIOTestRP@sip.netaxis.be'],
    active: false,
    hasSecondSecret: true,
  },
  limits: {
    name: {
      good: ['x', '😀'.repeat(50), [' a ', 'a'], 'a@b'],
      bad: ['', '😀'.repeat(51), '.', '..', 5, 'a\u0000b'],
    },
    url: {
      good: [
        'http://receiver.example',
        'https://receiver.example:8443/a/b?c=d#e',
        'https://1.1.1.1/',
        'http://[2606:4700::1111]/',
        `https://receiver.example/${'x'.repeat(487)}`,
      ],
      bad: [
        '',
        5,
        'ftp://receiver.example/',
        'receiver.example',
        'https://',
        'https://user@receiver.example/',
        'https://user:word@receiver.example/',
        'https://:word@receiver.example/',
        'https://a b/',
        'https://receiver.example/a b',
        'https://256.1.1.1/',
        'http://[::1',
        `https://receiver.example/${'x'.repeat(488)}`,
      ],
    },
    events: {
      good: [[['call.ended'], ['call.ended']]],
      bad: [[], 'call.ended', 5, Array(12).fill('call.ended')],
    },
    routePoints: {
      good: [[['apiotestrp'], ['apiotestrp@sip.netaxis.be']]],
      bad: [[], 'APIOTestRP', 5, tooMany],
    },
    active: { good: [true, false], bad: ['true', 1, null] },
    secret: {
      good: [
        ['x'.repeat(24), undefined],
        ['~'.repeat(128), undefined],
        [`whsec_${Buffer.alloc(24).toString('base64')}`, undefined],
        [`whsec_${Buffer.alloc(64).toString('base64')}`, undefined],
      ],
      bad: [
        '',
        'x'.repeat(23),
        'x'.repeat(129),
        `${secret} `,
        `${secret}é`,
        5,
        `whsec_${Buffer.alloc(23).toString('base64')}`,
        `whsec_${Buffer.alloc(65).toString('base64')}`,
        'whsec_this is not base64 at all'.replaceAll(' ', '!'),
      ],
    },
  },
  clearable: ['events', 'routePoints'],
  fixed: { name: { altered: 'Other', equal: ['Café / R&D 100%'] } },
  change: { active: true },
  wrong: {
    body: {
      url: 'x',
      events: ['x'],
      routePoints: 5,
      active: 5,
      secret: 'x',
      surprise: true,
      name: '.',
    },
    parameters: ['active', 'events[0]', 'name', 'routePoints', 'secret', 'surprise', 'url'],
  },
})

describe.each(engines)('webhooks of a group on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine, { POINTSMAN_FETCH_PRIVATE_ADDRESSES: '10.1.0.0/16' })
  })
  afterAll(() => world.close())

  const post = (body: object) => world.ask('groupAdmin', 'POST', collection, body)
  const put = (name: string, body: object) =>
    world.ask('groupAdmin', 'PUT', `${collection}${name}/`, body)

  it.each([
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://0177.0.0.1/',
    'http://0/',
    'http://①②⑦.0.0.1/',
    'http://[::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[64:ff9b::10.0.0.1]/',
    'http://10.0.0.1/',
    'https://192.168.1.1:8443/',
    'http://169.254.169.254/latest/meta-data/',
    'http://[fe80::1]/',
    'http://[fd00::1]/',
  ])('send nothing to %s, which is not public', async (address) => {
    await expectUnchanged(world, async () => {
      const answer = await post({ ...least, url: address })
      expectRefusal(answer, 400, [{ code: 2, parameter: 'url' }])
      expect(answer.body.errors[0].message).toContain('not public')
    })
  })

  it('send to an address that is not public where the operator allows it', async () => {
    expect((await post({ ...least, name: 'allowed', url: 'http://10.1.2.3/' })).status).toBe(201)
    const answer = await put('allowed', { url: 'http://10.2.2.3/' })
    expectRefusal(answer, 400, [{ code: 2, parameter: 'url' }])
  })

  it('name each kind and route point once, and route points of their group alone', async () => {
    await expectUnchanged(world, async () => {
      const events = ['call.ended', 'call.queued', 'call.ended']
      expectRefusal(await post({ ...least, events }), 400, [{ code: 2, parameter: 'events[2]' }])
      const routePoints = ['APIOTestRP', 'siblingRP', 'nobody', 'agent']
      const parameters = [1, 2, 3].map((index) => `routePoints[${index}]`)
      const faults = parameters.map((parameter) => ({ code: 2, parameter }))
      expectRefusal(await post({ ...least, routePoints }), 400, faults)
    })
  })

  it('keep a route point that is gone, and are changed all the same', async () => {
    const place = `${group}services/route_points/`
    const profile = { name: 'Short' }
    await world.ask('system', 'POST', place, {
      serviceUserId: 'short',
      serviceInstanceProfile: profile,
    })
    const routePoints = ['short@sip.netaxis.be']
    expect((await post({ ...least, name: 'short', routePoints })).status).toBe(201)
    expect((await world.ask('system', 'DELETE', `${place}short/`)).status).toBe(200)
    const changed = await put('short', { active: false })
    expect(changed.body).toMatchObject({ routePoints, active: false })
    const more = { routePoints: [...routePoints, 'none'] }
    expectRefusal(await put('short', more), 400, [{ code: 2, parameter: 'routePoints[1]' }])
  })

  it('take a second secret, show that there is one, and lose it by null and by an empty text', async () => {
    await post({ ...least, name: 'two' })
    for (const cleared of [null, '']) {
      expect((await put('two', { secondSecret })).body.hasSecondSecret).toBe(true)
      const list = await world.ask('groupAdmin', 'GET', collection)
      const shown = list.body.webhooks.find(({ name }: { name: string }) => name === 'two')
      expect(shown.hasSecondSecret).toBe(true)
      expect((await put('two', { active: true })).body.hasSecondSecret).toBe(true)
      expect((await put('two', { secondSecret: cleared })).body.hasSecondSecret).toBe(false)
    }
    expectRefusal(await put('two', { secret: null }), 400, [{ code: 2, parameter: 'secret' }])
    expectRefusal(await put('two', { secondSecret: 'short' }), 400, [
      { code: 2, parameter: 'secondSecret' },
    ])
  })

  it('show their secrets in no answer and in no record', async () => {
    const answers = [
      await post({ ...least, name: 'quiet', secondSecret }),
      await put('quiet', { secret: `${secret}-2`, secondSecret: null }),
      await put('quiet', { secret: `${secret}!`, url: 'ftp://x' }),
      await put('quiet', { secret: `${secret} `, secondSecret: `${secondSecret}=` }),
      await world.ask('groupAdmin', 'GET', `${collection}quiet/`),
      await world.ask('groupAdmin', 'GET', collection),
      await world.ask('groupAdmin', 'DELETE', `${collection}quiet/`),
      await world.ask('groupAdmin', 'GET', `${group}changes/`),
    ]
    const rows = (await everything(world)).filter((row) => !row.startsWith('webhooks '))
    for (const text of [...answers.map((answer) => answer.text), ...rows]) {
      expect(text).not.toContain(secret)
      expect(text).not.toContain(secondSecret)
    }
    expect(answers.at(-1)?.text).toContain('services/webhooks/quiet/')
  })

  it('are ten at most in a group, and go with it', async () => {
    const place = `${siblingGroup}services/webhooks/`
    const create = (name: string) => world.ask('system', 'POST', place, { ...least, name })
    const answers = await Promise.all(Array.from({ length: 12 }, (_, index) => create(`w${index}`)))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(10)
    for (const over of answers.filter(({ status }) => status !== 201)) {
      expectRefusal(over, 400, [{ code: 2 }])
    }
    expect(
      (await world.ask('system', 'POST', `${otherGroup}services/webhooks/`, least)).status,
    ).toBe(201)
    const kept = await world.ask('system', 'DELETE', siblingGroup)
    expectRefusal(kept, 400, [{ code: 21 }])
    expect(kept.body.errors[0].message).toContain('10 webhooks')
    expect((await world.ask('system', 'DELETE', `${siblingGroup}?deleteNonEmpty=1`)).status).toBe(
      200,
    )
    const rows = (await everything(world)).filter((row) => /^webhooks .*siblinggroup/.test(row))
    expect(rows).toEqual([])
  })
})
