import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../../test/engines.ts'
import {
  type Answer,
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  otherGroup,
  type Person,
  siblingGroup,
  type World,
} from '../../../test/world.ts'
import { sql } from '../../database/database.ts'
import { numberKeys } from './numbers.ts'

describe('the form by which numbers are compared', () => {
  it.each([
    ['025126780', 'BE', '+3225126780'],
    ['+3225126780', 'BE', '+3225126780'],
    ['+3225126780', '', '+3225126780'],
    ['003225126780', 'BE', '+3225126780'],
    ['025126780', '', '025126780@foo'],
    ['025126780', 'ZZ', '025126780@foo'],
    ['025126780', 'AQ', '025126780@foo'],
    ['112', 'BE', '112@foo'],
    ['6780', 'BE', '6780@foo'],
    ['5000', 'DE', '5000@foo'],
    ['0112', 'AT', '0112@foo'],
    ['50001', 'FI', '+35850001'],
    ['+999123', 'BE', '999123@foo'],
    ['12345678901234567890123', 'BE', '12345678901234567890123@foo'],
  ])('of %s in %j is %s', (number, country, key) => {
    expect(numberKeys(number, { country, tenantKey: 'foo' })[0]).toBe(key)
  })
})

describe.each(engines)('phone numbers and extensions on $name', (engine) => {
  let world: World
  let made: string[] = []
  beforeAll(async () => {
    world = await createWorld(engine)
  })
  afterAll(() => world.close())
  afterEach(async () => {
    for (const item of made) await world.ask('system', 'DELETE', item)
    made = []
  })

  async function postUser(in_: string, userId: string, numbers: object, person: Person = 'system') {
    const body = { userId, firstName: 'A', lastName: 'B', ...numbers }
    return keep(await world.ask(person, 'POST', `${in_}users/`, body))
  }

  async function postRoutePoint(in_: string, serviceUserId: string, numbers: object) {
    const body = { serviceUserId, serviceInstanceProfile: { name: 'x', ...numbers } }
    return keep(await world.ask('system', 'POST', `${in_}services/route_points/`, body))
  }

  function keep(answer: Answer): Answer {
    if (answer.status === 201) made.push(String(answer.headers.location))
    return answer
  }

  const put = (answer: Answer, body: object) =>
    world.ask('system', 'PUT', String(answer.headers.location), body)

  const phoneTaken = [{ code: 11, parameter: 'phoneNumber' }]

  it('are given once in the installation, in whatever notation, to users and route points', async () => {
    const first = await postUser(group, 'first', { phoneNumber: '+32 2 512-67-80' })
    expect(first.body.phoneNumber).toBe('+3225126780')
    await expectUnchanged(world, async () => {
      for (const phoneNumber of ['025126780', '02 512 67-80', '0032 2 512 67 80', '+3225126780']) {
        for (const place of [group, siblingGroup, otherGroup]) {
          expectRefusal(await postUser(place, 'second', { phoneNumber }), 400, phoneTaken)
          expectRefusal(await postRoutePoint(place, 'second', { phoneNumber }), 400, [
            { code: 11, parameter: 'serviceInstanceProfile.phoneNumber' },
          ])
        }
      }
    })
    const routePoint = await postRoutePoint(group, 'hotline', { phoneNumber: '025126781' })
    expect(routePoint.body.routePointInstance.serviceInstanceProfile.phoneNumber).toBe('025126781')
    const again = await postUser(otherGroup, 'third', { phoneNumber: '+3225126781' })
    expectRefusal(again, 400, phoneTaken)
    const change = await put(first, { phoneNumber: '02 512 67 81' })
    expectRefusal(change, 400, phoneTaken)
  })

  it('are taken as web pages print them, wherever a number stands', async () => {
    const [number, extension] = [
      '\u202a+32\u00a02\u2009512\u201167\u201380\u202c',
      '\u200b67\u00ad80',
    ]
    const shown = { phoneNumber: '+3225126780', extension: '6780' }
    const user = await postUser(group, 'first', { phoneNumber: number, extension })
    expect(user.body).toMatchObject(shown)
    await put(user, { phoneNumber: null, extension: null })
    const profile = { phoneNumber: number, extension, cliPhoneNumber: number }
    const hotline = await postRoutePoint(group, 'hotline', profile)
    const { serviceInstanceProfile } = hotline.body.routePointInstance
    expect(serviceInstanceProfile).toMatchObject({ ...shown, cliPhoneNumber: '+3225126780' })
    const overflow = `${hotline.headers.location}overflow/`
    const forwarded = await world.ask('system', 'PUT', overflow, {
      transferPhoneNumber: '\u200e5\u2012001',
    })
    expect(forwarded.body.transferPhoneNumber).toBe('5001')
    await expectUnchanged(world, async () => {
      for (const wrong of ['+32\u200b2x', '\u200b', '5\n0', 'desk\u200b@sip.example.org']) {
        const answer = await world.ask('system', 'PUT', overflow, { transferPhoneNumber: wrong })
        expectRefusal(answer, 400, [{ code: 2, parameter: 'transferPhoneNumber' }])
      }
    })
  })

  it('are an extension once in the group', async () => {
    await postUser(group, 'first', { extension: '6780' })
    await expectUnchanged(world, async () => {
      const faults = [{ code: 11, parameter: 'extension' }]
      expectRefusal(await postUser(group, 'second', { extension: '6780' }), 400, faults)
      expectRefusal(await postRoutePoint(group, 'second', { extension: '6780' }), 400, [
        { code: 11, parameter: 'serviceInstanceProfile.extension' },
      ])
    })
    expect((await postUser(siblingGroup, 'second', { extension: '6780' })).status).toBe(201)
    expect((await postUser(group, 'zero', { extension: '06780' })).status).toBe(201)
  })

  it('are told together when both are taken, with all else that is wrong', async () => {
    await postUser(group, 'first', { phoneNumber: '025126780', extension: '6780' })
    await expectUnchanged(world, async () => {
      const numbers = { phoneNumber: '+3225126780', extension: '6780', lastName: null }
      expectRefusal(await postUser(group, 'AGENT', numbers), 400, [
        { code: 2, parameter: 'lastName' },
        { code: 11, parameter: 'userId' },
        { code: 11, parameter: 'phoneNumber' },
        { code: 11, parameter: 'extension' },
      ])
    })
  })

  it('may be repeated by whoever has them, in another notation too', async () => {
    const user = await postUser(group, 'first', { phoneNumber: '025126780', extension: '6780' })
    const numbers = { phoneNumber: '+32 2 512 67 80', extension: '6780' }
    const answer = await put(user, numbers)
    expect(answer.body).toMatchObject({ phoneNumber: '+3225126780', extension: '6780' })
    expectRefusal(await postUser(group, 'second', { phoneNumber: '025126780' }), 400, phoneTaken)
  })

  it('are free again once they are cleared, replaced or deleted', async () => {
    const user = await postUser(group, 'first', { phoneNumber: '025126780', extension: '6780' })
    const numbers = { phoneNumber: '+3225126780', extension: '6780' }
    await put(user, { phoneNumber: null, extension: '' })
    const second = await postUser(group, 'second', numbers)
    expect(second.status).toBe(201)
    await put(second, { phoneNumber: '025126799', extension: '6799' })
    const third = await postRoutePoint(group, 'third', numbers)
    expect(third.status).toBe(201)
    await world.ask('system', 'DELETE', String(third.headers.location))
    expect((await put(user, numbers)).status).toBe(200)
  })

  it('are given to one of two who ask at once', async () => {
    const answers = await Promise.all(
      ['first', 'second'].map((id) => postUser(group, id, { phoneNumber: '025126780' })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 400])
  })

  it('name their holder to a caller in whose scope it is, and to nobody else', async () => {
    await postUser(otherGroup, 'holder', { phoneNumber: '025126780', extension: '6780' })
    const messages: string[] = []
    for (const person of ['groupAdmin', 'tenantAdmin', 'system'] as const) {
      const answer = await postUser(group, 'second', { phoneNumber: '025126780' }, person)
      messages.push(answer.body.errors[0].message)
    }
    expect(messages).toEqual([
      'The phone number is already in use.',
      'The phone number is already in use.',
      "The phone number is already in use by 'holder@other.example'.",
    ])
    await postUser(siblingGroup, 'sibling', { phoneNumber: '025126781' })
    const told = async (person: Person) =>
      (await postUser(group, 'second', { phoneNumber: '025126781' }, person)).body.errors[0].message
    expect(await told('groupAdmin')).toBe('The phone number is already in use.')
    expect(await told('tenantAdmin')).toContain("'sibling@sip.netaxis.be'")
    await postUser(group, 'own', { extension: '6781' })
    const own = await postUser(group, 'second', { extension: '6781' }, 'groupAdmin')
    expect(own.body.errors[0].message).toContain("'own@sip.netaxis.be'")
  })

  it('do not count where calls are only shown to come from', async () => {
    await postUser(group, 'first', { phoneNumber: '025126780' })
    const cli = { cliPhoneNumber: '+3225126780' }
    expect((await postRoutePoint(group, 'one', cli)).status).toBe(201)
    expect((await postRoutePoint(group, 'two', cli)).status).toBe(201)
  })

  it('are compared by their digits where the group has no country', async () => {
    const tenant = { tenantId: 'landless', type: 'Enterprise', defaultDomain: 'no.example' }
    await world.ask('system', 'POST', '/api/v1/tenants/', tenant)
    const groups = '/api/v1/tenants/landless/groups/'
    for (const groupId of ['a', 'b']) await world.ask('system', 'POST', groups, { groupId })
    const first = await postUser(`${groups}a/`, 'first', { phoneNumber: '02 512 67 80' })
    expect(first.body.phoneNumber).toBe('025126780')
    const national = await postUser(`${groups}b/`, 'second', { phoneNumber: '025126780' })
    expectRefusal(national, 400, phoneTaken)
    expect((await postUser(group, 'third', { phoneNumber: '025126780' })).status).toBe(201)
    const international = await postUser(`${groups}b/`, 'fourth', { phoneNumber: '+3225126780' })
    expectRefusal(international, 400, phoneTaken)
    await world.ask('system', 'DELETE', '/api/v1/tenants/landless/?deleteNonEmpty=1')
  })

  it('are given once in the tenant where they are no E.164, and say nothing of other tenants', async () => {
    for (const phoneNumber of ['112', '5000', '+999123']) {
      expect((await postUser(group, 'first', { phoneNumber })).status).toBe(201)
      const answer = await postUser(siblingGroup, 'second', { phoneNumber })
      expectRefusal(answer, 400, phoneTaken)
      const elsewhere = await postRoutePoint(otherGroup, 'elsewhere', { phoneNumber })
      expect(elsewhere.status, elsewhere.text).toBe(201)
      const second = await postUser(otherGroup, 'second', { phoneNumber })
      expectRefusal(second, 400, phoneTaken)
      for (const item of made.splice(0)) await world.ask('system', 'DELETE', item)
    }
  })

  it('that are no E.164 are known in the tenant as older versions have kept them', async () => {
    const first = await postUser(group, 'first', { phoneNumber: '5000' })
    const older = sql('UPDATE phone_numbers SET number_key = ? WHERE number_key = ?')
    await world.database.write((write) => write.run(older, '5000', '5000@footenant'))
    const again = await postUser(siblingGroup, 'second', { phoneNumber: '5000' })
    expectRefusal(again, 400, phoneTaken)
    expect((await put(first, { lastName: 'C', phoneNumber: '50 00' })).status).toBe(200)
    expect((await postUser(otherGroup, 'other', { phoneNumber: '5000' })).status).toBe(201)
    await put(first, { phoneNumber: null })
    expect((await postUser(siblingGroup, 'second', { phoneNumber: '5000' })).status).toBe(201)
  })

  it('hold the country of their group as long as one is national', async () => {
    const user = await postUser(siblingGroup, 'first', { phoneNumber: '025126780' })
    await expectUnchanged(world, async () => {
      for (const country of ['NL', null]) {
        const answer = await world.ask('tenantAdmin', 'PUT', siblingGroup, { country })
        expectRefusal(answer, 400, [{ code: 2, parameter: 'country' }])
      }
      const same = await world.ask('tenantAdmin', 'PUT', siblingGroup, { country: 'BE' })
      expect(same.status).toBe(200)
    })
    await put(user, { phoneNumber: '+3225126780' })
    const moved = await world.ask('tenantAdmin', 'PUT', siblingGroup, { country: 'NL' })
    expect(moved.body.country).toBe('NL')
    const dutch = await postUser(siblingGroup, 'second', { phoneNumber: '0201234567' })
    expect(dutch.status).toBe(201)
    const same = await postUser(group, 'third', { phoneNumber: '+31201234567' })
    expectRefusal(same, 400, phoneTaken)
  })
})
