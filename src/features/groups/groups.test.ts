import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { wave } from '../../../test/audio.ts'
import { engines } from '../../../test/engines.ts'
import { describeResource, refusing } from '../../../test/resource-suite.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  otherGroup,
  password,
  siblingGroup,
  type World,
} from '../../../test/world.ts'
import { sql } from '../../database/database.ts'

const provision = refusing({
  endUser: 403,
  departmentAdmin: 403,
  groupAdmin: 403,
  siblingAdmin: 404,
  otherTenantAdmin: 404,
})
const collection = '/api/v1/tenants/footenant/groups/'

const full = {
  groupId: 'Full & Co/1',
  groupName: 'Full group',
  defaultDomain: 'full.example',
  country: 'NL',
  timeZone: 'Europe/Amsterdam',
}

describeResource({
  plural: 'groups',
  collection,
  absentCollection: '/api/v1/tenants/nowhere/groups/',
  idMember: 'groupId',
  present: 'FooGroup',
  absent: 'nowhere',
  listed: 'groups',
  refused: {
    list: { ...provision, siblingAdmin: 403 },
    create: { ...provision, siblingAdmin: 403 },
    read: refusing({ siblingAdmin: 404, otherTenantAdmin: 404 }),
    change: provision,
    remove: provision,
  },
  least: { groupId: 'new' },
  leastShown: {
    groupId: 'new',
    defaultDomain: 'sip.netaxis.be',
    country: 'BE',
    timeZone: 'Europe/Brussels',
  },
  full,
  fullShown: full,
  limits: {
    groupId: {
      good: ['x', '😀'.repeat(30), [' Caf\u0065\u0301 ', 'Caf\u00e9'], 'a/b?c#d%e'],
      bad: ['', '😀'.repeat(31), '.', '..', 5, 'a\u0000b', 'a\ud800'],
    },
    groupName: {
      good: ['x', '😀'.repeat(80), 'می\u200cخواهم', '👩\u200d👧'],
      bad: [
        'x'.repeat(81),
        1,
        'a\u0085b',
        'a\u200b',
        'a\ufeffb',
        '\u200ea',
        'Ja\u200dne',
        'a\u{10ffff}',
      ],
    },
    defaultDomain: {
      good: ['a', 'x.example', `${'a'.repeat(76)}.com`],
      bad: ['', 'a'.repeat(81), `${'a.'.repeat(40)}a`, 'a b', 'a..b', null],
    },
    country: {
      good: ['DE', 'AQ', 'BV', 'TF', 'UM'],
      bad: ['de', 'XX', 'UK', 'EU', 'XK', 'AC', 'TA', 32],
    },
    timeZone: {
      good: ['UTC', 'Asia/Kolkata', 'Europe/Kyiv', 'US/Eastern', 'Etc/GMT+5'],
      bad: [
        'Mars/Base',
        'europe/brussels',
        'utc',
        '+05:30',
        '-00:00',
        'GMT+1',
        'IST',
        'Factory',
        1,
      ],
    },
  },
  clearable: ['groupName', 'country', 'timeZone'],
  fixed: { groupId: { altered: 'other', equal: ['FULL & CO/1'] } },
  change: { groupName: 'Fuller group' },
  wrong: {
    body: { groupName: 1, defaultDomain: '', country: 'XX', timeZone: 'x', surprise: true },
    parameters: ['country', 'defaultDomain', 'groupId', 'groupName', 'surprise', 'timeZone'],
  },
})

