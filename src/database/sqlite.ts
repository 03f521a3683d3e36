import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { DatabaseUnavailable } from '../errors.ts'
import {
  type CommitListener,
  type Database,
  type Reader,
  type Statement,
  sql,
  type Transaction,
  type Value,
} from './database.ts'
import { prepareFile } from './file.ts'
import { type Migration, pendingMigrations } from './migrations.ts'
import { type ShapeRow, sqliteShapes, toShapes } from './shape.ts'
import { type Turns, turnKeeper } from './turns.ts'

export interface SqliteOptions {
  /** Refuses a path where there is no file, instead of making one. */
  mustExist?: boolean
  onCommit?: CommitListener
  /** How long a connection waits for another process's lock, in milliseconds, before it gives up; all wait with it. */
  busyTimeoutMilliseconds?: number
  /** Writes that one commit takes at most. */
  writesPerCommitMax?: number
  /** How long writes go on, in milliseconds, before whoever only reads has a turn. */
  turnMilliseconds?: number
}

/** List statements are composed from filters and sort orders; beyond this many the oldest is prepared anew. */
const preparedMax = 500

/** `synchronous` answers a number; 2 is FULL. */
const pragmas = { journal_mode: 'wal', synchronous: 2, foreign_keys: 1 } as const

/** How often a lock that SQLite does not wait for by itself is tried again, in milliseconds. */
const retryMilliseconds = 20

/** Two processes that start at once on a new file both change its journal: SQLite lets one fail without waiting. */
async function writeAhead(connection: Sqlite.Database, timeout: number): Promise<void> {
  const deadline = Date.now() + timeout
  for (;;) {
    try {
      connection.pragma('journal_mode = WAL')
      return
    } catch (error) {
      const isBusy = error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY')
      if (!isBusy || Date.now() > deadline) throw error
    }
    await delay(retryMilliseconds)
  }
}

async function connect(path: string, timeout: number): Promise<Sqlite.Database> {
  const connection = new Sqlite(path, { timeout })
  try {
    await writeAhead(connection, timeout)
    connection.pragma('synchronous = FULL')
    connection.pragma('foreign_keys = ON')
    verifyPragmas(connection)
    return connection
  } catch (error) {
    connection.close()
    throw error
  }
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

/**
 * SQLite plans a join again for each value bound to it, which takes ten times as long as a look-up by key. It does not for
 * an expression, and `+` leaves every value as it is.
 */
function plannedOnce({ text }: Statement<unknown>): string {
  return text.replaceAll('?', '+?')
}

/** The statements of one connection, each prepared at its first use. */
function preparer(connection: Sqlite.Database) {
  const prepared = new Map<string, Sqlite.Statement<Value[]>>()
  return (statement: Statement<unknown>): Sqlite.Statement<Value[]> => {
    let found = prepared.get(statement.text)
    if (!found) {
      found = connection.prepare<Value[]>(plannedOnce(statement))
      prepared.set(statement.text, found)
      const [oldest] = prepared.keys()
      if (prepared.size > preparedMax && oldest !== undefined) prepared.delete(oldest)
    }
    return found
  }
}

type Prepare = ReturnType<typeof preparer>

const shapes = sql<ShapeRow>(sqliteShapes)

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
    async tables() {
      return toShapes(prepare(shapes).all() as ShapeRow[])
    },
  }
}

/**
 * A transaction that refuses to work once its write has ended, so that a forgotten `await` is an error, and once SQLite
 * has undone it by itself: a statement that ran then would be a commit of its own.
 */
function openTransaction(
  connection: Sqlite.Database,
  prepare: Prepare,
  turns: Turns,
): { transaction: Transaction; end(): void } {
  let open = true
  const live: Prepare = (statement) => {
    if (!open) throw new Error('A statement ran after its write had ended: an await is missing.')
    if (!connection.inTransaction) throw new Error('SQLite has undone the transaction.')
    return prepare(statement)
  }
  const reads = reader(live)
  const transaction = {
    async get<Row>(statement: Statement<Row>, ...values: Value[]) {
      if (turns.isOver()) await turns.next()
      return reads.get(statement, ...values)
    },
    async all<Row>(statement: Statement<Row>, ...values: Value[]) {
      if (turns.isOver()) await turns.next()
      return reads.all(statement, ...values)
    },
    tables: reads.tables,
    async run(statement: Statement<unknown>, ...values: Value[]) {
      if (turns.isOver()) await turns.next()
      try {
        return live(statement).run(...values).changes
      } catch (error) {
        throw translate(error)
      }
    },
    async analyze(_table: string) {},
  } as Transaction
  return {
    transaction,
    end() {
      open = false
    },
  }
}

