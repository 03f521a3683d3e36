import { setTimeout as delay } from 'node:timers/promises'
import type { QueryResult } from 'pg'
import { DatabaseUnavailable } from '../../errors.ts'
import { commitListeners } from '../commits.ts'
import type { Database, Value } from '../database.ts'
import type { Migration } from '../migrations.ts'
import { type Query, type Runner, reader } from './connection.ts'
import { ask, ConnectionLost, sqlState } from './errors.ts'
import { createLine, type Line } from './line.ts'
import { migratePostgres } from './migrate.ts'
import { type Lease, openPools, timeouts } from './pools.ts'
import { settle } from './settle.ts'
import { forSnapshot, forWriting, transact } from './transaction.ts'

export interface PostgresOptions {
  /** Connections of this node. */
  connectionsMax: number
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
  { connectionsMax }: PostgresOptions,
): Promise<Database> {
  await migratePostgres(url, migrations)
  const pools = openPools(url, connectionsMax)
  const commits = commitListeners()
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
          commits.tell(1)
          return result
        } catch (error) {
          if (!mayRepeat(error, count, start)) throw verdict(error)
        }
        await delay(pause(count))
      }
    },
    settle: (table, signal) => settle(reads, table, signal),
    onCommit: commits.onCommit,
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
