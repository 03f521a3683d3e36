import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Database, sql } from '../src/database/database.ts'
import { loadMigrations } from '../src/database/migrations.ts'
import { openDatabase } from '../src/database/open.ts'
import { record } from '../src/writes/record.ts'
import { type Engine, engines, type TestDatabase } from './engines.ts'
import { insertBefore, valuesBefore, writeBefore } from './older-node.ts'
import { administer } from './postgres-databases.ts'

const before = loadMigrations().filter(({ version }) => version < 8)

interface Row {
  position: number
  tenant_key: string
  group_key: string
  route_point_key: string
  kind: string
  target: string
}
const select = sql<Row>(
  'SELECT position, tenant_key, group_key, route_point_key, kind, target FROM changes ORDER BY position',
)
const targets = async (database: Database) =>
  (await database.all(select)).map(({ target }) => target)

const tenant = '/api/v1/tenants/FooTenant/'
const group = `${tenant}groups/Foo.Group/`
const routePoint = `${group}services/route_points/RP%40sip.example/`

/** In the order of their ids: a path, and whose it is and of what kind. */
const older: [tenantKey: string, target: string, groupKey: string, key: string, kind: string][] = [
  ['', '/api/v1/admins/admin/', '', '', ''],
  ['footenant', tenant, '', '', 'tenant'],
  ['footenant', `${tenant}admins/a%40b/`, '', '', ''],
  ['footenant', group, 'foo.group', '', 'group'],
  ['footenant', `${group}users/RP%40sip.example/`, 'foo.group', '', ''],
  ['footenant', routePoint, 'foo.group', 'rp@sip.example', 'routePoint'],
  ['footenant', `${routePoint}dnis/Main%20line/`, 'foo.group', 'rp@sip.example', ''],
  ['footenant', `${tenant}groups/gr%C3%A9/users/a/`, 'gré', '', ''],
  ['footenant', '/api/v1/tokens/7/', '', '', ''],
  ['groups', '/api/v1/tenants/groups/groups/groups/', 'groups', '', 'group'],
  ['société', '/api/v1/tenants/Soci%C3%A9t%C3%A9/', '', '', 'tenant'],
  ['société', '/api/v1/tenants/Soci%C3%A9t%C3%A9/admins/a/', '', '', ''],
]

/** The same as an engine can tell: SQLite does not read what is percent-encoded. */
function olderOn({ name }: Engine): typeof older {
  if (name !== 'SQLite') return older
  return older.map(([tenantKey, target, groupKey, ...rest]) => [
    tenantKey,
    target,
    groupKey === 'gré' ? '' : groupKey,
    ...rest,
  ])
}

describe.each(engines)('the record of changes of the version before on $name', (engine) => {
  let test: TestDatabase
  beforeAll(async () => {
    test = await engine.open(before)
    for (const [index, [tenantKey, target]] of [...older.entries()].toReversed()) {
      await writeBefore(test.database, {
        changeId: String(index).padStart(2, '0'),
        tenantKey,
        target,
      })
    }
  })
  afterAll(() => test.remove())

  it('keeps its order, tells groups and route points, and goes on with what nodes of both versions write', async () => {
    const newer = await openDatabase(test.url)
    expect(await newer.all(select)).toEqual(
      olderOn(engine).map(([tenant_key, target, group_key, route_point_key, kind], index) => ({
        position: index + 1,
        tenant_key,
        group_key,
        route_point_key,
        kind,
        target,
      })),
    )
    await writeBefore(test.database, { tenantKey: 'footenant', target: '/before/' })
    await newer.write((transaction) =>
      record(
        transaction,
        {
          scope: { tenantKey: 'footenant' },
          action: 'create',
          kind: 'user',
          target: '/newer/',
          before: null,
          after: null,
        },
        { by: 'admin' },
      ),
    )
    await writeBefore(test.database, { tenantKey: 'footenant', target: '/before again/' })
    const rows = await newer.all(select)
    expect(rows.slice(older.length)).toMatchObject(
      ['/before/', '/newer/', '/before again/'].map((target, index) => ({
        target,
        position: older.length + 1 + index,
      })),
    )
    await newer.close()
  })
})

it('no change is lost that a node of the version before writes while PostgreSQL is migrated', async () => {
  const engine = engines.find(({ name }) => name === 'PostgreSQL')
  const test = await engine?.open(before)
  if (!test) throw new Error('There is no such engine.')
  const { database, url } = test
  const waiting = `SELECT count(*)::int AS count FROM pg_locks WHERE NOT granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
  const untilSoManyWait = async (count: number) => {
    while ((await administer(url, waiting)).rows[0].count < count);
  }
  // The statement is one that the node has prepared.
  await writeBefore(database, { changeId: '1', tenantKey: '', target: '/before/' })
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const first = database.write(async (transaction) => {
    await transaction.run(
      insertBefore,
      ...valuesBefore({ changeId: '2', tenantKey: '', target: '/held/' }),
    )
    begin()
    await held
  })
  await begun
  const migrated = openDatabase(url)
  await untilSoManyWait(1)
  const second = writeBefore(database, { changeId: '3', tenantKey: '', target: '/meanwhile/' })
  await untilSoManyWait(2)
  release()
  await Promise.all([first, second])
  const newer = await migrated
  expect(await targets(newer)).toEqual(['/before/', '/held/', '/meanwhile/'])
  await newer.close()
  await test.remove()
})
