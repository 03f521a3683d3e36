import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { engines } from '../../../test/engines.ts'
import { describeResource, refusing } from '../../../test/resource-suite.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  siblingGroup,
  type World,
} from '../../../test/world.ts'
import { sql } from '../../database/database.ts'
import { departmentLevelsMax } from './reference.ts'

const read = refusing({ endUser: 403, siblingAdmin: 404, otherTenantAdmin: 404 })
const write = { ...read, departmentAdmin: 403 }
const inGroup = { tenantId: 'footenant', groupId: 'foogroup' }

describeResource({
  plural: 'departments',
  collection: `${group}departments/`,
  absentCollection: '/api/v1/tenants/footenant/groups/nowhere/departments/',
  idMember: 'departmentName',
  present: 'Sales',
  absent: 'sales',
  listed: 'departments',
  refused: { list: read, read, create: write, change: write, remove: write },
  least: { departmentName: 'New' },
  leastShown: { departmentName: 'New' },
  full: {
    departmentName: 'Café / R&D 100%',
    parentDepartment: { tenantId: 'FOOTENANT', groupId: 'FooGroup', departmentName: 'Sales' },
  },
  fullShown: {
    departmentName: 'Café / R&D 100%',
    parentDepartment: { ...inGroup, departmentName: 'Sales' },
  },
  limits: {
    departmentName: {
      good: ['x', '😀'.repeat(50), 'sales', [' Caf\u0065\u0301 ', 'Caf\u00e9'], 'a@b'],
      bad: ['', '😀'.repeat(51), '.', '..', 5, 'a\u0000b', 'a\ud800'],
    },
    parentDepartment: {
      good: [[{ departmentName: ' Sales ' }, { ...inGroup, departmentName: 'Sales' }]],
      bad: ['Sales', 5, []],
    },
    'parentDepartment.departmentName': { good: [], bad: ['', 'sales', 'Nowhere', 5, null, '.'] },
  },
  clearable: ['parentDepartment'],
  fixed: {},
  change: { parentDepartment: { departmentName: 'Inside Sales' } },
  wrong: {
    body: { parentDepartment: { tenantId: 5, other: 1 }, surprise: true, departmentName: '.' },
    parameters: [
      'departmentName',
      'parentDepartment.departmentName',
      'parentDepartment.other',
      'parentDepartment.tenantId',
      'surprise',
    ],
  },
})

