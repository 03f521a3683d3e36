import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { engines, type TestDatabase } from '../../test/engines.ts'
import { startProgram } from '../../test/program.ts'
import { type Database, sql } from '../database/database.ts'
import { openDatabase } from '../database/open.ts'
import { DatabaseUnavailable } from '../errors.ts'
import { openFeed } from './follow.ts'
import { changesLog } from './kept-changes.ts'
import { keepPruning, type Pruning, pruneChanges } from './prune.ts'
import { rowsPerStep } from './steps.ts'

/** More than two steps, and no multiple of a step. */
const count = 2 * rowsPerStep + 100

const dayMilliseconds = 86_400_000

const fill = sql(`INSERT INTO changes (tenant_key, changed_at, changed_by, action, target)
  WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${count})
  SELECT 'footenant', CAST(? AS BIGINT), 'admin', 'change', '/' FROM numbers`)
const add = sql(
  `INSERT INTO changes (tenant_key, changed_at, changed_by, action, target) VALUES ('footenant', ?, 'admin', 'change', '/')`,
)
const selectPositions = sql<{ position: number }>('SELECT position FROM changes ORDER BY position')

/** A change so many days old. */
function addOld(database: Database, days: number): Promise<number> {
  return database.write((transaction) => transaction.run(add, Date.now() - days * dayMilliseconds))
}

async function positionsIn(database: Database): Promise<number[]> {
  return (await database.all(selectPositions)).map(({ position }) => position)
}

function pruning(days: number, logger: Pruning['logger']): Pruning {
  return { what: 'changes', pruneOnce: pruneChanges, hours: days * 24, logger }
}

/** A log that tells of its next line. */
function listen() {
  const { promise, resolve } = Promise.withResolvers<{ level: string; told: object }>()
  return {
    line: promise,
    logger: {
      info: (told: object) => resolve({ level: 'info', told }),
      warn: (told: object) => resolve({ level: 'warn', told }),
    },
  }
}

describe.each(engines)('old changes on $name', (engine) => {
  let test: TestDatabase
  let database: Database
  beforeEach(async () => {
    test = await engine.open()
    database = test.database
  })
  afterEach(() => test.remove())

  it('are removed from the oldest on, one step at a time, and the others are not', async () => {
    await database.write((transaction) => transaction.run(fill, 1))
    await addOld(database, 3)
    const before = Date.now() - 4 * dayMilliseconds
    const steps: number[] = []
    for (let step = 0; step < 4; step += 1) steps.push(await pruneChanges(database, before))
    expect(steps).toEqual([rowsPerStep, rowsPerStep, 100, 0])
    expect(await positionsIn(database)).toEqual([count + 1])
  })

  it('never are all of them: positions go on to rise, and whoever follows goes on', async () => {
    await database.write((transaction) => transaction.run(fill, 1))
    while ((await pruneChanges(database, Date.now())) > 0);
    expect(await positionsIn(database)).toEqual([count])
    await addOld(database, 0)
    expect(await positionsIn(database)).toEqual([count, count + 1])
    const feed = openFeed(database, changesLog)
    const { signal } = new AbortController()
    for (const after of [0, 7, count - 1]) {
      const following = feed.follow(after, { signal })
      const { value } = await following.next()
      expect(value?.rows.map(({ position }) => position)).toEqual([count, count + 1])
      await following.return()
    }
    await feed.close()
  })

  it('stay as long as one below them does, so that the record has no holes', async () => {
    await addOld(database, 9)
    await addOld(database, -9)
    await addOld(database, 9)
    await addOld(database, 0)
    expect(await pruneChanges(database, Date.now() - dayMilliseconds)).toBe(1)
    expect(await pruneChanges(database, Date.now() - dayMilliseconds)).toBe(0)
    expect(await positionsIn(database)).toEqual([2, 3, 4])
  })

  it('are removed once when two nodes do it at the same time', async () => {
    await database.write((transaction) => transaction.run(fill, 1))
    await addOld(database, 0)
    const other = await openDatabase(test.url)
    const before = Date.now() - dayMilliseconds
    await Promise.all([pruneChanges(database, before), pruneChanges(other, before)])
    expect((await positionsIn(database))[0]).toBeGreaterThanOrEqual(rowsPerStep + 1)
    while ((await pruneChanges(other, before)) > 0);
    expect(await positionsIn(database)).toEqual([count + 1])
    await other.close()
  })

  it('are all removed by a service that keeps them for so many days, beside what it does', async () => {
    await database.write((transaction) => transaction.run(fill, 1))
    await addOld(database, 366)
    await addOld(database, 364)
    const { line, logger } = listen()
    const stop = keepPruning(database, pruning(365, logger))
    expect(await line).toMatchObject({ level: 'info', told: { count: count + 1 } })
    expect(await positionsIn(database)).toEqual([count + 2])
    await stop()
  })

  it('stay where they are kept for ever', async () => {
    await addOld(database, 9_999)
    await addOld(database, 0)
    const stop = keepPruning(database, pruning(0, listen().logger))
    await stop()
    expect(await positionsIn(database)).toHaveLength(2)
  })

  it('are left for later by a database that is not available, which the log tells', async () => {
    const unavailable = new DatabaseUnavailable(new Error('gone'))
    const away = { ...database, all: async () => Promise.reject(unavailable) }
    const { line, logger } = listen()
    const stop = keepPruning(away, pruning(1, logger))
    expect(await line).toEqual({ level: 'warn', told: { err: unavailable } })
    await stop()
  })

  it('wait when the service stops: a step is the most that it waits for', async () => {
    await database.write((transaction) => transaction.run(fill, 1))
    const stop = keepPruning(database, pruning(1, listen().logger))
    await stop()
    expect((await positionsIn(database)).length).toBeGreaterThanOrEqual(count - rowsPerStep)
  })

  it('are removed by the program itself', async () => {
    await addOld(database, 3)
    await addOld(database, 0)
    const program = await startProgram({ DATABASE_URL: test.url, CHANGES_DAYS: '2' })
    while (!program.output().includes('Removed changes')) {
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    // The first admin is recorded as well.
    expect((await positionsIn(database))[0]).toBe(2)
    program.signal('SIGTERM')
    expect(await program.ended).toMatchObject({ code: 0 })
  })
})
