import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silence } from '../demo/wave.ts'
import { sql } from '../src/database/database.ts'
import { loadMigrations, type Migration } from '../src/database/migrations.ts'
import { openDatabase } from '../src/database/open.ts'
import { engines } from './engines.ts'
import { createWorld, expectRefusal, group, type Person, routePoint, type World } from './world.ts'

type Request = [who: Person, method: string, path: string, body?: object]

const tenant = '/api/v1/tenants/footenant/'
const groupCodes = `${group}services/call_centers_properties/disposition_codes/`
const choice = `${group}users/agent/services/call_centers/`

/** Touches every table: all of it can be done again after it was done. */
const everything: Request[] = [
  [
    'system',
    'POST',
    '/api/v1/tenants/',
    { tenantId: 'new', type: 'Enterprise', defaultDomain: 'n.example' },
  ],
  [
    'system',
    'POST',
    '/api/v1/tenants/new/services/call_centers_properties/disposition_codes/',
    { code: 'e' },
  ],
  ['system', 'PUT', '/api/v1/tenants/new/', { name: 'New' }],
  ['system', 'DELETE', '/api/v1/tenants/new/?deleteNonEmpty=1'],
  ['system', 'POST', '/api/v1/admins/', { userId: 'second', firstName: 'A', lastName: 'B' }],
  ['system', 'DELETE', '/api/v1/admins/second/'],
  ['tenantAdmin', 'POST', `${tenant}admins/`, { userId: 'other', firstName: 'A', lastName: 'B' }],
  ['tenantAdmin', 'DELETE', `${tenant}admins/other/`],
  ['tenantAdmin', 'PUT', group, { groupName: 'Foo' }],
  ['groupAdmin', 'POST', `${group}departments/`, { departmentName: 'New' }],
  ['groupAdmin', 'PUT', `${group}departments/New/`, { departmentName: 'Newer' }],
  ['groupAdmin', 'DELETE', `${group}departments/Newer/`],
  [
    'groupAdmin',
    'POST',
    `${group}users/`,
    { userId: 'new', firstName: 'A', lastName: 'B', phoneNumber: '025126777', extension: '7777' },
  ],
  ['groupAdmin', 'PUT', `${group}users/new/`, { firstName: 'C' }],
  ['groupAdmin', 'GET', `${group}users/?insensitiveLastNameContains=b`],
  ['groupAdmin', 'DELETE', `${group}users/new/`],
  [
    'groupAdmin',
    'POST',
    `${group}announcements/`,
    { name: 'Greeting', content: silence(1).toString('base64') },
  ],
  ['groupAdmin', 'GET', `${group}announcements/Greeting/content/`],
  [
    'groupAdmin',
    'PUT',
    `${routePoint}announcements/`,
    {
      mediaOnHoldForQueuedCalls: {
        audioMessageSelection: 'File',
        audioFileList: [{ name: 'Greeting' }],
      },
    },
  ],
  ['groupAdmin', 'GET', `${group}announcements/`],
  [
    'groupAdmin',
    'PUT',
    `${routePoint}announcements/`,
    { mediaOnHoldForQueuedCalls: { audioMessageSelection: 'Default', audioFileList: [null] } },
  ],
  ['groupAdmin', 'DELETE', `${group}announcements/Greeting/`],
  [
    'groupAdmin',
    'POST',
    `${routePoint}dnis/`,
    { name: 'Main', phoneNumber: '025126776', allowOutgoingACDCall: true },
  ],
  [
    'groupAdmin',
    'PUT',
    `${routePoint}dnis_announcements/Main/`,
    { mediaOnHoldForQueuedCalls: { audioMessageSelection: 'Default' } },
  ],
  [
    'groupAdmin',
    'PUT',
    choice,
    { outgoingCallDNIS: { serviceUserId: 'APIOTestRP', name: 'Main' } },
  ],
  ['groupAdmin', 'GET', `${routePoint}dnis/Main/agents/`],
  ['groupAdmin', 'DELETE', `${routePoint}dnis/Main/`],
  ['groupAdmin', 'POST', groupCodes, { code: 'g' }],
  ['groupAdmin', 'POST', `${routePoint}disposition_codes/`, { code: 'own' }],
  [
    'groupAdmin',
    'PUT',
    `${routePoint}disposition_codes_config/`,
    {
      forceUseOfCallDispositionCodes: true,
      defaultCallDispositionCode: { code: 'own', level: 'CallCenter' },
    },
  ],
  ['endUser', 'GET', `${routePoint}disposition_codes/`],
  [
    'groupAdmin',
    'PUT',
    `${routePoint}disposition_codes_config/`,
    { forceUseOfCallDispositionCodes: false, defaultCallDispositionCode: null },
  ],
  ['groupAdmin', 'DELETE', `${routePoint}disposition_codes/own/`],
  ['groupAdmin', 'DELETE', `${groupCodes}g/`],
  ['groupAdmin', 'GET', `${group}services/route_points/`],
  ['groupAdmin', 'GET', '/api/v1/tokens/'],
]

