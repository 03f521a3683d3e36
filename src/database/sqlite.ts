import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Sqlite from 'better-sqlite3'
import { DatabaseUnavailable } from '../errors.ts'
import type { CommitListener, Database, Reader, Statement, Transaction, Value } from './database.ts'
import { type Migration, pendingMigrations } from './migrations.ts'

/** How long a connection waits for another process's lock, in milliseconds, before it gives up. */
const busyTimeoutMilliseconds = 5_000

/** List statements are composed from filters and sort orders; beyond this many the oldest is prepared anew. */
const preparedMax = 500

/** `synchronous` answers a number; 2 is FULL. */
const pragmas = { journal_mode: 'wal', synchronous: 2, foreign_keys: 1 } as const

function connect(path: string): Sqlite.Database {
  const connection = new Sqlite(path, { timeout: busyTimeoutMilliseconds })
  connection.pragma('journal_mode = WAL')
  connection.pragma('synchronous = FULL')
  connection.pragma('foreign_keys = ON')
  verifyPragmas(connection)
  return connection
}

/** Drivers and builds lower these silently, and an acknowledged write depends on them. */
export function verifyPragmas(connection: Sqlite.Database): void {
  for (const [name, expected] of Object.entries(pragmas)) {
    const actual = connection.pragma(name, { simple: true })
    if (actual !== expected)
      throw new Error(`SQLite runs with ${name} = ${actual}, not ${expected}.`)
  }
}

const retryable = /^SQLITE_(BUSY|LOCKED|FULL|IOERR|CANTOPEN|NOMEM|READONLY)/

function translate(error: unknown): unknown {
  return error instanceof Sqlite.SqliteError && retryable.test(error.code)
    ? new DatabaseUnavailable(error)
    : error
}

/** The statements of one connection, each prepared at its first use. */
function preparer(connection: Sqlite.Database) {
  const prepared = new Map<string, Sqlite.Statement<Value[]>>()
  return (statement: Statement<unknown>): Sqlite.Statement<Value[]> => {
    let found = prepared.get(statement.text)
    if (!found) {
      found = connection.prepare<Value[]>(statement.text)
      prepared.set(statement.text, found)
      const [oldest] = prepared.keys()
      if (prepared.size > preparedMax && oldest !== undefined) prepared.delete(oldest)
    }
    return found
  }
}

type Prepare = ReturnType<typeof preparer>

function reader(prepare: Prepare): Reader {
  return {
    async get<Row>(statement: Statement<Row>, ...values: Value[]) {
      try {
        return prepare(statement).get(...values) as Row | undefined
      } catch (error) {
        throw translate(error)
      }
    },
    async all<Row>(statement: Statement<Row>, ...values: Value[]) {
      try {
        return prepare(statement).all(...values) as Row[]
      } catch (error) {
        throw translate(error)
      }
    },
  }
}

/** A transaction that refuses to work once its write has ended, so that a forgotten `await` is an error. */
function openTransaction(prepare: Prepare): { transaction: Transaction; end(): void } {
  let open = true
  const live: Prepare = (statement) => {
    if (!open) throw new Error('A statement ran after its write had ended: an await is missing.')
    return prepare(statement)
  }
  const transaction = {
    ...reader(live),
    async run(statement: Statement<unknown>, ...values: Value[]) {
      try {
        return live(statement).run(...values).changes
      } catch (error) {
        throw translate(error)
      }
    },
  } as Transaction
  return {
    transaction,
    end() {
      open = false
    },
  }
}

interface Write {
  apply(transaction: Transaction): Promise<void>
  succeed(): void
  fail(error: unknown): void
}

/**
 * Writes that wait together are applied in one transaction, each in a savepoint of its own, and answered after its
 * one flush. The flush is the cost of a durable write, so sharing it is what makes many writers fast.
 */