/** Puts something of every kind into a group of a service provider. */
async function fill(world: World, place: string, id: string): Promise<void> {
  const codes = 'services/call_centers_properties/disposition_codes/'
  const routePoint = `services/route_points/${id}RP/`
  const named = { departmentName: 'Sales' }
  const person = { firstName: 'A', lastName: 'B', password }
  const numbers = (digit: number) => ({
    phoneNumber: `+32251270${digit}0`,
    extension: `70${digit}`,
  })
  const file = { audioMessageSelection: 'File', audioFileList: [{ name: 'Greeting' }] }
  const steps: [string, string, object][] = [
    ['POST', 'departments/', named],
    ['POST', 'departments/', { departmentName: 'Inside', parentDepartment: named }],
    ['POST', 'admins/', { userId: `${id}admin`, ...person, department: named }],
    ['POST', 'users/', { userId: `${id}user`, ...person, ...numbers(1), department: named }],
    ['POST', 'announcements/', { name: 'Greeting', content: wave() }],
    [
      'POST',
      'services/route_points/',
      {
        serviceUserId: `${id}RP`,
        serviceInstanceProfile: { name: 'x', department: named, ...numbers(2) },
      },
    ],
    ['PUT', `${routePoint}overflow/`, file],
    ['POST', `${routePoint}dnis/`, { name: 'Hotline', ...numbers(3), allowOutgoingACDCall: true }],
    ['PUT', `${routePoint}dnis_announcements/Hotline/`, { mediaOnHoldForQueuedCalls: file }],
    [
      'PUT',
      `users/${id}user/services/call_centers/`,
      {
        outgoingCallDNIS: { serviceUserId: `${id}RP`, name: 'Hotline' },
        makeOutgoingCallsAsCallCenter: true,
      },
    ],
    ['POST', codes, { code: 'G1' }],
    ['POST', `${routePoint}disposition_codes/`, { code: 'R1' }],
    [
      'PUT',
      `${routePoint}disposition_codes_config/`,
      {
        includeOrganizationCodes: true,
        defaultCallDispositionCode: { code: 'G1', level: 'Group' },
      },
    ],
  ]
  for (const [method, path, body] of steps) {
    const answer = await world.ask('system', method, `${place}${path}`, body)
    expect([200, 201], `${path} ${answer.text}`).toContain(answer.status)
  }
}

/** How many rows each table has of one tenant or group; the record of changes outlives what it tells of. */
async function rowsOf(world: World, columns: Record<string, string>): Promise<[string, number][]> {
  const where = Object.keys(columns).map((column) => `${column} = ?`)
  const count = `count(*) AS count`
  const counts: [string, number][] = []
  for (const { name } of await world.database.tables()) {
    const [row] = await world.database.all(sql<object>(`SELECT * FROM ${name} LIMIT 1`))
    const has = row && Object.keys(columns).every((column) => column in row)
    if (!has || name === 'changes') continue
    const statement = sql<{ count: number }>(
      `SELECT ${count} FROM ${name} WHERE ${where.join(' AND ')}`,
    )
    const found = await world.database.get(statement, ...Object.values(columns))
    counts.push([name, Number(found?.count)])
  }
  return counts
}

