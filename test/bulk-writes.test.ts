import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sql, type Transaction } from '../src/database/database.ts'
import { rowsPerStep } from '../src/writes/steps.ts'
import { engines } from './engines.ts'
import { fillGroup, full } from './full-group.ts'
import { first } from './multiply.ts'
import { createWorld, expectUnchanged, password, type World } from './world.ts'

/** More than two steps of everything, and no multiple of a step. */
const count = 2 * rowsPerStep + 100

const { tenant, group, hub } = full
const totalChanges = sql<{ total: number }>('SELECT total_changes() AS total')

describe.each(engines)('writes that concern thousands of rows on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
    const ask = async (method: string, url: string, body: object) =>
      (await world.ask('system', method, url, body)).status
    await fillGroup(world.database, ask, count)
    await world.test.analyze()
  }, 120_000)
  afterAll(() => world.close())

  /** Has `run` called in place of each statement that writes while `act` runs. */
  async function intercepted(
    run: (transaction: Transaction, ...given: Parameters<Transaction['run']>) => Promise<number>,
    act: () => Promise<void>,
  ): Promise<void> {
    const { database } = world
    const { write } = database
    database.write = (change) =>
      write.call(database, (transaction) =>
        change({
          ...transaction,
          run: (...given: Parameters<Transaction['run']>) => run(transaction, ...given),
        }),
      ) as ReturnType<typeof change>
    await act().finally(() => {
      database.write = write
    })
  }

  /** The most rows that one statement changed, with those that foreign keys took along where the engine tells of them. */
  async function longestStep(act: () => Promise<void>): Promise<number> {
    let longest = 0
    const changesOf = async (transaction: Transaction) =>
      engine.name === 'SQLite' ? ((await transaction.get(totalChanges))?.total ?? 0) : 0
    await intercepted(async (transaction, ...given) => {
      const before = await changesOf(transaction)
      const rows = await transaction.run(...given)
      longest = Math.max(longest, rows, (await changesOf(transaction)) - before)
      return rows
    }, act)
    return longest
  }

  async function succeed(method: string, url: string, body?: object): Promise<void> {
    const step = await longestStep(async () => {
      const answer = await world.ask('system', method, url, body)
      expect(answer.status, answer.text).toBe(200)
    })
    expect(step).toBeGreaterThan(0)
    expect(step).toBeLessThanOrEqual(rowsPerStep)
  }

  /** Rows of a table with this text in a column. */
  async function rowsWith(table: string, column: string, text: string): Promise<number> {
    const statement = sql<{ count: number }>(
      `SELECT count(*) AS count FROM ${table} WHERE instr(${column}, ?) > 0`,
    )
    return (await world.database.get(statement, text))?.count ?? 0
  }

  it('take a new name of a department to all that belong to it, step by step', async () => {
    await succeed('PUT', `${group}departments/${full.department}/`, { departmentName: 'All of us' })
    for (const table of ['route_points', 'group_admins', 'identities']) {
      expect(await rowsWith(table, 'department_name', 'All of us'), table).toBeGreaterThanOrEqual(
        count,
      )
      expect(await rowsWith(table, 'department_name', full.department), table).toBe(0)
      if (table === 'identities') continue
      expect(await rowsWith(table, 'value', 'All of us'), table).toBe(count)
      expect(await rowsWith(table, 'value', full.department), table).toBe(0)
    }
    const { body } = await world.ask('system', 'GET', `${group}admins/admin${first + 700}/`)
    expect(body.department.departmentName).toBe('All of us')
  })

  it('take a new name of a department to those below it', async () => {
    await succeed('PUT', `${group}departments/${full.parent}/`, { departmentName: 'Above' })
    expect(await rowsWith('departments', 'parent_name', 'Above')).toBe(count)
    expect(await rowsWith('departments', 'value', '"departmentName":"Above"')).toBe(count + 1)
    expect(await rowsWith('departments', 'value', full.parent)).toBe(0)
  })

  it('take a new name of an announcement to the settings that play it', async () => {
    const usages = async (name: string) =>
      (await world.ask('system', 'GET', `${group}announcements/${name}/`)).body.usages
    const before = await usages(full.announcement)
    expect(before).toHaveLength(3 * count)
    await succeed('PUT', `${group}announcements/${full.announcement}/`, { name: 'Hello' })
    expect(await usages('Hello')).toEqual(before)
    for (const table of ['route_point_settings', 'dnis_settings']) {
      expect(await rowsWith(table, 'value', full.announcement), table).toBe(0)
    }
    expect(await rowsWith('route_point_settings', 'value', '"Hello"')).toBe(2 * count)
    expect(await rowsWith('dnis_settings', 'value', '"Hello"')).toBe(count)
    const content = await world.ask('system', 'GET', `${group}announcements/Hello/content/`)
    expect(content.status).toBe(200)
  })

  it('keep the choices of all agents when their DNIS gets another name, and clear them when it is withdrawn', async () => {
    const agents = async () =>
      (await world.ask('system', 'GET', `${hub}dnis/Renamed/agents/`)).body.agents
    await succeed('PUT', `${hub}dnis/Main/`, { name: 'Renamed' })
    expect(await agents()).toHaveLength(count)
    await succeed('PUT', `${hub}dnis/Renamed/`, { allowOutgoingACDCall: false })
    expect(await agents()).toEqual([])
  })

  it('delete an account at once, whatever was kept for it, and tell none of it to the next of its name', async () => {
    const person = { userId: 'keeper', firstName: 'A', lastName: 'B', password }
    const [admins, userId] = [`${group}admins/`, 'keeper@full.example']
    const create = async () =>
      expect((await world.ask('system', 'POST', admins, person)).status).toBe(201)
    const selectKey = sql<{ account_key: string }>(
      'SELECT account_key FROM identities WHERE identity_key = ?',
    )
    const accountKey = async () => (await world.database.get(selectKey, userId))?.account_key ?? ''
    await create()
    const key = await accountKey()
    await world.database.write((transaction) =>
      transaction.run(
        sql(
          `INSERT INTO kept_answers
             (identity_key, key_hash, request_hash, status, headers, body, expires_at)
           WITH RECURSIVE numbers (i) AS
             (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${count})
           SELECT CAST(? AS TEXT), 'key ' || CAST(i AS TEXT), '', 200, '{}', '{}', CAST(? AS BIGINT)
           FROM numbers`,
        ),
        key,
        Date.now() + 60_000,
      ),
    )
    const step = await longestStep(async () => {
      expect((await world.ask('system', 'DELETE', `${admins}${userId}/`)).status).toBe(200)
    })
    expect(step).toBeLessThan(10)
    // They go when their time is over.
    expect(await rowsWith('kept_answers', 'identity_key', key)).toBe(count)
    await create()
    expect(await rowsWith('kept_answers', 'identity_key', await accountKey())).toBe(0)
  })

  it.each([
    ['a route point', hub],
    ['a group', `${group}?deleteNonEmpty=1`],
    ['a tenant', `${tenant}?deleteNonEmpty=1`],
  ])('leave everything of %s when a step of its deletion fails', async (_, url) => {
    let steps = 0
    await expectUnchanged(world, () =>
      intercepted(
        async (transaction, ...given) => {
          const rows = await transaction.run(...given)
          if (rows > 0) steps += 1
          if (steps === 5) throw new Error('The fifth step fails.')
          return rows
        },
        async () => {
          expect((await world.ask('system', 'DELETE', url)).status).toBe(500)
        },
      ),
    )
    expect(steps).toBe(5)
  })

  it.each([
    ['a route point', hub, ['hub']],
    ['a group', `${group}?deleteNonEmpty=1`, ['fullgroup']],
    ['a tenant', `${tenant}?deleteNonEmpty=1`, ['fulltenant']],
  ])('delete %s with all that it holds, step by step', async (_, url, names) => {
    await succeed('DELETE', url)
    const [path = ''] = url.split('?')
    expect((await world.ask('system', 'GET', path)).status).toBe(404)
    const tables = await world.database.tables()
    for (const { name, key } of tables.filter((table) => table.name !== 'changes')) {
      for (const column of key.filter((one) => one.endsWith('_key'))) {
        for (const text of names) expect(await rowsWith(name, column, text), name).toBe(0)
      }
    }
    // What belongs to others is still there.
    expect((await world.ask('system', 'GET', '/api/v1/tenants/footenant/')).status).toBe(200)
    expect(await rowsWith('tenants', 'tenant_key', 'tenant')).toBeGreaterThanOrEqual(count)
  })
})
