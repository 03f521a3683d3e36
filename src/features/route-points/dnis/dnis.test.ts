import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { engines } from '../../../../test/engines.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  otherGroup,
  recorded,
  routePoint,
  siblingGroup,
  type World,
} from '../../../../test/world.ts'
import { sql } from '../../../database/database.ts'

const path = `${routePoint}dnis/`
const routePoints = `${group}services/route_points/`
const siblingPath = `${siblingGroup}services/route_points/siblingRP/dnis/`
const otherPath = `${otherGroup}services/route_points/otherRP/dnis/`

/** The reference's own. */
const example = {
  name: 'Test DNIS',
  phoneNumber: '025126780',
  extension: '9998',
  useCustomCLIDSettings: true,
  cliPhoneNumber: '025126780',
  cliLastName: 'cliLastName',
  cliFirstName: 'cliFirstName',
  useCustomDnisAnnouncementSettings: false,
  allowOutgoingACDCall: true,
}

const off = {
  useCustomCLIDSettings: false,
  useCustomDnisAnnouncementSettings: false,
  allowOutgoingACDCall: false,
}

const duplicate = {
  code: 11,
  parameter: 'name',
  message:
    'Duplicate name. The specified DNIS name is already being used by another DNIS instance.',
}

describe.each(engines)('DNIS on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
  })
  afterAll(() => world.close())
  beforeEach(async () => {
    for (const list of [path, siblingPath, otherPath]) {
      const { body } = await world.ask('system', 'GET', list)
      for (const { name } of body.dnis) {
        await world.ask('system', 'DELETE', `${list}${encodeURIComponent(name)}/`)
      }
    }
  })

  const at = (name: string) => `${path}${encodeURIComponent(name)}/`
  const post = (body: unknown, list = path) => world.ask('system', 'POST', list, body)
  const put = (name: string, body: unknown) => world.ask('groupAdmin', 'PUT', at(name), body)
  const get = (name: string) => world.ask('groupAdmin', 'GET', at(name))
  async function create(...bodies: object[]): Promise<void> {
    for (const body of bodies) expect((await post(body)).text).toBe('{}')
  }

  describe('who may', () => {
    it.each([
      ['nobody', 401],
      ['endUser', 403],
      ['departmentAdmin', 403],
      ['siblingAdmin', 404],
      ['otherTenantAdmin', 404],
    ] as const)('is not %s', async (person, status) => {
      await create(example)
      await expectUnchanged(world, async () => {
        const { ask } = world
        expectRefusal(await ask(person, 'GET', path), status)
        expectRefusal(await ask(person, 'POST', path, { name: 'other' }), status)
        expectRefusal(await ask(person, 'GET', at('Test DNIS')), status)
        expectRefusal(await ask(person, 'PUT', at('Test DNIS'), { name: 'other' }), status)
        expectRefusal(await ask(person, 'DELETE', at('Test DNIS')), status)
      })
    })

    it.each(['groupAdmin', 'tenantAdmin', 'system'] as const)('is %s', async (person) => {
      const { ask } = world
      expect((await ask(person, 'POST', path, { name: person })).status).toBe(201)
      expect((await ask(person, 'GET', path)).body.dnis).toHaveLength(1)
      expect((await ask(person, 'GET', at(person))).status).toBe(200)
      expect((await ask(person, 'PUT', at(person), { extension: '10' })).status).toBe(200)
      expect((await ask(person, 'DELETE', at(person))).text).toBe('{}')
    })
  })

  it.each([
    ['a route point that does not exist', `${routePoints}nobody/dnis/`],
    ['a user', `${group}services/route_points/agent/dnis/`],
    ['a route point of another group', `${group}services/route_points/siblingRP/dnis/`],
    [
      'a group that does not exist',
      '/api/v1/tenants/footenant/groups/x/services/route_points/y/dnis/',
    ],
  ])('is 404 for %s, whatever the operation', async (_, list) => {
    await expectUnchanged(world, async () => {
      for (const method of ['GET', 'POST']) {
        const body = method === 'POST' ? example : undefined
        expectRefusal(await world.ask('system', method, list, body), 404)
      }
      expectRefusal(await world.ask('system', 'POST', list, { name: '' }), 404)
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const body = method === 'PUT' ? { name: 'x' } : undefined
        expectRefusal(await world.ask('system', method, `${list}Test%20DNIS/`, body), 404)
      }
    })
  })

  it('is 404 for a name that does not exist, or differs in case', async () => {
    await create({ name: 'Sales' })
    await expectUnchanged(world, async () => {
      for (const name of ['sales', 'other']) {
        expectRefusal(await get(name), 404)
        expectRefusal(await put(name, { name: 'y' }), 404)
        expectRefusal(await world.ask('groupAdmin', 'DELETE', at(name)), 404)
      }
    })
  })

  describe('what is refused', () => {
    const bad: [string, object, { code: number; parameter: string }[]][] = [
      ['no name', {}, [{ code: 2, parameter: 'name' }]],
      ['an empty name', { name: '' }, [{ code: 2, parameter: 'name' }]],
      ['a name of blanks', { name: '  ' }, [{ code: 2, parameter: 'name' }]],
      ['no name at all', { name: null }, [{ code: 2, parameter: 'name' }]],
      ['a name of 41 characters', { name: 'x'.repeat(41) }, [{ code: 2, parameter: 'name' }]],
      ['the name .', { name: '.' }, [{ code: 2, parameter: 'name' }]],
      ['the name ..', { name: '..' }, [{ code: 2, parameter: 'name' }]],
      ['a control character', { name: 'a\u0007' }, [{ code: 2, parameter: 'name' }]],
    ]
    it.each(bad)('%s', async (_, body, faults) => {
      await create({ name: 'there' })
      await expectUnchanged(world, async () => {
        expectRefusal(await post(body), 400, faults)
        if ('name' in body) expectRefusal(await put('there', body), 400, faults)
      })
    })

    it.each([
      ['letters in a number', { phoneNumber: 'call me' }],
      ['a number of 24 characters', { phoneNumber: '1'.repeat(24) }],
      ['a number that is a number', { phoneNumber: 32 }],
      ['an extension of one digit', { extension: '1' }],
      ['an extension of 21 digits', { extension: '1'.repeat(21) }],
      ['an extension with a plus', { extension: '+12' }],
      ['a shown number with letters', { cliPhoneNumber: 'x' }],
      ['a shown last name of 31 characters', { cliLastName: 'x'.repeat(31) }],
      ['a shown first name of 31 characters', { cliFirstName: 'x'.repeat(31) }],
      ['a switch that is a text', { allowOutgoingACDCall: 'true' }],
      ['a switch that is nothing', { useCustomCLIDSettings: null }],
      ['a switch that is 0', { useCustomDnisAnnouncementSettings: 0 }],
      ['an unknown field', { surprise: 1 }],
    ])('%s', async (_, members: object) => {
      const [parameter = ''] = Object.keys(members)
      await create({ name: 'there' })
      await expectUnchanged(world, async () => {
        expectRefusal(await post({ name: 'new', ...members }), 400, [{ code: 2, parameter }])
        expectRefusal(await put('there', members), 400, [{ code: 2, parameter }])
      })
    })

    it('its own caller identity while one of its three members is missing, one fault each', async () => {
      await create({ name: 'there', cliLastName: 'Desk' })
      const message = (member: string) =>
        `The '${member}' must be set when 'useCustomCLIDSettings' is true.`
      const fault = (parameter: string) => ({ code: 9, parameter, message: message(parameter) })
      const faults = ['cliPhoneNumber', 'cliLastName', 'cliFirstName'].map(fault)
      await expectUnchanged(world, async () => {
        const body = { name: 'new', useCustomCLIDSettings: true }
        expectRefusal(await post(body), 400, faults)
        const rest = [fault('cliPhoneNumber'), fault('cliFirstName')]
        expectRefusal(await put('there', { useCustomCLIDSettings: true }), 400, rest)
      })
    })

    it.each([
      ['cliPhoneNumber', null],
      ['cliLastName', ''],
      ['cliFirstName', null],
    ])('clearing %s while the own caller identity is used', async (parameter, clear) => {
      await create(example)
      await expectUnchanged(world, async () => {
        const answer = await put('Test DNIS', { [parameter]: clear })
        expectRefusal(answer, 400, [{ code: 9, parameter }])
      })
    })

    it('a name that the route point has already, in the words of the reference', async () => {
      await create(example, { name: 'Other' })
      await expectUnchanged(world, async () => {
        expectRefusal(await post({ name: 'Test DNIS' }), 400, [duplicate])
        expectRefusal(await post({ name: ' Test DNIS ' }), 400, [duplicate])
        expectRefusal(await put('Other', { name: 'Test DNIS' }), 400, [duplicate])
      })
    })

    it('the same DNIS again, telling of its name and of both numbers, the name first', async () => {
      await create(example)
      await expectUnchanged(world, async () => {
        expectRefusal(await post(example), 400, [
          duplicate,
          { code: 11, parameter: 'phoneNumber' },
          { code: 11, parameter: 'extension' },
        ])
      })
    })

    it.each([
      ['+3225126780', '02 512 67-80'],
      ['025126780', '+32 2 512 67 80'],
      ['+3225126780', '+3225126780'],
      ['12', '12'],
    ])('the number %s of another DNIS, written as %s', async (held, given) => {
      await create({ name: 'holder', phoneNumber: held }, { name: 'there' })
      const faults = [{ code: 11, parameter: 'phoneNumber' }]
      await expectUnchanged(world, async () => {
        expectRefusal(await post({ name: 'new', phoneNumber: given }), 400, faults)
        expectRefusal(await put('there', { phoneNumber: given }), 400, faults)
      })
    })

    it('a number or extension of its own route point, of a user, or of another DNIS', async () => {
      const own = { serviceInstanceProfile: { phoneNumber: '+3225126701', extension: '7001' } }
      await world.ask('system', 'PUT', routePoint, own)
      const user = { phoneNumber: '+3225126702', extension: '7002' }
      await world.ask('system', 'PUT', `${group}users/agent/`, user)
      await create(
        { name: 'there' },
        { name: 'other', phoneNumber: '025126703', extension: '7003' },
      )
      const faults = [
        { code: 11, parameter: 'phoneNumber' },
        { code: 11, parameter: 'extension' },
      ]
      await expectUnchanged(world, async () => {
        for (const last of ['1', '2', '3']) {
          const numbers = { phoneNumber: `+322512670${last}`, extension: `700${last}` }
          expectRefusal(await post({ name: 'new', ...numbers }), 400, faults)
          expectRefusal(await put('there', numbers), 400, faults)
          expectRefusal(await put('there', { name: 'renamed', ...numbers }), 400, faults)
        }
      })
      const none = { phoneNumber: null, extension: null }
      await world.ask('system', 'PUT', routePoint, { serviceInstanceProfile: none })
      await world.ask('system', 'PUT', `${group}users/agent/`, none)
    })

    it('its number to a user and a route point, too', async () => {
      await create({ name: 'holder', phoneNumber: '+3225126780', extension: '9998' })
      const numbers = { phoneNumber: '025126780', extension: '9998' }
      await expectUnchanged(world, async () => {
        expectRefusal(await world.ask('groupAdmin', 'PUT', `${group}users/agent/`, numbers), 400, [
          { code: 11, parameter: 'phoneNumber' },
          { code: 11, parameter: 'extension' },
        ])
        const body = { serviceInstanceProfile: numbers }
        expectRefusal(await world.ask('groupAdmin', 'PUT', routePoint, body), 400, [
          { code: 11, parameter: 'serviceInstanceProfile.phoneNumber' },
          { code: 11, parameter: 'serviceInstanceProfile.extension' },
        ])
      })
    })

    it('a number taken elsewhere without a word of its holder, whom only those in scope are told', async () => {
      await post({ name: 'Secret', phoneNumber: '+3225126780' }, siblingPath)
      await post({ name: 'Hidden', phoneNumber: '+3225126781' }, otherPath)
      const told = async (person: 'groupAdmin' | 'tenantAdmin' | 'system', phoneNumber: string) =>
        (await world.ask(person, 'POST', path, { name: 'x', phoneNumber })).body.errors[0].message
      const silence = 'The phone number is already in use.'
      await expectUnchanged(world, async () => {
        expect(await told('groupAdmin', '025126780')).toBe(silence)
        expect(await told('groupAdmin', '025126781')).toBe(silence)
        expect(await told('tenantAdmin', '025126781')).toBe(silence)
        expect(await told('tenantAdmin', '025126780')).toContain("DNIS 'Secret' of 'siblingRP@")
        expect(await told('system', '025126781')).toContain("DNIS 'Hidden' of 'otherRP@")
      })
    })
  })

  describe('a creation', () => {
    it('answers an empty object and where the DNIS is', async () => {
      const answer = await post({ ...example, name: 'A/B & C@d' })
      expect([answer.status, answer.text]).toEqual([201, '{}'])
      expect(answer.headers.location).toBe(at('A/B & C@d').replace('@sip', '%40sip'))
      const located = await world.ask('groupAdmin', 'GET', String(answer.headers.location))
      expect(located.body.name).toBe('A/B & C@d')
    })

    it('of the reference is shown as the reference shows it', async () => {
      await create(example)
      expect((await get('Test DNIS')).body).toEqual(example)
      expect((await world.ask('groupAdmin', 'GET', path)).body).toEqual({
        dnis: [{ name: 'Test DNIS', phoneNumber: '025126780', extension: '9998' }],
      })
    })

    it('with a name alone has every default, and no number in the list', async () => {
      await create({ name: 'bare' })
      expect((await get('bare')).body).toEqual({ name: 'bare', ...off })
      expect((await world.ask('groupAdmin', 'GET', path)).body).toEqual({
        dnis: [{ name: 'bare', phoneNumber: '', extension: '' }],
      })
    })

    it('keeps a name of 40 code points, trimmed and composed, and finds it decomposed', async () => {
      const name = `${'é'.repeat(39)}🎧`
      await create({ name: ` ${name.normalize('NFD')} ` })
      expect((await get(name.normalize('NFD'))).body.name).toBe(name)
    })

    it('takes the same name and extension elsewhere, and a shown number that is somebody’s', async () => {
      await create(example)
      const elsewhere = { ...example, phoneNumber: '+3225126790' }
      expect((await post(elsewhere, siblingPath)).status).toBe(201)
      expect((await post({ name: 'test DNIS', cliPhoneNumber: '025126780' })).status).toBe(201)
    })

    it('is recorded', async () => {
      await create({ name: 'bare' })
      const [last] = await world.database.all(
        sql<Record<string, string>>(
          'SELECT action, target, before_value, after_value FROM changes ORDER BY position DESC LIMIT 1',
        ),
      )
      expect(last).toEqual({
        action: 'create',
        target: recorded(at('bare')),
        before_value: null,
        after_value: JSON.stringify({ name: 'bare', ...off }),
      })
    })
  })

  describe('a change', () => {
    it('answers the DNIS, leaves absent members alone and clears with null or nothing', async () => {
      await create(example)
      const { useCustomCLIDSettings: _, ...shown } = example
      const { phoneNumber: _p, extension: _e, cliLastName: _c, ...rest } = shown
      const body = {
        useCustomCLIDSettings: false,
        phoneNumber: null,
        extension: '',
        cliLastName: null,
      }
      const answer = await put('Test DNIS', body)
      expect(answer.body).toEqual({ ...rest, useCustomCLIDSettings: false })
      expect((await get('Test DNIS')).text).toBe(answer.text)
      expect((await world.ask('groupAdmin', 'GET', path)).body).toEqual({
        dnis: [{ name: 'Test DNIS', phoneNumber: '', extension: '' }],
      })
      expect(
        (await post({ name: 'new', phoneNumber: '025126780', extension: '9998' })).status,
      ).toBe(201)
    })

    it('with what GET answered is no change', async () => {
      await create(example, { name: 'bare' })
      await expectUnchanged(world, async () => {
        for (const name of ['Test DNIS', 'bare']) {
          const shown = await get(name)
          const answer = await put(name, shown.body)
          expect([answer.status, answer.text]).toEqual([200, shown.text])
        }
      })
    })

    it('renames: the new path finds it, the old one does not, and the old name is free', async () => {
      await create(example)
      expect((await put('Test DNIS', { name: 'Renamed' })).body).toEqual({
        ...example,
        name: 'Renamed',
      })
      expectRefusal(await get('Test DNIS'), 404)
      expect((await get('Renamed')).body).toEqual({ ...example, name: 'Renamed' })
      expect((await world.ask('groupAdmin', 'GET', path)).body.dnis).toHaveLength(1)
      await create({ name: 'Test DNIS' })
    })

    it('to its own number in another notation is one, also under a new name', async () => {
      await create(example)
      await put('Test DNIS', { phoneNumber: '+3225126780' })
      const answer = await put('Test DNIS', { name: 'Renamed', phoneNumber: '02 512 67 80' })
      expect(answer.body).toMatchObject({ name: 'Renamed', phoneNumber: '025126780' })
    })

    it.each([
      ['then new numbers', [{ name: 'B' }, { phoneNumber: '025126799', extension: '9999' }]],
      ['and new numbers at once', [{ name: 'B', phoneNumber: '025126799', extension: '9999' }]],
      ['after new numbers', [{ phoneNumber: '025126799', extension: '9999' }, { name: 'B' }]],
    ])('of the name %s frees the old numbers and holds the new ones', async (_, bodies) => {
      await create({ name: 'A', phoneNumber: '025126780', extension: '9998' })
      let name = 'A'
      for (const body of bodies) {
        const answer = await put(name, body)
        expect(answer.status, answer.text).toBe(200)
        name = answer.body.name
      }
      const taken = [
        { code: 11, parameter: 'phoneNumber', message: expect.stringContaining("DNIS 'B' of ") },
        { code: 11, parameter: 'extension', message: expect.stringContaining("DNIS 'B' of ") },
      ]
      const held = { phoneNumber: '+3225126799', extension: '9999' }
      expectRefusal(await post({ name: 'C', ...held }), 400, taken)
      await create({ name: 'A', phoneNumber: '+3225126780', extension: '9998' })
    })

    it('to the name of a DNIS that went holds nothing of it', async () => {
      await create({ name: 'A', phoneNumber: '025126780' }, { name: 'B', phoneNumber: '025126781' })
      await world.ask('groupAdmin', 'DELETE', at('A'))
      expect((await put('B', { name: 'A' })).status).toBe(200)
      await create({ name: 'B', phoneNumber: '025126780' })
      expectRefusal(await post({ name: 'C', phoneNumber: '025126781' }), 400, [
        { code: 11, parameter: 'phoneNumber' },
      ])
    })

    it('never overwrites an edit that the client has not seen', async () => {
      await create(example)
      const { etag } = (await get('Test DNIS')).headers
      await put('Test DNIS', { cliLastName: 'Somebody' })
      const ifMatch = { 'if-match': String(etag) }
      await expectUnchanged(world, async () => {
        const { ask } = world
        const body = { cliLastName: 'Else' }
        expectRefusal(await ask('groupAdmin', 'PUT', at('Test DNIS'), body, ifMatch), 412)
        const remove = await ask('groupAdmin', 'DELETE', at('Test DNIS'), undefined, ifMatch)
        expectRefusal(remove, 412)
      })
    })
  })

  it('once deleted is gone with its numbers, but for its neighbour', async () => {
    await create(example, { name: 'neighbour', phoneNumber: '025126781' })
    const answer = await world.ask('groupAdmin', 'DELETE', at('Test DNIS'))
    expect([answer.status, answer.text]).toEqual([200, '{}'])
    expectRefusal(await world.ask('groupAdmin', 'DELETE', at('Test DNIS')), 404)
    await create(example)
    expect((await get('neighbour')).status).toBe(200)
  })

  it('goes with its route point, numbers and all', async () => {
    const rp = `${routePoints}shortlived/`
    const profile = { serviceInstanceProfile: { name: 'Shortlived' } }
    await post({ serviceUserId: 'shortlived', ...profile }, routePoints)
    expect((await post(example, `${rp}dnis/`)).status).toBe(201)
    expect((await world.ask('groupAdmin', 'DELETE', rp)).status).toBe(200)
    await create(example)
  })

  describe('the list', () => {
    const names = async (query: string) => {
      const answer = await world.ask('groupAdmin', 'GET', `${path}?${query}`)
      expect(answer.status, answer.text).toBe(200)
      return answer.body.dnis.map(({ name }: { name: string }) => name)
    }
    const few = [
      { name: 'beta', phoneNumber: '025126783', extension: '11' },
      { name: 'Alpha', phoneNumber: '025126782', extension: '13' },
      { name: 'gamma', extension: '12' },
    ]

    it.each([
      'colour=red',
      'pageSize=0',
      'pageSize=1001',
      'startIndex=0',
      'sortOrders=up',
      'sensitiveValueContains=x',
    ])('refuses %s', async (query) => {
      const [parameter = ''] = query.split('=')
      const answer = await world.ask('groupAdmin', 'GET', `${path}?${query}`)
      expectRefusal(answer, 400, [{ code: 2, parameter }])
    })

    it.each([
      ['', ['Alpha', 'beta', 'gamma']],
      ['sortOrders=insensitiveDescendingName', ['gamma', 'beta', 'Alpha']],
      ['sortOrders=sensitiveAscendingPhoneNumber', ['gamma', 'Alpha', 'beta']],
      ['sortOrders=sensitiveAscendingExtension', ['beta', 'gamma', 'Alpha']],
      ['insensitiveNameContains=ALPH', ['Alpha']],
      ['sensitiveNameStarts=alph', []],
      ['sensitivePhoneNumberEquals=025126783', ['beta']],
      ['insensitiveExtensionStarts=1&sensitiveNameContains=a&startIndex=2', ['beta', 'gamma']],
      ['pageSize=2&startIndex=2', ['beta', 'gamma']],
    ])('takes %s', async (query, expected) => {
      await create(...few)
      expect(await names(query)).toEqual(expected)
    })

    it('tells how many there are and where the next page is', async () => {
      await create(...few)
      const first = await world.ask('groupAdmin', 'GET', `${path}?pageSize=2`)
      expect(first.headers['x-total-count']).toBe('3')
      const [, next = ''] = /<(.*)>; rel="next"/.exec(String(first.headers.link)) ?? []
      const second = await world.ask('groupAdmin', 'GET', next)
      expect(second.body.dnis).toEqual([{ name: 'gamma', phoneNumber: '', extension: '12' }])
      expect(second.headers).not.toHaveProperty('link')
    })

    it('is whole without a page size, however long', async () => {
      const count = 1_050
      for (let made = 0; made < count; made += 50) {
        const names = Array.from({ length: 50 }, (_, index) => `DNIS ${made + index}`)
        const answers = await Promise.all(names.map((name) => post({ name })))
        for (const { text } of answers) expect(text).toBe('{}')
      }
      const answer = await world.ask('groupAdmin', 'GET', path)
      expect(answer.body.dnis).toHaveLength(count)
      expect(answer.headers['x-total-count']).toBe(String(count))
    })
  })

  it.each([
    ['name', (index: number) => ({ name: 'one', extension: String(100 + index) })],
    ['phoneNumber', (index: number) => ({ name: `n${index}`, phoneNumber: '+3225126780' })],
    ['extension', (index: number) => ({ name: `n${index}`, extension: '9998' })],
  ])('lets exactly one of fifty have the same %s', async (parameter, bodyOf) => {
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => post(bodyOf(index))))
    const refused = answers.filter(({ status }) => status !== 201)
    expect(refused).toHaveLength(49)
    for (const answer of refused) expectRefusal(answer, 400, [{ code: 11, parameter }])
    expect((await world.ask('groupAdmin', 'GET', path)).body.dnis).toHaveLength(1)
  })
})
