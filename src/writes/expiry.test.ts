import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/engines.ts'
import { createWorld, password, routePoint, type World } from '../../test/world.ts'
import { sql, type Transaction, type Value } from '../database/database.ts'
import { rowsPerStep } from './steps.ts'

/** More than two steps, and no multiple of a step. */
const count = 2 * rowsPerStep + 100
const farAway = 9_000_000_000_000

const numbers = `WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${count})`

async function signIn(world: World): Promise<number> {
  const credentials = { username: 'groupadmin@sip.netaxis.be', password }
  return (await world.ask('nobody', 'POST', '/api/v1/login/', credentials)).status
}

async function writeWithKey(world: World): Promise<number> {
  const key = { 'idempotency-key': randomUUID() }
  return (await world.ask('groupAdmin', 'PUT', `${routePoint}overflow/`, {}, key)).status
}

/** Tables whose rows end by themselves, what removes them, and how to fill them with rows that have their end at one time. */
const expiring = [
  {
    what: 'sessions',
    step: 'a sign-in',
    act: signIn,
    table: 'sessions',
    column: 'expires_at',
    fill: `INSERT INTO sessions (secret_hash, identity_key, expires_at) ${numbers}
      SELECT 'hash ' || CAST(i AS TEXT), 'agent@sip.netaxis.be', CAST(? AS BIGINT) FROM numbers`,
  },
  {
    what: 'attempts to sign in',
    step: 'a sign-in',
    act: signIn,
    table: 'sign_in_attempts',
    column: 'forget_at',
    fill: `INSERT INTO sign_in_attempts (attempt_key, failures, retry_at, forget_at) ${numbers}
      SELECT 'key ' || CAST(i AS TEXT), 1, 0, CAST(? AS BIGINT) FROM numbers`,
  },
  {
    what: 'answers kept for a retry',
    step: 'a write with a key',
    act: writeWithKey,
    table: 'kept_answers',
    column: 'expires_at',
    fill: `INSERT INTO kept_answers
        (identity_key, key_hash, request_hash, status, headers, body, expires_at) ${numbers}
      SELECT 'agent@sip.netaxis.be', 'key ' || CAST(i AS TEXT), '', 200, '{}', '{}', CAST(? AS BIGINT) FROM numbers`,
  },
]

describe.each(engines)('what ends by itself on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
  })
  afterAll(() => world.close())

  function run(text: string, ...values: Value[]) {
    return world.database.write((transaction) => transaction.run(sql(text), ...values))
  }

  async function countRows(table: string, condition: string, ...values: Value[]) {
    const select = sql<{ count: number }>(
      `SELECT count(*) AS count FROM ${table} WHERE ${condition}`,
    )
    return Number((await world.database.get(select, ...values))?.count)
  }

  /** The most rows that one statement of a write changed while `act` ran, and how often writes were run. */
  async function observe(act: () => Promise<void>) {
    let longest = 0
    let writes = 0
    let runs = 0
    const { database } = world
    const { write } = database
    database.write = (change, guard) => {
      writes += 1
      const counting = (transaction: Transaction) => {
        runs += 1
        return change({
          ...transaction,
          async run(...given: Parameters<Transaction['run']>) {
            const rows = await transaction.run(...given)
            longest = Math.max(longest, rows)
            return rows
          },
        })
      }
      return write.call(database, counting, guard) as ReturnType<typeof change>
    }
    await act().finally(() => {
      database.write = write
    })
    return { longest, again: runs - writes }
  }

  describe.each(expiring)('$what, by $step,', ({ table, column, fill, act }) => {
    it.each([
      ['are removed when they are over', 1, `${column} = 1`],
      ['are brought nearer when they are too far away', farAway, `${column} = ${farAway}`],
    ])('%s, one step each time, until there are none left', async (_, end, condition) => {
      await run(fill, end)
      const left: number[] = []
      for (let times = 0; times < 3; times += 1) {
        const { longest } = await observe(async () => expect(await act(world)).toBe(200))
        expect(longest).toBeLessThanOrEqual(rowsPerStep)
        left.push(await countRows(table, condition))
      }
      expect(left).toEqual([count - rowsPerStep, count - 2 * rowsPerStep, 0])
      await run(`DELETE FROM ${table} WHERE ${column} <> ?`, 0)
    })
  })

  it('is removed by one of those who sign in at once; the others do not meet it', async () => {
    const people = ['agent@sip', 'groupadmin@sip', 'tenantadmin@sip', 'departmentadmin@sip']
    await run(expiring[1]?.fill ?? '', 1)
    const { again } = await observe(async () => {
      const answers = await Promise.all(
        people.map((name) =>
          world.ask('nobody', 'POST', '/api/v1/login/', {
            username: `${name}.netaxis.be`,
            password,
          }),
        ),
      )
      expect(answers.map(({ status }) => status)).toEqual(people.map(() => 200))
    })
    expect(again).toBe(0)
  })
})
