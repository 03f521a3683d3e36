import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { engines } from '../../../../test/engines.ts'
import { hotlineKey, keepRecords } from '../../../../test/kept-records.ts'
import { startProgram } from '../../../../test/program.ts'
import { createWorld, type World } from '../../../../test/world.ts'
import { sql } from '../../../database/database.ts'
import { DatabaseUnavailable } from '../../../errors.ts'
import { keepRolling, rollOnce } from './roll.ts'

const dayMilliseconds = 86_400_000
const patience = { timeout: 20_000 }
const selectCounted = sql<{ calls: number }>(
  "SELECT CAST(coalesce(sum(calls), 0) AS BIGINT) AS calls FROM call_figures WHERE by_what = '' AND seconds = 900",
)
const selectRecords = sql<{ call_id: string }>('SELECT call_id FROM call_records')

describe.each(engines)('figures in the background, on $name', (engine) => {
  let world: World
  beforeEach(async () => {
    world = await createWorld(engine)
  })
  afterEach(() => world.close())

  const counted = async () => (await world.database.get(selectCounted))?.calls

  /** Calls of so many days ago, an hour apart. */
  async function keepOf(days: number, count: number): Promise<void> {
    const endedAt = Date.now() - days * dayMilliseconds
    const pasts = Array.from({ length: count }, (_, index) => ({
      endedAt: endedAt + index * 3_600_000,
    }))
    await keepRecords(world.database, hotlineKey, pasts)
  }

  it('begin at the oldest record, and are made until what has not settled', async () => {
    await keepOf(30, 5)
    await keepOf(0, 1)
    const stop = keepRolling(world.database, { warn: () => expect.unreachable() })
    await expect.poll(counted, patience).toBe(5)
    await stop()
    expect(await rollOnce(world.database, Date.now())).toBe(false)
    expect(await counted()).toBe(5)
  })

  it('are left for later by a database that is not available, which the log tells', async () => {
    const unavailable = new DatabaseUnavailable(new Error('gone'))
    const away = { ...world.database, get: async () => Promise.reject(unavailable) }
    const { promise, resolve } = Promise.withResolvers<object>()
    const stop = keepRolling(away, { warn: resolve })
    expect(await promise).toEqual({ err: unavailable })
    await stop()
  })

  it('are made by the program itself, which removes what is too old', async () => {
    await keepOf(5, 3)
    await keepOf(2, 4)
    const program = await startProgram({ DATABASE_URL: world.test.url, CALL_RECORDS_DAYS: '3' })
    await expect
      .poll(async () => (await world.database.all(selectRecords)).length, patience)
      .toBe(4)
    await expect.poll(counted, patience).toBeGreaterThanOrEqual(4)
    program.signal('SIGTERM')
    expect(await program.ended).toMatchObject({ code: 0 })
  })
})