describe.each(engines)('the deletion of groups and tenants on $name', (engine) => {
  let world: World
  beforeEach(async () => {
    world = await createWorld(engine)
    await fill(world, siblingGroup, 'full')
    const full = '/api/v1/tenants/footenant/groups/'
    await world.ask('system', 'POST', full, { groupId: 'Doomed', country: 'NL' })
  })
  afterEach(() => world.close())

  it('is refused while they hold something, and tells what', async () => {
    await expectUnchanged(world, async () => {
      const answer = await world.ask('tenantAdmin', 'DELETE', siblingGroup)
      expectRefusal(answer, 400, [{ code: 21 }])
      expect(answer.body.errors[0].message).toMatch(
        /^Cannot delete the group\. It still holds 2 departments, 2 admins, 1 user, 1 announcement, 2 route points, 1 /,
      )
      const tenant = await world.ask('system', 'DELETE', '/api/v1/tenants/footenant/')
      expectRefusal(tenant, 400, [
        { code: 21, message: 'Cannot delete the tenant. It still holds 3 groups, 1 admin.' },
      ])
    })
    const empty = '/api/v1/tenants/footenant/groups/doomed/'
    expect((await world.ask('tenantAdmin', 'DELETE', empty)).status).toBe(200)
  })

  it.each(['=0', '=true', '', '=', '=1&deleteNonEmpty=1', '=0&deleteNonEmpty=1'])(
    'is refused when deleteNonEmpty%s leaves it open whether they may be deleted',
    async (value) => {
      await expectUnchanged(world, async () => {
        for (const url of [siblingGroup, '/api/v1/tenants/footenant/']) {
          const answer = await world.ask('system', 'DELETE', `${url}?deleteNonEmpty${value}`)
          expect(answer.status, answer.text).toBe(400)
          for (const { code, parameter } of answer.body.errors) {
            expect({ code, parameter }).toEqual({ code: 2, parameter: 'deleteNonEmpty' })
          }
        }
      })
    },
  )

  it('takes all that a group holds when it is told to, and nothing else', async () => {
    const place = { tenant_key: 'footenant', group_key: 'siblinggroup' }
    const before = await rowsOf(world, place)
    const kept = { tenant_key: 'footenant', group_key: 'foogroup' }
    const others = await rowsOf(world, kept)
    expect(before.filter(([, count]) => count === 0)).toEqual([])
    const answer = await world.ask('tenantAdmin', 'DELETE', `${siblingGroup}?deleteNonEmpty=1`)
    expect(answer.body).toEqual({})
    for (const [table, count] of await rowsOf(world, place)) expect(count, table).toBe(0)
    const left = new Map(await rowsOf(world, kept))
    for (const [table, count] of others) expect(left.get(table) ?? 0, table).toBe(count)
    // Who was there is signed out, and what was taken is free.
    expectRefusal(await world.ask('siblingAdmin', 'GET', group), 401)
    await world.ask('system', 'POST', '/api/v1/tenants/footenant/groups/', {
      groupId: 'siblinggroup',
    })
    await fill(world, siblingGroup, 'again')
  })

  it('takes all that a tenant holds when it is told to, and nothing else', async () => {
    const place = { tenant_key: 'footenant' }
    const others = await rowsOf(world, { tenant_key: 'othertenant' })
    const url = '/api/v1/tenants/footenant/'
    expectRefusal(await world.ask('tenantAdmin', 'DELETE', `${url}?deleteNonEmpty=1`), 403)
    const answer = await world.ask('system', 'DELETE', `${url}?deleteNonEmpty=1`)
    expect(answer.body).toEqual({})
    for (const [table, count] of await rowsOf(world, place)) expect(count, table).toBe(0)
    const left = new Map(await rowsOf(world, { tenant_key: 'othertenant' }))
    for (const [table, count] of others) expect(left.get(table) ?? 0, table).toBe(count)
    for (const person of ['tenantAdmin', 'groupAdmin', 'departmentAdmin', 'endUser'] as const) {
      expectRefusal(await world.ask(person, 'GET', url), 401)
    }
    const people = await world.database.all(sql<object>('SELECT * FROM identities'))
    expect(people).toHaveLength(3)
    expect((await world.ask('otherTenantAdmin', 'GET', `${otherGroup}users/`)).status).toBe(200)
  })
})

describe.each(engines)('groups and what they take from their tenant on $name', (engine) => {
  let world: World
  beforeEach(async () => {
    world = await createWorld(engine)
  })
  afterEach(() => world.close())

  it('take the country and time zone when they are created, and keep their own afterwards', async () => {
    const tenant = '/api/v1/tenants/footenant/'
    const change = { country: 'NL', timeZone: 'Europe/Amsterdam', defaultDomain: 'new.example' }
    await world.ask('system', 'PUT', tenant, change)
    const kept = { country: 'BE', timeZone: 'Europe/Brussels', defaultDomain: 'sip.netaxis.be' }
    expect((await world.ask('tenantAdmin', 'PUT', group, { groupName: 'X' })).body).toMatchObject(
      kept,
    )
    const cleared = await world.ask('tenantAdmin', 'PUT', group, { country: null, timeZone: null })
    expect(cleared.body).not.toHaveProperty('country')
    const renamed = await world.ask('tenantAdmin', 'PUT', group, { groupName: 'Y' })
    expect(renamed.body).not.toHaveProperty('timeZone')
    const created = await world.ask('tenantAdmin', 'POST', `${tenant}groups/`, { groupId: 'new' })
    expect(created.body).toEqual({ groupId: 'new', ...change })
  })

  it('complete ids by their own domain, and show old ones as they were', async () => {
    await world.ask('tenantAdmin', 'PUT', group, { defaultDomain: 'new.example' })
    const body = { userId: 'second', firstName: 'A', lastName: 'B' }
    const second = await world.ask('groupAdmin', 'POST', `${group}users/`, body)
    expect(second.body.userId).toBe('second@new.example')
    expect((await world.ask('groupAdmin', 'PUT', `${group}users/second/`, body)).status).toBe(200)
    const old = `${group}users/agent@sip.netaxis.be/`
    expect((await world.ask('groupAdmin', 'GET', old)).status).toBe(200)
    expectRefusal(await world.ask('groupAdmin', 'GET', `${group}users/agent/`), 404)
    expectRefusal(await world.ask('groupAdmin', 'PUT', old, { userId: 'agent' }), 400, [
      { code: 2, parameter: 'userId' },
    ])
  })
})
