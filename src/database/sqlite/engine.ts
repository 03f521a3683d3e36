import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type Sqlite from 'better-sqlite3'
import { commitListeners } from '../commits.ts'
import { type Database, sql } from '../database.ts'
import { type Migration, messageOf } from '../migrations.ts'
import { type CommitOptions, committer } from './committer.ts'
import { busyTimeoutDefault, connect, patiently, preparer, reader } from './connection.ts'
import { prepareFile, watchPlaces } from './file.ts'
import { migrateSqlite } from './migrate.ts'

export interface SqliteOptions extends CommitOptions {
  /** Refuses a path where there is no file, instead of making one. */
  mustExist?: boolean
}

/** A statement that names no table is answered without a look at the file. */
const probe = sql<{ pages: number }>('SELECT count(*) AS pages FROM sqlite_schema')
const pagesOf = sql<{ bytes: number }>(
  'SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size',
)

async function openConnections(path: string, migrations: readonly Migration[], timeout: number) {
  let writing: Sqlite.Database | undefined
  try {
    prepareFile(path)
    const connection = await connect(path, timeout)
    writing = connection
    await patiently(timeout, () => migrateSqlite(connection, migrations))
    const reading = await connect(path, timeout)
    reading.pragma('query_only = ON')
    return { writing, reading, verifyPlaces: watchPlaces(path) }
  } catch (error) {
    writing?.close()
    throw new Error(`The database ${path} cannot be opened: ${messageOf(error)}`, { cause: error })
  }
}

/**
 * Opens the embedded engine: one connection that writes, one that reads only what is flushed.
 *
 * @throws Error when the file cannot be opened, a migration fails, or the schema is newer than the program.
 */
export async function openSqlite(
  path: string,
  migrations: readonly Migration[],
  options: SqliteOptions = {},
): Promise<Database> {
  const { busyTimeoutMilliseconds: timeout = busyTimeoutDefault, mustExist = false } = options
  if (mustExist && !existsSync(path)) throw new Error(`There is no database ${path}.`)
  // Opened by a name that stays true, and that SQLite takes for nothing else, such as a URL.
  const place = resolve(path)
  const { writing, reading, verifyPlaces } = await openConnections(place, migrations, timeout)
  const listeners = commitListeners()
  const commits = committer(writing, { verifyPlaces, onCommit: listeners.tell }, options)
  const reads = reader(preparer(reading), timeout)

  return {
    ...reads,
    write: commits.write,
    // One writes at a time, so numbers are given in the order of commits, and only what is flushed is read.
    async settle() {},
    onCommit: listeners.onCommit,
    async verify() {
      verifyPlaces()
      await reads.get(probe)
    },
    async snapshot(read) {
      verifyPlaces()
      const connection = await connect(place, timeout)
      try {
        connection.exec('BEGIN')
        return await read(reader(preparer(connection), timeout))
      } finally {
        connection.close()
      }
    },
    async size() {
      return (await reads.get(pagesOf))?.bytes ?? 0
    },
    async close() {
      await commits.drain()
      reading.close()
      writing.close()
    },
  }
}