function committer(connection: Sqlite.Database, prepare: Prepare, onCommit: CommitListener) {
  const control = Object.fromEntries(
    [
      'BEGIN IMMEDIATE',
      'COMMIT',
      'ROLLBACK',
      'SAVEPOINT one',
      'RELEASE one',
      'ROLLBACK TO one',
    ].map((text) => [text, connection.prepare(text)]),
  )
  const execute = (text: string) => control[text]?.run()
  let waiting: Write[] = []
  let idle = Promise.resolve()
  let scheduled = false

  async function applyOne(write: Write): Promise<() => void> {
    const { transaction, end } = openTransaction(prepare)
    execute('SAVEPOINT one')
    try {
      await write.apply(transaction)
      execute('RELEASE one')
      return () => write.succeed()
    } catch (error) {
      // A full disk ends the whole transaction by itself: then the neighbours' writes are gone too.
      if (!connection.inTransaction) throw error
      execute('ROLLBACK TO one')
      execute('RELEASE one')
      return () => write.fail(error)
    } finally {
      end()
    }
  }

  async function commit(writes: Write[]): Promise<void> {
    const answers: (() => void)[] = []
    try {
      execute('BEGIN IMMEDIATE')
      for (const write of writes) answers.push(await applyOne(write))
      execute('COMMIT')
    } catch (error) {
      if (connection.inTransaction) execute('ROLLBACK')
      for (const write of writes) write.fail(new DatabaseUnavailable(error))
      return
    }
    // Refusals wait for the flush as well: they may rest on what a neighbour wrote.
    for (const answer of answers) answer()
    onCommit(writes.length)
  }

  function schedule(): void {
    scheduled = true
    // One turn of the event loop later, every request that had arrived has joined.
    idle = new Promise((resolve) => {
      setImmediate(async () => {
        const writes = waiting
        waiting = []
        await commit(writes)
        scheduled = false
        if (waiting.length > 0) schedule()
        resolve()
      })
    })
  }

  return {
    write<Result>(change: (transaction: Transaction) => Promise<Result>): Promise<Result> {
      return new Promise((resolve, reject) => {
        let result: Result
        waiting.push({
          async apply(transaction) {
            result = await change(transaction)
          },
          succeed: () => resolve(result),
          fail: reject,
        })
        if (!scheduled) schedule()
      })
    },
    async drain(): Promise<void> {
      while (scheduled) await idle
    },
  }
}

const versionTable = `CREATE TABLE IF NOT EXISTS schema_versions (
  version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)`

/** Applies what is pending in one exclusive transaction: a second process waits and then finds nothing to do. */
function migrate(connection: Sqlite.Database, migrations: readonly Migration[]): void {
  const apply = connection.transaction(() => {
    connection.exec(versionTable)
    const current = connection
      .prepare<[], { version: number | null }>(
        'SELECT max(version) AS version FROM schema_versions',
      )
      .get()
    const insert = connection.prepare('INSERT INTO schema_versions VALUES (?, ?, ?)')
    for (const { version, name, sql } of pendingMigrations(migrations, current?.version ?? 0)) {
      connection.exec(sql)
      insert.run(version, name, Date.now())
    }
  })
  apply.exclusive()
}

/**
 * Opens the embedded engine: one connection that writes, one that reads only what is flushed.
 *
 * @throws Error when the file cannot be opened, a migration fails, or the schema is newer than the program.
 */
export function openSqlite(
  path: string,
  migrations: readonly Migration[],
  onCommit: CommitListener = () => {},
): Database {
  mkdirSync(dirname(path), { recursive: true })
  const writing = connect(path)
  try {
    migrate(writing, migrations)
  } catch (error) {
    writing.close()
    throw error
  }
  const reading = connect(path)
  reading.pragma('query_only = ON')
  const commits = committer(writing, preparer(writing), onCommit)

  return {
    ...reader(preparer(reading)),
    write: commits.write,
    async size() {
      const pages = reading.pragma('page_count', { simple: true }) as number
      return pages * (reading.pragma('page_size', { simple: true }) as number)
    },
    async close() {
      await commits.drain()
      reading.close()
      writing.close()
    },
  }
}