describe.each(engines)('departments and what belongs to them on $name', (engine) => {
  let world: World
  const departments = `${group}departments/`
  const at = (name: string) => `${departments}${encodeURIComponent(name)}/`
  const named = (departmentName: string) => ({ ...inGroup, departmentName })

  beforeEach(async () => {
    world = await createWorld(engine)
    const body = {
      serviceUserId: 'salesRP',
      serviceInstanceProfile: { name: 'Sales', department: { departmentName: 'Sales' } },
    }
    expect((await post(`${group}services/route_points/`, body)).status).toBe(201)
  })
  afterEach(() => world.close())

  const post = (url: string, body: object) => world.ask('groupAdmin', 'POST', url, body)
  const put = (url: string, body: object) => world.ask('groupAdmin', 'PUT', url, body)
  const get = async (url: string) => (await world.ask('groupAdmin', 'GET', url)).body

  it('carry a new name to the users, admins, route points and departments that name them', async () => {
    const before = await world.ask('groupAdmin', 'GET', `${group}users/agent/`)
    const answer = await put(at('Sales'), { departmentName: 'Verkauf & Café' })
    expect(answer.body).toEqual({ departmentName: 'Verkauf & Café' })
    expectRefusal(await world.ask('groupAdmin', 'GET', at('Sales')), 404)
    expect(await get(at('Verkauf & Café'))).toEqual(answer.body)
    const shown = named('Verkauf & Café')
    const user = await world.ask('groupAdmin', 'GET', `${group}users/agent/`)
    expect(user.body.department).toEqual(shown)
    expect(user.headers.etag).not.toBe(before.headers.etag)
    expect((await get(`${group}admins/departmentadmin/`)).department).toEqual(shown)
    expect((await get(at('Inside Sales'))).parentDepartment).toEqual(shown)
    const { routePointInstance } = await get(`${group}services/route_points/salesRP/`)
    expect(routePointInstance.serviceInstanceProfile.department).toEqual(shown)
    const { users } = await get(`${group}users/?insensitiveDepartmentNameStarts=VERKAUF`)
    expect(users).toEqual([user.body])
    const { route_points } = await get(
      `${group}services/route_points/?sensitiveDepartmentNameContains=Caf%C3%A9`,
    )
    expect(route_points[0].department).toEqual(shown)
  })

  it('carry a new name to the rights of their admin', async () => {
    await put(at('Sales'), { departmentName: 'Verkauf' })
    const agent = `${group}users/agent/`
    const change = { lastName: 'Changed' }
    expect((await world.ask('departmentAdmin', 'PUT', agent, change)).status).toBe(200)
  })

  it('refuse the name of another, in the same case, and take it in another case', async () => {
    await expectUnchanged(world, async () => {
      expectRefusal(await put(at('Sales'), { departmentName: 'Inside Sales' }), 400, [
        { code: 11, parameter: 'departmentName' },
      ])
    })
    expect((await put(at('Sales'), { departmentName: 'INSIDE SALES' })).status).toBe(200)
  })

  it('never stand below themselves', async () => {
    await post(departments, { departmentName: 'Deep', parentDepartment: named('Inside Sales') })
    await expectUnchanged(world, async () => {
      for (const parent of ['Sales', 'Inside Sales', 'Deep']) {
        expectRefusal(await put(at('Sales'), { parentDepartment: named(parent) }), 400, [
          { code: 2, parameter: 'parentDepartment.departmentName' },
        ])
        const renamed = { departmentName: 'Other', parentDepartment: named(parent) }
        expectRefusal(await put(at('Sales'), renamed), 400, [{ code: 2 }])
      }
      expectRefusal(
        await post(departments, { departmentName: 'Self', parentDepartment: named('Self') }),
        400,
        [{ code: 2, parameter: 'parentDepartment.departmentName' }],
      )
    })
    expect((await put(at('Deep'), { parentDepartment: named('Sales') })).status).toBe(200)
    expect((await put(at('Deep'), { parentDepartment: null })).body).not.toHaveProperty(
      'parentDepartment',
    )
  })

  it('have parents of their own group only', async () => {
    await post(departments, { departmentName: 'Here' })
    await world.ask('siblingAdmin', 'POST', `${siblingGroup}departments/`, {
      departmentName: 'There',
    })
    await expectUnchanged(world, async () => {
      expectRefusal(await put(at('Here'), { parentDepartment: named('There') }), 400, [
        { code: 2, parameter: 'parentDepartment.departmentName' },
      ])
      const elsewhere = { ...named('There'), groupId: 'siblinggroup' }
      expectRefusal(await put(at('Here'), { parentDepartment: elsewhere }), 400, [
        { code: 2, parameter: 'parentDepartment.groupId' },
      ])
      const abroad = { ...named('There'), tenantId: 'othertenant' }
      expectRefusal(await put(at('Here'), { parentDepartment: abroad }), 400, [
        { code: 2, parameter: 'parentDepartment.tenantId' },
      ])
    })
  })

  const tooDeep = [
    {
      code: 2,
      parameter: 'parentDepartment',
      message: 'Departments have at most 20 levels; there they would have more.',
    },
  ]

  /** Departments below one another, named after their level. */
  async function addLine(name: string, levels: number): Promise<void> {
    for (let level = 1; level <= levels; level += 1) {
      const parent = level > 1 && { parentDepartment: named(`${name} ${level - 1}`) }
      const body = { departmentName: `${name} ${level}`, ...parent }
      expect((await post(departments, body)).status).toBe(201)
    }
  }

  it('have a bounded number of levels, whether one is added below or some are moved there', async () => {
    await addLine('Level', departmentLevelsMax)
    await addLine('Other', 3)
    await post(departments, { departmentName: 'Beside', parentDepartment: named('Other 1') })
    const below = (level: number) => ({ parentDepartment: named(`Level ${level}`) })
    await expectUnchanged(world, async () => {
      const added = { departmentName: 'Deeper', ...below(departmentLevelsMax) }
      expectRefusal(await post(departments, added), 400, tooDeep)
      expectRefusal(await put(at('Beside'), below(departmentLevelsMax)), 400, tooDeep)
      expectRefusal(await put(at('Other 1'), below(departmentLevelsMax - 2)), 400, tooDeep)
      const renamed = { departmentName: 'New', ...below(departmentLevelsMax - 2) }
      expectRefusal(await put(at('Other 1'), renamed), 400, tooDeep)
    })
    expect((await put(at('Other 1'), below(departmentLevelsMax - 3))).status).toBe(200)
    expect((await put(at('Beside'), below(departmentLevelsMax - 1))).status).toBe(200)
    expect((await put(at('Level 1'), { departmentName: 'Top' })).status).toBe(200)
  })

  it('that lie deeper since an earlier version are read, renamed and lifted, and never put below themselves', async () => {
    const insert = sql(
      `INSERT INTO departments (tenant_key, group_key, department_name, department_name_key, parent_name, value)
       VALUES ('footenant', 'foogroup', ?, ?, ?, ?)`,
    )
    await world.database.write(async (transaction) => {
      for (let level = 1; level <= 60; level += 1) {
        const [name, parent] = [`Old ${level}`, level > 1 ? `Old ${level - 1}` : null]
        const reference = parent !== null && { parentDepartment: named(parent) }
        const value = JSON.stringify({ departmentName: name, ...reference })
        await transaction.run(insert, name, name.toLowerCase(), parent, value)
      }
    })
    const admin = { userId: 'deep', firstName: 'Deep', lastName: 'Down' }
    const user = { ...admin, department: { departmentName: 'Old 60' } }
    expect((await post(`${group}users/`, user)).status).toBe(201)
    expect((await get(at('Old 60'))).parentDepartment).toEqual(named('Old 59'))
    await expectUnchanged(world, async () => {
      for (const parent of ['Old 2', 'Old 20', 'Old 21', 'Old 22', 'Old 60']) {
        const answer = await put(at('Old 1'), { parentDepartment: named(parent) })
        expectRefusal(answer, 400, [{ code: 2 }])
      }
      expectRefusal(await put(at('Old 30'), { parentDepartment: named('Sales') }), 400, tooDeep)
    })
    expect((await put(at('Old 40'), { departmentName: 'Renamed' })).status).toBe(200)
    expect((await put(at('Old 55'), { parentDepartment: named('Sales') })).status).toBe(200)
    expect((await put(at('Renamed'), { parentDepartment: null })).status).toBe(200)
  })

  it('are not deleted while they hold something, and tell what', async () => {
    await expectUnchanged(world, async () => {
      expectRefusal(await world.ask('groupAdmin', 'DELETE', at('Sales')), 400, [
        {
          code: 21,
          message:
            'Cannot delete the department. It still holds 1 department, 1 admin, 1 user, 1 route point.',
        },
      ])
    })
    const items = ['users/agent/', 'admins/departmentadmin/', 'services/route_points/salesRP/']
    for (const item of [...items, 'departments/Inside%20Sales/', 'departments/Sales/']) {
      const answer = await world.ask('groupAdmin', 'DELETE', `${group}${item}`)
      expect(answer.status, answer.text).toBe(200)
    }
    expect((await get(departments)).departments).toEqual([])
  })
})
