// biome-ignore-all lint/suspicious/noConsole: its output is what a bench is for
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import type { FastifyInstance } from 'fastify'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { type Database, sql } from '../src/database/database.ts'
import { openDatabase } from '../src/database/open.ts'
import { createFirstAdmin } from '../src/features/admins/first-admin.ts'
import { rollOnce } from '../src/features/calls/records/roll.ts'
import { createLog } from '../src/log/log.ts'
import { keepRecords } from '../test/kept-records.ts'

/**
 * `npm run bench:records [records] [postgres://…]`: how long lists and figures of calls take that have ended, spread over a year, most of
 * them at one route point; on SQLite, or in an empty PostgreSQL database. How long making the figures and keeping a record takes, too.
 */
const count = Number(process.argv[2] ?? 10_000_000)
const url = process.argv[3]
const rounds = 100
const rowsPerWrite = 500_000

const password = 'bench password'
const group = '/api/v1/tenants/benchtenant/groups/benchgroup/'
const keyOf = (routePoint: string) =>
  ['benchtenant', 'benchgroup', `${routePoint}@bench.example`] as const
const others = 20

const day = 86_400_000
/** Whole days, so that intervals can begin anywhere in it; all of it has settled. */
const ended = Math.floor(Date.now() / day) * day - day
const began = ended - 365 * day

/** How figures and lists ask: all by one path. */
const hub = `${group}services/route_points/busy@bench.example/`

/** Scatters numbers, so that what stands beside each other has little in common. */
const scattered = (factor: number, most: number) => `((i * ${factor}) % 1000003) % ${most}`

/** Calls come from 8 to 20 o'clock, 7 of 10 at one route point, with 5 DNIS, 50 agents, and callers of whom each calls about 20 times. */
function recordsBetween(first: number, last: number): string[] {
  const callers = Math.max(1, Math.floor(count / 20))
  const moment = `${began} + ((i * 365) / ${count}) * ${day} + 28800000 + ((i * 365) % ${count}) * 43200000 / ${count}`
  const numbers = `WITH RECURSIVE numbers (i) AS (SELECT CAST(${first} AS BIGINT) UNION ALL SELECT i + 1 FROM numbers WHERE i < ${last})`
  const calls = `SELECT i, '019ac7d2-4b0e-7c31-9a53-' || substr(CAST(1000000000000 + i AS TEXT), 2) AS id, ${moment} AS at,
    CASE WHEN ${scattered(7919, 10)} < 7 THEN 'busy' ELSE 'rp' || CAST(${scattered(104729, others)} AS TEXT) END || '@bench.example' AS rp,
    CASE WHEN ${scattered(15485863, 100)} < 78 THEN 'answered' WHEN ${scattered(15485863, 100)} < 92 THEN 'abandoned'
      WHEN ${scattered(15485863, 100)} < 98 THEN 'overflowed' ELSE 'forwarded' END AS outcome,
    'DNIS ' || CAST(${scattered(32452843, 5)} AS TEXT) AS dnis, 'agent' || CAST(${scattered(49979687, 50)} AS TEXT) || '@bench.example' AS agent,
    '+32' || CAST(200000000 + (i * 7919) % ${callers} AS TEXT) AS number, ${scattered(67867967, 60_000)} AS waited FROM numbers`
  const answered = "outcome = 'answered'"
  const value = `'{"callId":"' || id || '","caller":{"name":"Anna Caller","number":"' || number || '"},"dialled":"+3225126780","dnis":"' || dnis ||
    '","arrivedAt":' || CAST(at - 90000 AS TEXT) || ',"waitingSince":' || CAST(at - 90000 AS TEXT) || ',"answeredAt":' || CAST(at - 60000 AS TEXT) ||
    ',"agent":"' || agent || '","destination":null,"endedAt":' || CAST(at AS TEXT) || ',"outcome":"' || outcome ||
    '","reason":"The caller hung up.","hops":0,"offers":1,"isBounced":false,"dispositionCodes":[]}'`
  const codes = `${answered} AND i % 3 = 0`
  return [
    `INSERT INTO call_records (tenant_key, call_id, group_key, route_point_key, ended_at, outcome, dnis, agent_key, caller_number, is_bounced,
       wait_milliseconds, talk_milliseconds, value) ${numbers}
     SELECT 'benchtenant', id, 'benchgroup', rp, at, outcome, dnis, CASE WHEN ${answered} THEN agent ELSE '' END, number,
       CASE WHEN i % 20 = 0 THEN 1 ELSE 0 END, waited, CASE WHEN ${answered} THEN 60000 END, ${value} FROM (${calls}) AS calls`,
    `INSERT INTO call_record_codes (tenant_key, call_id, level, code, group_key, route_point_key, ended_at) ${numbers}
     SELECT 'benchtenant', id, 'CallCenter', 'CODE' || CAST(i % 10 AS TEXT), 'benchgroup', rp, at FROM (${calls}) AS calls WHERE ${codes}`,
  ]
}

