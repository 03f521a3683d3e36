import { setTimeout as delay } from 'node:timers/promises'
import pg, { type PoolClient } from 'pg'
import { DatabaseUnavailable } from '../errors.ts'
import type { CommitListener, Database, Reader, Statement, Transaction, Value } from './database.ts'
import { type Migration, pendingMigrations } from './migrations.ts'
import { openPools, type PrimaryPools, splitHosts, timeouts } from './postgres-pools.ts'
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

function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined
}

/** Connection trouble, too many of something, a shut-down or a standby: the same request may succeed soon. */
const unavailableStates = /^(?:08|53|57|58|25006|55P03)/

/** What is no answer of the server came from the way to it. */
function isConnectionTrouble(error: unknown): boolean {
  return sqlState(error) === undefined
}

/** Asks the server; that it could not be asked, or not now, becomes DatabaseUnavailable. */
async function ask<Result>(question: Promise<Result>): Promise<Result> {
  try {
    return await question
  } catch (error) {
    const state = sqlState(error)
    if (state === undefined || unavailableStates.test(state)) throw new DatabaseUnavailable(error)
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

interface Runner {
  query(query: Query & { values: Value[] }): Promise<pg.QueryResult>
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
  }
}

/** A transaction that refuses to work once its write has ended, so that a forgotten `await` is an error. */
function openTransaction(client: PoolClient): { transaction: Transaction; end(): void } {
  let isOpen = true
  const runner: Runner = {
    async query(query) {
      if (!isOpen)
        throw new Error('A statement ran after its write had ended: an await is missing.')
      return ask(client.query(query))
    },
  }
  const transaction = {
    ...reader(runner),
    async run(statement: Statement<unknown>, ...values: Value[]) {
      return (await runner.query({ ...toQuery(statement), values })).rowCount ?? 0
    },
  } as Transaction
  return {
    transaction,
    end() {
      isOpen = false
    },
  }
}

/** Ends a failed transaction; a connection that cannot even do that is thrown away. */
async function giveBack(client: PoolClient, error: unknown): Promise<void> {
  if (error instanceof DatabaseUnavailable) {
    client.release(true)
    return
  }
  try {
    await client.query('ROLLBACK')
    client.release()
  } catch {
    client.release(true)
  }
}

async function runOnce<Result>(
  pools: PrimaryPools,
  change: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  const client = await ask(pools.connect())
  const { transaction, end } = openTransaction(client)
  try {
    await ask(client.query('BEGIN ISOLATION LEVEL SERIALIZABLE'))
    const result = await change(transaction)
    end()
    // From here on a lost connection leaves the outcome unknown: it is told as 503 and never run again.
    await ask(client.query('COMMIT'))
    client.release()
    return result
  } catch (error) {
    end()
    await giveBack(client, error)
    throw error
  }
}

/** The schema is written once, in SQL that SQLite takes; texts sort by code point on both engines. */
function toPostgres(sql: string): string {
  return sql.replaceAll(/\bTEXT\b/g, 'TEXT COLLATE "C"').replaceAll(/\)\s*WITHOUT ROWID/g, ')')
}

/** SQLite's function of this name, for statements that both engines run. */
const instr = `CREATE OR REPLACE FUNCTION instr(text, text) RETURNS integer
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN strpos($1, $2)`

const versionTable = `CREATE TABLE IF NOT EXISTS schema_versions (
  version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)`

/** Any number that no other program on the same database uses for the same purpose. */
const migrationLock = 7_046_029_254

/** @throws Error when no host is a primary that answers. */
async function connectToPrimary(url: string): Promise<pg.Client> {
  let trouble: unknown
  for (const connectionString of splitHosts(url)) {
    const client = new pg.Client({
      connectionString,
      connectionTimeoutMillis: timeouts.connect,
      application_name: 'pointsman migrate',
    })
    client.on('error', () => {})
    try {
      await client.connect()
      const { rows } = await client.query('SELECT pg_is_in_recovery() AS standby')
      if (!rows[0].standby) return client
      await client.end()
    } catch (error) {
      trouble = error
    }
  }
  throw new Error('No PostgreSQL host of the database URL answers as a primary.', {
    cause: trouble,
  })
}

/** Applies what is pending in one transaction: other nodes wait for the lock and then find nothing to do. */
async function migrate(url: string, migrations: readonly Migration[]): Promise<void> {
  const client = await connectToPrimary(url)
  try {
    await client.query('BEGIN')
    await client.query('SELECT pg_advisory_xact_lock($1)', [migrationLock])
    await client.query(versionTable)
    const { rows } = await client.query('SELECT max(version) AS version FROM schema_versions')
    const pending = pendingMigrations(migrations, rows[0]?.version ?? 0)
    if (pending.length > 0) await client.query(instr)
    for (const { version, name, sql } of pending) {
      await client.query(toPostgres(sql))
      const row = [version, name, Date.now()]
      await client.query('INSERT INTO schema_versions VALUES ($1, $2, $3)', row)
    }
    await client.query('COMMIT')
  } finally {
    await client.end()
  }
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
  await migrate(url, migrations)
  const pools = openPools(url, connectionsMax)

  async function askOnce(query: Query & { values: Value[] }): Promise<pg.QueryResult> {
    const client = await ask(pools.connect())
    try {
      const result = await ask(client.query(query))
      client.release()
      return result
    } catch (error) {
      client.release(error instanceof DatabaseUnavailable)
      throw error
    }
  }

  const reads: Runner = {
    async query(query) {
      try {
        return await askOnce(query)
      } catch (error) {
        if (!(error instanceof DatabaseUnavailable && isConnectionTrouble(error.cause))) throw error
      }
      // A connection that died unnoticed says nothing of the server: a read may ask again, once.
      return askOnce(query)
    },
  }

  return {
    ...reader(reads),
    async write(change) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          const result = await runOnce(pools, change)
          onCommit(1)
          return result
        } catch (error) {
          const state = sqlState(error)
          if (state === undefined || !conflictStates.has(state)) throw error
          if (attempt === attemptsMax) {
            throw state.startsWith('40') ? new DatabaseUnavailable(error) : error
          }
        }
        await delay(pause(attempt))
      }
    },
    async tables() {
      const { rows } = await askOnce({ text: postgresShapes, values: [] })
      return toShapes(rows)
    },
    async size() {
      const text = 'SELECT pg_database_size(current_database()) AS size'
      const { rows } = await askOnce({ text, values: [] })
      return rows[0].size
    },
    async close() {
      await pools.end()
    },
  }
}
