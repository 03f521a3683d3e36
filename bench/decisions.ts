import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import pg from 'pg'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { type Database, sql } from '../src/database/database.ts'
import { openDatabase } from '../src/database/open.ts'
import { findCallee } from '../src/features/calls/find.ts'
import { databaseBackend } from '../src/features/route-points/in-database/backend.ts'
import { createLog } from '../src/log/log.ts'
import { openDoor } from '../src/writes/door.ts'
import { Exchange, type Leg } from '../test/exchange.ts'
import { first } from '../test/multiply.ts'
import { startPostgres } from '../test/postgres-server.ts'
import { furnish } from './installation.ts'

/**
 * `npm run bench:decisions [route points]`: how long a call waits for what its treatment is decided by, one call after the
 * other, each at another route point.
 */
const routePointCount = Number(process.argv[2] ?? 100_000)
const reads = 20_000
const calls = 4_000
const main = join(import.meta.dirname, '..', 'src', 'main.ts')

/** Steps that come by every route point before one comes again, in no order that a disk or cache would like. */
function routePointOf(call: number): number {
  return first + 1 + ((call * 7_919) % (routePointCount - 1))
}

/**
 * Times of what is asked, in microseconds; those before the database is warm do not count.
 *
 * @param after what does not count of each.
 */
async function measure(
  count: number,
  ask: (routePoint: number) => Promise<unknown>,
  after: () => Promise<void> = async () => {},
) {
  const times: number[] = []
  for (let call = -count / 10; call < count; call += 1) {
    const routePoint = routePointOf(call + count)
    const started = performance.now()
    const found = await ask(routePoint)
    if (call >= 0) times.push((performance.now() - started) * 1_000)
    if (found === undefined) throw new Error(`There is no route point ${routePoint}.`)
    await after()
  }
  times.sort((one, other) => one - other)
  const percentile = (part: number) => Math.round(times[Math.floor(times.length * part)] ?? 0)
  return { 'p50, µs': percentile(0.5), 'p99, µs': percentile(0.99), 'p99.9, µs': percentile(0.999) }
}

/** What a furnished route point's DNIS is called by. */
const numberOf = (routePoint: number) => `+324${routePoint}1`

const countCalls = sql<{ calls: number }>('SELECT count(*) AS calls FROM calls')

/** From a call's arrival until the engine is told to answer it: found, decided and kept; without an engine's own time. */
async function measureArrivals(database: Database) {
  const exchange = new Exchange()
  const config = readConfig({ POINTSMAN_MEDIA_FOLDER: join(folder, 'media') })
  const { logger } = createLog('silent')
  const app = await buildApp({ config, database, logger, posts: [exchange.post] })
  await app.ready()
  let leg: Leg | undefined
  const arrive = (routePoint: number) =>
    new Promise((resolve) => {
      exchange.answer = async () => resolve(true)
      leg = exchange.call(numberOf(routePoint))
    })
  const hangUp = async () => {
    if (leg) exchange.hangUp(leg)
    while ((await database.get(countCalls))?.calls !== 0) await setImmediate()
  }
  const times = await measure(calls, arrive, hangUp)
  await app.close()
  return times
}

async function measureAll(engine: string, database: Database) {
  const backend = databaseBackend({ door: openDoor(database), recorded: [] }, async () => {})
  const keyOf = (number: number) =>
    ['benchtenant', 'benchgroup', `rp${number}@bench.example`] as const
  const find = (number: number) => {
    const user = numberOf(number)
    return findCallee(database, { user, domain: '192.0.2.1', country: 'BE' })
  }
  return {
    [`${engine}: find`]: await measure(reads, find),
    [`${engine}: state`]: await measure(reads, (number) => backend.state(keyOf(number), 'Main')),
    [`${engine}: arrival to the command to answer`]: await measureArrivals(database),
  }
}

const folder = mkdtempSync(join(tmpdir(), 'pointsman-bench-'))
const server = await startPostgres()
try {
  const client = new pg.Client({ connectionString: `${server.url}/postgres` })
  await client.connect()
  await client.query('CREATE DATABASE pointsman')
  await client.end()
  const urls = {
    SQLite: `sqlite:${join(folder, 'first.db')}`,
    PostgreSQL: `${server.url}/pointsman`,
  }

  const furnished = await openDatabase(urls.SQLite)
  await furnish(furnished, { routePointCount, announcementCount: 200 })
  await furnished.close()
  const copy = [main, 'copy', urls.SQLite, urls.PostgreSQL]
  execFileSync(process.execPath, copy, { stdio: ['ignore', 'pipe', 'inherit'] })

  const results = {}
  for (const [engine, url] of Object.entries(urls)) {
    const database = await openDatabase(url)
    Object.assign(results, await measureAll(engine, database))
    await database.close()
  }
  // biome-ignore lint/suspicious/noConsole: the table is what the script is for
  console.table(results)
} finally {
  await server.stop()
  rmSync(folder, { recursive: true })
}