/** Named, so that the compiler finds a misspelt one: a commit that does not run would be acknowledged. */
const controls = [
  'BEGIN IMMEDIATE',
  'COMMIT',
  'ROLLBACK',
  'SAVEPOINT one',
  'RELEASE one',
  'ROLLBACK TO one',
] as const
type Control = (typeof controls)[number]

interface Write {
  apply(transaction: Transaction): Promise<void>
  succeed(): void
  fail(error: unknown): void
}

/** So many turns make a commit a long one: no number of writes that wait together takes as many. */
const longTurns = 10

/**
 * Writes that wait together are applied in one transaction, each in a savepoint of its own, and answered after its
 * one flush. The flush is the cost of a durable write, so sharing it is what makes many writers fast.
 */
function committer(
  connection: Sqlite.Database,
  prepare: Prepare,
  { onCommit = () => {}, writesPerCommitMax = 256, turnMilliseconds = 10 }: SqliteOptions,
) {
  const turns = turnKeeper(turnMilliseconds)
  const control = Object.fromEntries(
    controls.map((text) => [text, connection.prepare(text)]),
  ) as Record<Control, Sqlite.Statement>
  const execute = (text: Control) => control[text].run()
  const waiting: Write[] = []
  let idle = Promise.resolve()
  let scheduled = false

  async function applyOne(write: Write): Promise<() => void> {
    const { transaction, end } = openTransaction(connection, prepare, turns)
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

  /**
   * A commit copies what has gathered in the log into the database's file. A long write has gathered so much that this
   * takes a turn of its own, after its answer.
   */
  async function commitLong(): Promise<void> {
    const gathered = connection.pragma('wal_autocheckpoint', { simple: true })
    await turns.next()
    connection.pragma('wal_autocheckpoint = 0')
    try {
      execute('COMMIT')
    } finally {
      connection.pragma(`wal_autocheckpoint = ${gathered}`)
    }
  }

  async function checkpoint(): Promise<void> {
    await turns.next()
    try {
      connection.pragma('wal_checkpoint(PASSIVE)')
    } catch {
      // All is flushed in the log already; the next commit tries again.
    }
  }

  async function commit(writes: Write[]): Promise<void> {
    const answers: (() => void)[] = []
    turns.begin()
    const isLong = () => turns.taken() >= longTurns
    try {
      execute('BEGIN IMMEDIATE')
      for (const write of writes) answers.push(await applyOne(write))
      if (isLong()) await commitLong()
      else execute('COMMIT')
    } catch (error) {
      if (connection.inTransaction) execute('ROLLBACK')
      const reason = error instanceof DatabaseUnavailable ? error : new DatabaseUnavailable(error)
      for (const write of writes) write.fail(reason)
      return
    }
    // Refusals wait for the flush as well: they may rest on what a neighbour wrote.
    for (const answer of answers) answer()
    onCommit(writes.length)
    if (isLong()) await checkpoint()
  }

  function schedule(): void {
    scheduled = true
    // One turn of the event loop later, every request that had arrived has joined.
    idle = new Promise((resolve) => {
      setImmediate(async () => {
        await commit(waiting.splice(0, writesPerCommitMax))
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
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
      try {
        connection.exec(sql)
      } catch (error) {
        throw new Error(`migration ${version}, ${name}: ${messageOf(error)}`, { cause: error })
      }
      insert.run(version, name, Date.now())
    }
  })
  apply.exclusive()
}

async function openConnections(path: string, migrations: readonly Migration[], timeout: number) {
  let writing: Sqlite.Database | undefined
  try {
    prepareFile(path)
    writing = await connect(path, timeout)
    migrate(writing, migrations)
    const reading = await connect(path, timeout)
    reading.pragma('query_only = ON')
    return { writing, reading }
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
  const { busyTimeoutMilliseconds = 5_000, mustExist = false } = options
  if (mustExist && !existsSync(path)) throw new Error(`There is no database ${path}.`)
  const { writing, reading } = await openConnections(path, migrations, busyTimeoutMilliseconds)
  const commits = committer(writing, preparer(writing), options)

  return {
    ...reader(preparer(reading)),
    write: commits.write,
    async snapshot(read) {
      const connection = await connect(path, busyTimeoutMilliseconds)
      try {
        connection.exec('BEGIN')
        return await read(reader(preparer(connection)))
      } finally {
        connection.close()
      }
    },
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
