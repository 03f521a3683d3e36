import { setTimeout as delay } from 'node:timers/promises'
import type { PoolClient, QueryResult } from 'pg'
import { DatabaseUnavailable } from '../errors.ts'
import type {
  CommitListener,
  Database,
  Guard,
  Reader,
  Statement,
  Transaction,
  Value,
} from './database.ts'
import type { Migration } from './migrations.ts'
import { ask, ConnectionLost, OutcomeUnknown, sqlState } from './postgres-errors.ts'
import { createLine, type Line } from './postgres-line.ts'
import { migratePostgres } from './postgres-migrations.ts'
import { type Lease, openPools, timeouts } from './postgres-pools.ts'
import { postgresShapes, toShapes } from './shape.ts'

export interface PostgresOptions {
  /** Connections of this node. */
  connectionsMax: number
  onCommit?: CommitListener
}

/** Prepared statements live in every connection; composed list statements beyond this many are sent unnamed. */
const namedMax = 500

interface Query {
  text: string
  name?: string
}

const queries = new Map<string, Query>()

/** `?` becomes `$1`, `$2`, …; the name makes the server keep the plan. */
function toQuery({ text }: Statement<unknown>): Query {
  const known = queries.get(text)
  if (known) return known
  let count = 0
  const numbered = text.replaceAll('?', () => {
    count += 1
    return `$${count}`
  })
  const isNamed = queries.size < namedMax
  const query = isNamed ? { text: numbered, name: `s${queries.size}` } : { text: numbered }
  if (isNamed) queries.set(text, query)
  return query
}

interface Runner {
  query(query: Query & { values: Value[] }): Promise<QueryResult>
}

function reader(runner: Runner): Reader {
  return {
    async get<Row>(statement: Statement<Row>, ...values: Value[]) {
      const { rows } = await runner.query({ ...toQuery(statement), values })
      return rows[0] as Row | undefined
    },
    async all<Row>(statement: Statement<Row>, ...values: Value[]) {
      const { rows } = await runner.query({ ...toQuery(statement), values })
      return rows as Row[]
    },
    async tables() {
      const { rows } = await runner.query({ text: postgresShapes, values: [] })
      return toShapes(rows)
    },
  }
}

/**
 * Begins a transaction that refuses to work once its write has ended, so that a forgotten `await` is an error. BEGIN and a
 * first SELECT travel together; anything else waits for BEGIN, since without it a statement would be a commit of its
 * own.
 */
function begin(client: PoolClient, mode: string): { transaction: Transaction; end(): void } {
  let isOpen = true
  const begun = ask(client.query(mode))
  // Whoever awaits it hears of its failure; a change that asks nothing hears of it at COMMIT.
  begun.catch(() => {})
  const runner: Runner = {
    async query(query) {
      if (!isOpen)
        throw new Error('A statement ran after its write had ended: an await is missing.')
      if (!query.text.startsWith('SELECT')) await begun
      const [result] = await Promise.all([ask(client.query(query)), begun])
      return result
    },
  }
  const transaction = {
    ...reader(runner),
    async run(statement: Statement<unknown>, ...values: Value[]) {
      return (await runner.query({ ...toQuery(statement), values })).rowCount ?? 0
    },
    async analyze(table: string) {
      await runner.query({ text: `ANALYZE ${table}`, values: [] })
    },
  } as Transaction
  return {
    transaction,
    end() {
      isOpen = false
    },
  }
}

/**
 * @throws OutcomeUnknown when the answer is lost, or when the server was told not to wait for its standbys: then the
 *   transaction is committed here and may be lost with this server.
 */
async function commit(client: PoolClient): Promise<void> {
  let warning: Error | undefined
  const listen = (notice: { severity: string | undefined; message: string | undefined }) => {
    if (notice.severity === 'WARNING') warning = new Error(notice.message)
  }
  client.on('notice', listen)
  try {
    const { command } = await ask(client.query('COMMIT'))
    if (warning) throw new OutcomeUnknown(warning)
    // PostgreSQL answers so when a statement failed and nobody noticed: all of the write is undone.
    if (command !== 'COMMIT') throw new Error('A statement failed, and its write went on.')
  } catch (error) {
    throw error instanceof ConnectionLost ? new OutcomeUnknown(error.cause) : error
  } finally {
    client.off('notice', listen)
  }
}

const forWriting: Record<Guard, string> = {
  reads: 'BEGIN ISOLATION LEVEL SERIALIZABLE',
  // A row that somebody else has changed since is not changed: the write is run again.
  keys: 'BEGIN ISOLATION LEVEL REPEATABLE READ',
}