function progress(what: string, part: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${what}: ${Math.round(part * 100)} %   `)
}

async function fill(run: (text: string) => Promise<unknown>): Promise<void> {
  for (let first = 0; first < count; first += rowsPerWrite) {
    const last = Math.min(first + rowsPerWrite, count) - 1
    for (const text of recordsBetween(first, last)) await run(text)
    progress('records', (last + 1) / count)
  }
}

/** Fills a file that nobody else has open, and makes its indexes afterwards, as their order would cost a look at the disk for each row. */
async function fillFile(path: string): Promise<void> {
  const connection = new Sqlite(path)
  connection.pragma('synchronous = OFF')
  connection.pragma('cache_size = -2000000')
  connection.pragma('foreign_keys = OFF')
  const select =
    "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name LIKE 'call_record%' AND sql IS NOT NULL"
  const indexes = connection.prepare<[], { name: string; sql: string }>(select).all()
  for (const { name } of indexes) connection.exec(`DROP INDEX ${name}`)
  await fill(async (text) => connection.exec(text))
  for (const [index, one] of indexes.entries()) {
    progress('indexes', index / indexes.length)
    connection.exec(one.sql)
  }
  connection.close()
}

async function build(database: Database): Promise<FastifyInstance> {
  const { logger } = createLog('silent')
  const configuration = { POINTSMAN_MEDIA_FOLDER: join(folder, 'media') }
  return buildApp({ config: readConfig(configuration), database, logger })
}

async function signIn(app: FastifyInstance): Promise<string> {
  const payload = { username: 'admin', password }
  const login = await app.inject({ method: 'POST', url: '/api/v1/login/', payload })
  const cookie = String(login.headers['set-cookie']).split(';', 1)[0] ?? ''
  const token = { method: 'POST', url: '/api/v1/tokens/', payload: { name: 'x' } } as const
  return `Bearer ${(await app.inject({ ...token, headers: { cookie } })).json().token}`
}

async function furnish(app: FastifyInstance, authorization: string): Promise<void> {
  const post = async (path: string, payload: object) => {
    const answer = await app.inject({
      method: 'POST',
      url: path,
      payload,
      headers: { authorization },
    })
    if (answer.statusCode !== 201) throw new Error(`${path}: ${answer.body}`)
  }
  const tenant = { tenantId: 'benchtenant', type: 'Enterprise', defaultDomain: 'bench.example' }
  await post('/api/v1/tenants/', tenant)
  await post('/api/v1/tenants/benchtenant/groups/', { groupId: 'benchgroup' })
  const serviceInstanceProfile = { name: 'Busy' }
  await post(`${group}services/route_points/`, { serviceUserId: 'busy', serviceInstanceProfile })
}

const percentile = (times: readonly number[], part: number) =>
  Number([...times].sort((one, other) => one - other)[Math.floor(times.length * part)]?.toFixed(1))

interface Result {
  what: string
  'p50, ms': number
  'p99, ms': number
  'bytes, KB'?: number
}

async function times(what: string, act: (round: number) => Promise<number>): Promise<Result> {
  const taken: number[] = []
  let bytes = 0
  for (let round = 0; round < rounds; round += 1) {
    const since = performance.now()
    bytes = await act(round)
    taken.push(performance.now() - since)
  }
  const shown = { what, 'p50, ms': percentile(taken, 0.5), 'p99, ms': percentile(taken, 0.99) }
  return bytes > 0 ? { ...shown, 'bytes, KB': Math.round(bytes / 1_024) } : shown
}

/** Records one by one as calls end, each in a write of its own, as the service does. */
function keepOne(database: Database, what: string): Promise<Result> {
  return times(what, async (round) => {
    const past = { endedAt: Date.now(), dnis: 'DNIS 1', agent: 'agent1@bench.example' }
    const number = `+32${200_000_000 + round * 4_973}`
    await keepRecords(database, keyOf('busy'), [{ ...past, number, waited: 1, talked: 1 }])
    return 0
  })
}

const at = (milliseconds: number) => new Date(milliseconds).toISOString()

/** Days from the beginning, another one each round. */
const dayOf = (round: number, days = 1) => began + ((round * 31) % (365 - days)) * day

function figuresOf(days: number, rest: string) {
  return (round: number) => {
    const from = dayOf(round, Math.min(days, 364))
    return `call_figures/?from=${at(from)}&to=${at(from + days * day)}${rest}`
  }
}

const list = (query: string) => () => `call_records/?${query}`

/** What is asked for, by round. */
const requests: Record<string, (round: number) => string> = {
  'list: newest page': list(''),
  'list: newest 1,000': list('pageSize=1000'),
  'list: a day of it': (round) =>
    `call_records/?from=${at(dayOf(round))}&to=${at(dayOf(round) + day)}`,
  'list: outcome': list('outcome=forwarded'),
  'list: outcome of none': list('outcome=bounced-out'),
  'list: dnis': list('dnis=DNIS%203'),
  'list: dnis of none': list('dnis=None'),
  'list: agent': (round) => `call_records/?agent=agent${round % 50}`,
  'list: agent of none': list('agent=nobody'),
  'list: agent and outcome of none': (round) =>
    `call_records/?agent=agent${round % 50}&outcome=failed`,
  'list: code': (round) => `call_records/?code=CODE${round % 10}`,
  'list: code of none': list('code=NONE'),
  'list: code and dnis of none': (round) => `call_records/?code=CODE${round % 10}&dnis=None`,
  'list: caller': (round) => `call_records/?caller=%2B32${200_000_000 + round * 97}`,
  'list: caller of none': list('caller=%2B31'),
  'list: beginning of callers': list('caller=%2B322000001*'),
  'list: beginning of none': list('caller=%2B3199*'),
  'one record': (round) =>
    `call_records/019ac7d2-4b0e-7c31-9a53-${String(busyOnes[round % busyOnes.length]).padStart(12, '0')}/`,
  'figures: a day by quarter': figuresOf(1, '&interval=900'),
  'figures: a month by day': figuresOf(31, '&interval=86400'),
  'figures: a month by day, at half hours': (round) =>
    figuresOf(31, '&interval=86400')(round).replaceAll('T00:00', 'T18:30'),
  'figures: a month by agent': figuresOf(31, '&by=agent'),
  'figures: a month by day and agent': figuresOf(31, '&interval=86400&by=agent'),
  'figures: a month by code': figuresOf(31, '&by=code'),
  'figures: a year by day': figuresOf(365, '&interval=86400'),
  'figures: a year by agent': figuresOf(365, '&by=agent'),
}

const busyOnes: number[] = []

async function measure(app: FastifyInstance, authorization: string): Promise<Result[]> {
  const results: Result[] = []
  for (const [what, pathOf] of Object.entries(requests)) {
    const ask = async (round: number) => {
      const path = hub + pathOf(round)
      const answer = await app.inject({ method: 'GET', url: path, headers: { authorization } })
      if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.body}`)
      return answer.rawPayload.length
    }
    results.push(await times(what, ask))
  }
  return results
}