/** For each table the columns that it lacks and another one has: a statement that does not say whose it means fails. */
async function columnsOfOthers({ database }: World): Promise<[table: string, column: string][]> {
  const tables = await database.tables()
  const columns = new Map<string, string[]>()
  for (const { name } of tables) {
    const row = await database.get(
      sql<object>(`SELECT * FROM (SELECT 1 AS one) AS one LEFT JOIN ${name} ON 1 = 1 LIMIT 1`),
    )
    columns.set(
      name,
      Object.keys(row ?? {}).filter((column) => column !== 'one'),
    )
  }
  const all = new Set([...columns.values()].flat())
  return tables.flatMap(({ name }) =>
    [...all]
      .filter((column) => !columns.get(name)?.includes(column))
      .map((column): [string, string] => [name, column]),
  )
}

describe.each(engines)('a node on $name whose database is migrated by a newer one', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
  })
  afterAll(() => world.close())

  async function doEverything(): Promise<[string, number, string][]> {
    const answers: [string, number, string][] = []
    for (const [who, method, path, body] of everything) {
      const { status, text } = await world.ask(who, method, path, body)
      answers.push([
        `${method} ${path}`,
        status,
        method === 'GET' && path.includes('tokens') ? '' : text,
      ])
    }
    return answers
  }

  it('goes on reading and writing everything', async () => {
    const before = await doEverything()
    expect(before.filter(([, status]) => status >= 300)).toEqual([])
    const known = loadMigrations()
    const tables = await world.database.tables()
    const strangers = await columnsOfOthers(world)
    const newer: Migration = {
      version: known.length + 1,
      name: 'newer',
      sql: [
        ...strangers.map(([table, column]) => `ALTER TABLE ${table} ADD COLUMN ${column} TEXT`),
        ...tables.map(
          ({ name }) => `ALTER TABLE ${name} ADD COLUMN novelty TEXT NOT NULL DEFAULT 'new'`,
        ),
        'CREATE TABLE novelties (tenant_key TEXT PRIMARY KEY)',
      ].join(';'),
    }
    const other = await openDatabase(world.test.url, { migrations: [...known, newer] })
    await other.close()
    expect(await doEverything()).toEqual(before)
  })

  it.each([
    ['a setting', `${routePoint}overflow/`, 'route_point_settings', 'timeoutSeconds'],
    ['a resource', routePoint, 'route_points', 'queueLength'],
  ])(
    'keeps what the newer one stored in %s when it changes another member',
    async (_, path, table, member) => {
      const put = (body: object) => world.ask('groupAdmin', 'PUT', path, body)
      expect((await put({ [member]: 77 })).status).toBe(200)
      const where = `WHERE value LIKE '%"${member}":77%'`
      const select = sql<{ value: string }>(`SELECT value FROM ${table} ${where}`)
      const { value = '' } = (await world.database.get(select)) ?? {}
      const later = JSON.stringify({ ...JSON.parse(value), novelty: { deep: [1] } })
      const update = sql(`UPDATE ${table} SET value = ? ${where}`)
      expect(await world.database.write((transaction) => transaction.run(update, later))).toBe(1)
      const { status, body, text } = await put({ [member]: 78 })
      expect(status, text).toBe(200)
      const shown = body.routePointInstance ?? body
      expect(shown).toMatchObject({ [member]: 78, novelty: { deep: [1] } })
      expectRefusal(await put({ novelty: 1 }), 400, [{ code: 2, parameter: 'novelty' }])
    },
  )
})
