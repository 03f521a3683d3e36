import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { engines } from '../../../test/engines.ts'
import {
  type Answer,
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  otherGroup,
  type Person,
  password,
  siblingGroup,
  type World,
} from '../../../test/world.ts'
import { sql } from '../../database/database.ts'

const codes = 'services/call_centers_properties/disposition_codes/'
const groupPath = `${group}${codes}`
const enterprise = '/api/v1/tenants/othertenant/'
const enterprisePath = `${enterprise}${codes}`

interface Level {
  level: string
  path: string
  admin: Person
  admitted: Person[]
  refused: [Person, number][]
}

const levels: Level[] = [
  {
    level: 'group',
    path: groupPath,
    admin: 'groupAdmin',
    admitted: ['groupAdmin', 'tenantAdmin', 'system'],
    refused: [
      ['nobody', 401],
      ['endUser', 403],
      ['departmentAdmin', 403],
      ['siblingAdmin', 404],
      ['otherTenantAdmin', 404],
    ],
  },
  {
    level: 'enterprise',
    path: enterprisePath,
    admin: 'otherTenantAdmin',
    admitted: ['otherTenantAdmin', 'system'],
    refused: [
      ['nobody', 401],
      ['endUser', 404],
      ['groupAdmin', 404],
      ['tenantAdmin', 404],
    ],
  },
]

/** Each operation at `path`, as somebody. */
async function allOperations(
  world: World,
  who: Person,
  path: string,
  headers?: Record<string, string>,
): Promise<Answer[]> {
  const operations: [string, string, object?][] = [
    ['GET', path],
    ['POST', path, { code: 'sold' }],
    ['GET', `${path}busy/`],
    ['PUT', `${path}busy/`, { active: false }],
    ['DELETE', `${path}busy/`],
  ]
  const answers: Answer[] = []
  for (const [method, url, body] of operations) {
    answers.push(await world.ask(who, method, url, body, headers))
  }
  return answers
}

function codesOf({ body }: Answer): string[] {
  return body.disposition_codes.map(({ code }: { code: string }) => code)
}