/** Makes all figures, as the service does in the background; without the rests that it has between. */
async function roll(database: Database): Promise<Result> {
  const taken: number[] = []
  for (let isMore = true; isMore; ) {
    const since = performance.now()
    isMore = await rollOnce(database, Date.now())
    taken.push(performance.now() - since)
    progress('quarters', taken.length / (365 * 48))
  }
  const what = `figures: made of a quarter of an hour (${taken.length} quarters)`
  return { what, 'p50, ms': percentile(taken, 0.5), 'p99, ms': percentile(taken, 0.99) }
}

async function timed<Result>(what: string, act: () => Promise<Result>): Promise<Result> {
  const since = performance.now()
  const result = await act()
  console.log(`${what}: ${((performance.now() - since) / 1_000).toFixed(0)} s`)
  return result
}

const folder = mkdtempSync(join(tmpdir(), 'pointsman-bench-'))
const path = join(folder, 'records.db')
try {
  const results: Result[] = []
  const first = await openDatabase(url ?? `sqlite:${path}`)
  await createFirstAdmin(first, 'admin', password)
  const furnished = await build(first)
  await furnish(furnished, await signIn(furnished))
  results.push(await keepOne(first, 'a record is kept, among none'))
  await furnished.close()
  if (url !== undefined) {
    const run = (text: string) => first.write((transaction) => transaction.run(sql(text)), 'keys')
    await timed(`${count} records made`, () => fill(run))
    for (const name of ['call_records', 'call_record_codes']) await run(`ANALYZE ${name}`)
  }
  await first.close()
  if (url === undefined) await timed(`${count} records made`, () => fillFile(path))

  const database = await openDatabase(url ?? `sqlite:${path}`)
  results.push(await timed('figures made', () => roll(database)))
  results.push(await keepOne(database, `a record is kept, among ${count}`))
  const ids = sql<{ call_id: string }>(
    'SELECT call_id FROM call_records WHERE tenant_key = ? AND group_key = ? AND route_point_key = ? AND ended_at < ? ORDER BY ended_at LIMIT 1000',
  )
  const rows = await database.all(ids, ...keyOf('busy'), began + 100 * day)
  busyOnes.push(...rows.map(({ call_id: id }) => Number(id.slice(-12))))
  const app = await build(database)
  results.push(...(await measure(app, await signIn(app))))
  console.log(`${Math.round((await database.size()) / 1_048_576)} MB`)
  await app.close()
  await database.close()
  console.table(results)
} finally {
  rmSync(folder, { recursive: true })
}