/** It waits for whoever reads as long as that takes. */
const forSnapshot =
  'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0'

async function transact<Result>(
  { client, spoil }: Lease,
  mode: string,
  change: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  const { transaction, end } = begin(client, mode)
  try {
    const result = await change(transaction)
    end()
    await commit(client)
    return result
  } catch (error) {
    end()
    if (error instanceof ConnectionLost || error instanceof OutcomeUnknown) spoil()
    else await client.query('ROLLBACK').catch(spoil)
    throw error
  }
}

async function readOn(
  { client, spoil }: Lease,
  query: Query & { values: Value[] },
): Promise<QueryResult> {
  try {
    return await ask(client.query(query))
  } catch (error) {
    if (error instanceof ConnectionLost) spoil()
    throw error
  }
}

/**
 * Two writes met. The server has undone this one, so it is safe to run it again: serialisation failure, deadlock, and
 * keys taken or removed meanwhile, which the write's own checks will then see and refuse in words.
 */
const conflictStates = new Set(['40001', '40P01', '23505', '23503'])

const attemptsMax = 12

/** Milliseconds to wait before the next attempt: random, so that two that met do not meet again. */
function pause(attempt: number): number {
  return Math.random() * Math.min(2 ** attempt, 200)
}

/** Decides whether what failed is run again; `start` is when it began, in milliseconds. */
function mayRepeat(error: unknown, attempt: number, start: number): boolean {
  // A connection that died unnoticed says nothing of the server. One that stayed silent has cost enough time.
  if (error instanceof ConnectionLost)
    return attempt === 1 && performance.now() - start < timeouts.connect
  return conflictStates.has(sqlState(error) ?? '') && attempt < attemptsMax
}

/** What is told when nothing is run again. */
function verdict(error: unknown): unknown {
  return sqlState(error)?.startsWith('40') ? new DatabaseUnavailable(error) : error
}

/**
 * Opens PostgreSQL: a pool of connections, each write a serialisable transaction that is run again when it met another
 * one.
 *
 * @throws Error when the server cannot be reached, a migration fails, or the schema is newer than the program.
 */
export async function openPostgres(
  url: string,
  migrations: readonly Migration[],
  { connectionsMax, onCommit = () => {} }: PostgresOptions,
): Promise<Database> {
  await migratePostgres(url, migrations)
  const pools = openPools(url, connectionsMax)
  // Neither waits behind the other: reads go on while writes wait for locks or standbys.
  const readersMax = Math.ceil(connectionsMax / 2)
  const readers = createLine(readersMax, timeouts.free)
  const writers = createLine(connectionsMax - readersMax, timeouts.free)
  // Writes that lost against another go one at a time, so that they do not lose against each other again.
  const losers = createLine(1, timeouts.free)

  async function inTurn<Result>(line: Line, act: () => Promise<Result>): Promise<Result> {
    const leave = await line()
    try {
      return await act()
    } finally {
      leave()
    }
  }

  async function connected<Result>(use: (lease: Lease) => Promise<Result>): Promise<Result> {
    const lease = await pools.connect()
    try {
      return await use(lease)
    } finally {
      lease.release()
    }
  }

  const reads: Runner = {
    async query(query) {
      const start = performance.now()
      const attempt = () => inTurn(readers, () => connected((lease) => readOn(lease, query)))
      try {
        return await attempt()
      } catch (error) {
        if (!mayRepeat(error, 1, start)) throw error
      }
      return attempt()
    },
  }

  return {
    ...reader(reads),
    async write(change, guard = 'reads') {
      const start = performance.now()
      const attempt = () =>
        inTurn(writers, () => connected((lease) => transact(lease, forWriting[guard], change)))
      for (let count = 1; ; count += 1) {
        try {
          const result = await (count === 1 ? attempt() : inTurn(losers, attempt))
          onCommit(1)
          return result
        } catch (error) {
          if (!mayRepeat(error, count, start)) throw verdict(error)
        }
        await delay(pause(count))
      }
    },
    snapshot: (read) => connected((lease) => transact(lease, forSnapshot, read)),
    async verify() {
      await reads.query({ text: 'SELECT 1', values: [] })
    },
    async size() {
      const text = 'SELECT pg_database_size(current_database()) AS size'
      const { rows } = await reads.query({ text, values: [] })
      return rows[0].size
    },
    close: () => pools.end(),
  }
}