describe.each(engines)('disposition codes of an organization on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
  })
  afterAll(() => world.close())

  describe.each(levels)('of the $level level', ({ path, admin, admitted, refused }) => {
    beforeEach(async () => {
      for (const code of codesOf(await world.ask('system', 'GET', path))) {
        await world.ask('system', 'DELETE', `${path}${encodeURIComponent(code)}/`)
      }
      await world.ask('system', 'POST', path, { code: 'busy', description: 'Line busy' })
    })

    it.each(refused)('are closed to %s', async (person, status) => {
      await expectUnchanged(world, async () => {
        for (const answer of await allOperations(world, person, path)) expectRefusal(answer, status)
      })
    })

    it.each(admitted)('are open to %s', async (person) => {
      const answers = await allOperations(world, person, path)
      expect(answers.map(({ status }) => status)).toEqual([200, 201, 200, 200, 200])
    })

    it.each([
      [{}, ['code']],
      [{ code: '' }, ['code']],
      [{ code: null }, ['code']],
      [{ code: 12 }, ['code']],
      [{ code: '12345678901' }, ['code']],
      [{ code: '.' }, ['code']],
      [{ code: '..' }, ['code']],
      [{ code: 'a\u0007' }, ['code']],
      [{ code: 'ok', active: 'yes' }, ['active']],
      [{ code: 'ok', active: null }, ['active']],
      [{ code: 'ok', description: 'x'.repeat(41) }, ['description']],
      [{ code: 'ok', level: 'Group' }, ['level']],
      [
        { code: '', active: 1, description: 5, surprise: true },
        ['active', 'code', 'description', 'surprise'],
      ],
    ])('are not created from %j, and each faulty field is named', async (body, parameters) => {
      await expectUnchanged(world, async () => {
        const answer = await world.ask(admin, 'POST', path, body)
        expect(answer.status).toBe(400)
        const errors: { code: number; parameter: string }[] = answer.body.errors
        expect(errors.map(({ parameter }) => parameter).sort()).toEqual(parameters)
        expect(new Set(errors.map(({ code }) => code))).toEqual(new Set([2]))
      })
    })

    it('keep their code for ever', async () => {
      await expectUnchanged(world, async () => {
        const body = { code: 'idle', active: 3, surprise: 1 }
        const answer = await world.ask(admin, 'PUT', `${path}busy/`, body)
        const parameters = answer.body.errors.map((error: { parameter: string }) => error.parameter)
        expect(parameters.sort()).toEqual(['active', 'code', 'surprise'])
      })
    })

    it('exist once each, in the words of the reference; upper and lower case differ', async () => {
      await expectUnchanged(world, async () => {
        expectRefusal(await world.ask(admin, 'POST', path, { code: ' busy ' }), 400, [
          { code: 11, parameter: 'code', message: 'Disposition code name already exists.' },
        ])
      })
      expect((await world.ask(admin, 'POST', path, { code: 'Busy' })).status).toBe(201)
    })

    it('answer 404 where there is none', async () => {
      await expectUnchanged(world, async () => {
        expectRefusal(await world.ask(admin, 'GET', `${path}none/`), 404)
        expectRefusal(await world.ask(admin, 'PUT', `${path}none/`, {}), 404)
        expectRefusal(await world.ask(admin, 'DELETE', `${path}none/`), 404)
      })
    })

    it('are created with what GET shows, active unless told', async () => {
      const code = 'à/ü 50%'
      const answer = await world.ask(admin, 'POST', path, { code, description: '' })
      expect(answer.status).toBe(201)
      expect(answer.body).toEqual({ code, active: true })
      const location = String(answer.headers.location)
      expect(location).toBe(`${path}${encodeURIComponent(code)}/`)
      expect((await world.ask(admin, 'GET', location)).text).toBe(answer.text)
    })

    it('change only what a PUT names; null clears the description', async () => {
      const item = `${path}busy/`
      const off = await world.ask(admin, 'PUT', item, { active: false })
      expect(off.body).toEqual({ code: 'busy', active: false, description: 'Line busy' })
      const cleared = await world.ask(admin, 'PUT', item, { description: null })
      expect(cleared.body).toEqual({ code: 'busy', active: false })
      await expectUnchanged(world, async () => {
        const again = await world.ask(admin, 'PUT', item, cleared.body)
        expect(again.text).toBe(cleared.text)
      })
    })

    it('are neither changed nor deleted in a state that the client has not seen', async () => {
      const item = `${path}busy/`
      const { headers } = await world.ask(admin, 'GET', item)
      const seen = { 'if-match': String(headers.etag) }
      await world.ask(admin, 'PUT', item, { active: false })
      await expectUnchanged(world, async () => {
        expectRefusal(await world.ask(admin, 'PUT', item, { active: true }, seen), 412)
        expectRefusal(await world.ask(admin, 'DELETE', item, undefined, seen), 412)
      })
    })

    it('are recorded with each write', async () => {
      await world.ask(admin, 'POST', path, { code: 'told', description: 'Told' })
      await world.ask(admin, 'PUT', `${path}told/`, { active: false })
      await world.ask(admin, 'DELETE', `${path}told/`)
      const select = sql<{ action: string; before_value: string; after_value: string }>(
        'SELECT action, before_value, after_value FROM changes WHERE target = ? ORDER BY action',
      )
      const on = '{"code":"told","active":true,"description":"Told"}'
      const off = on.replace('true', 'false')
      expect(await world.database.all(select, `${path}told/`)).toEqual([
        { action: 'change', before_value: on, after_value: off },
        { action: 'create', before_value: null, after_value: on },
        { action: 'delete', before_value: off, after_value: null },
      ])
    })

    it('are listed by code, in pages, filtered and sorted', async () => {
      for (const code of ['C', 'b', 'A']) await world.ask(admin, 'POST', path, { code })
      expect(codesOf(await world.ask(admin, 'GET', path))).toEqual(['A', 'C', 'b', 'busy'])
      const page = await world.ask(admin, 'GET', `${path}?startIndex=2&pageSize=2`)
      expect(codesOf(page)).toEqual(['C', 'b'])
      expect(page.headers['x-total-count']).toBe('4')
      expect(page.headers.link).toContain('startIndex=4')
      const filtered = await world.ask(
        admin,
        'GET',
        `${path}?insensitiveCodeStarts=B&sortOrders=sensitiveDescendingCode`,
      )
      expect(codesOf(filtered)).toEqual(['busy', 'b'])
      const described = await world.ask(admin, 'GET', `${path}?insensitiveDescriptionContains=LINE`)
      expect(codesOf(described)).toEqual(['busy'])
    })

    it('are created once, however many ask at once', async () => {
      const posts = Array.from({ length: 50 }, () => world.ask(admin, 'POST', path, { code: 'x' }))
      const statuses = (await Promise.all(posts)).map(({ status }) => status)
      expect(statuses.filter((status) => status === 201)).toHaveLength(1)
      expect(statuses.filter((status) => status === 400)).toHaveLength(49)
    })
  })

  it('of the enterprise level are closed to a group admin of the enterprise', async () => {
    const admin = { userId: 'boss', firstName: 'Test', lastName: 'Person', password }
    await world.ask('system', 'POST', `${otherGroup}admins/`, admin)
    const credentials = { username: 'boss@other.example', password }
    const { headers } = await world.ask('nobody', 'POST', '/api/v1/login/', credentials)
    const cookie = String(headers['set-cookie']).split(';', 1)[0] ?? ''
    await expectUnchanged(world, async () => {
      const answers = await allOperations(world, 'nobody', enterprisePath, { cookie })
      for (const answer of answers) expectRefusal(answer, 403)
    })
  })

  it('are asked of the other type of tenant in vain, whatever the operation', async () => {
    const byGroups = `${otherGroup}${codes}`
    const byEnterprise = `/api/v1/tenants/footenant/${codes}`
    await expectUnchanged(world, async () => {
      for (const answer of await allOperations(world, 'otherTenantAdmin', byGroups)) {
        expectRefusal(answer, 400, [{ code: 2 }])
      }
      for (const answer of await allOperations(world, 'tenantAdmin', byEnterprise)) {
        expectRefusal(answer, 400, [{ code: 42 }])
      }
    })
  })

  it.each([
    `/api/v1/tenants/footenant/groups/nowhere/${codes}`,
    `/api/v1/tenants/nowhere/groups/foogroup/${codes}`,
    `/api/v1/tenants/nowhere/${codes}`,
  ])('are not found below %s', async (path) => {
    await expectUnchanged(world, async () => {
      for (const answer of await allOperations(world, 'system', path)) expectRefusal(answer, 404)
    })
  })

  it('keep their group and enterprise from being deleted, unless that is asked for', async () => {
    await world.ask('system', 'POST', `${siblingGroup}${codes}`, { code: 'one' })
    await world.ask('system', 'POST', enterprisePath, { code: 'one' })
    await world.ask('system', 'POST', enterprisePath, { code: 'two' })
    await expectUnchanged(world, async () => {
      const inGroup = await world.ask('system', 'DELETE', siblingGroup)
      expectRefusal(inGroup, 400, [{ code: 21 }])
      expect(inGroup.body.errors[0].message).toContain('1 disposition code')
      const inTenant = await world.ask('system', 'DELETE', enterprise)
      expectRefusal(inTenant, 400, [{ code: 21 }])
      expect(inTenant.body.errors[0].message).toMatch(/\d disposition codes/)
    })
    const holder = `${enterprise.replace('othertenant', 'emptytenant')}`
    await world.ask('system', 'POST', '/api/v1/tenants/', {
      tenantId: 'emptytenant',
      type: 'Enterprise',
      defaultDomain: 'empty.example',
    })
    await world.ask('system', 'POST', `${holder}${codes}`, { code: 'one' })
    expectRefusal(await world.ask('system', 'DELETE', holder), 400, [{ code: 21 }])
    expect((await world.ask('system', 'DELETE', `${holder}?deleteNonEmpty=1`)).status).toBe(200)
    const left = sql('SELECT code FROM enterprise_disposition_codes WHERE tenant_key = ?')
    expect(await world.database.all(left, 'emptytenant')).toEqual([])
  })
})
