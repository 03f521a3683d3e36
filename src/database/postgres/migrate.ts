import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import {
  failed,
  type Migration,
  messageOf,
  pendingMigrations,
  versionTable,
} from '../migrations.ts'
import { splitHosts, timeouts } from './pools.ts'

/**
 * The schema is written once, in SQL that SQLite takes; texts sort by code point on both engines, and a key that is a number
 * has 64 bits.
 */
function toPostgres(sql: string): string {
  return sql
    .replaceAll(/\bTEXT\b/g, 'TEXT COLLATE "C"')
    .replaceAll(/('\w+') AS\b/g, '$1 COLLATE "C" AS')
    .replaceAll(/\)\s*WITHOUT ROWID/g, ')')
    .replaceAll(/\bINTEGER PRIMARY KEY\b/g, 'BIGINT PRIMARY KEY')
}

/** SQLite's function of this name, for statements that both engines run. */
const instr = `CREATE OR REPLACE FUNCTION instr(text, text) RETURNS integer
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE RETURN strpos($1, $2)`

/** Any number that no other program on the same database uses for the same purpose. */
const migrationLock = 7_046_029_254

/** Milliseconds between two looks for the lock. */
const lockPause = 100

/** A question that any server answers at once. */
function promptly(text: string, values: unknown[] = []) {
  return { text, values, query_timeout: timeouts.answer }
}

/** A host that is gone does not say goodbye. */
async function leave(client: pg.Client): Promise<void> {
  await Promise.race([client.end(), delay(timeouts.connect, undefined, { ref: false })])
}

/** @throws Error when no host is a primary that answers. */
async function connectToPrimary(url: string): Promise<pg.Client> {
  const troubles: unknown[] = []
  for (const connectionString of splitHosts(url)) {
    const client = new pg.Client({
      connectionString,
      connectionTimeoutMillis: timeouts.connect,
      // A migrating node that dies must not keep its locks.
      idle_in_transaction_session_timeout: timeouts.idleInTransaction,
      keepAlive: true,
      keepAliveInitialDelayMillis: timeouts.silence,
      application_name: 'pointsman migrate',
    })
    client.on('error', () => {})
    try {
      await client.connect()
      const { rows } = await client.query(promptly('SELECT pg_is_in_recovery() AS standby'))
      if (!rows[0].standby) return client
      troubles.push(new Error('It is a standby.'))
    } catch (error) {
      troubles.push(error)
    }
    await leave(client)
  }
  const reasons = troubles.map(messageOf).join('; ')
  throw new Error(`No PostgreSQL host of the database URL answers as a primary: ${reasons}`, {
    cause: troubles[0],
  })
}

/** Waits as long as another node migrates; each look is answered at once, so a server that is gone is noticed. */
async function takeLock(client: pg.Client): Promise<void> {
  const look = promptly('SELECT pg_try_advisory_xact_lock($1) AS taken', [migrationLock])
  while (!(await client.query(look)).rows[0].taken) await delay(lockPause)
}

async function applyPending(client: pg.Client, migrations: readonly Migration[]): Promise<void> {
  // What a snapshot shows must be what is there once the lock is ours, whatever the server's default is.
  await client.query(promptly('BEGIN ISOLATION LEVEL READ COMMITTED'))
  await takeLock(client)
  // While a change of a table waits for somebody's long work on it, all others wait behind it.
  await client.query(`SET LOCAL lock_timeout = ${timeouts.lock}`)
  await client.query(versionTable)
  const { rows } = await client.query('SELECT max(version) AS version FROM schema_versions')
  const pending = pendingMigrations(migrations, rows[0]?.version ?? 0)
  if (pending.length > 0) await client.query(instr)
  for (const migration of pending) {
    const { version, name, sql, own } = migration
    try {
      await client.query(toPostgres(sql))
      if (own?.postgres) await client.query(own.postgres)
    } catch (error) {
      throw failed(migration, error)
    }
    const row = [version, name, Date.now()]
    await client.query('INSERT INTO schema_versions VALUES ($1, $2, $3)', row)
  }
  await client.query('COMMIT')
}

/**
 * Applies what is pending in one transaction: other nodes wait for the lock and then find nothing to do.
 *
 * @throws Error when the server cannot be reached, a migration fails, or the schema is newer than the program.
 */
export async function migratePostgres(
  url: string,
  migrations: readonly Migration[],
): Promise<void> {
  const client = await connectToPrimary(url)
  try {
    await applyPending(client, migrations)
  } finally {
    await leave(client)
  }
}
