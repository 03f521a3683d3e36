import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type Sqlite from 'better-sqlite3'
import { DatabaseUnavailable } from '../errors.ts'
import {
  type CommitListener,
  type Database,
  type Statement,
  sql,
  type Transaction,
  type Value,
} from './database.ts'
import { type Migration, pendingMigrations } from './migrations.ts'
import {
  connect,
  isBusy,
  type Prepare,
  patiently,
  preparer,
  reader,
  retryMilliseconds,
  translate,
} from './sqlite-connection.ts'
import { prepareFile, watchPlaces } from './sqlite-file.ts'
import { type Turns, turnKeeper } from './turn-keeper.ts'

export interface SqliteOptions {
  /** Refuses a path where there is no file, instead of making one. */
  mustExist?: boolean
  onCommit?: CommitListener
  /** How long a read or write waits for another process's lock, in milliseconds, before it gives up. */
  busyTimeoutMilliseconds?: number
  /** Writes that wait at most; one more is refused. */
  writesWaitingMax?: number
  /** Writes that one commit takes at most. */
  writesPerCommitMax?: number
  /** How long writes go on, in milliseconds, before whoever only reads has a turn. */
  turnMilliseconds?: number
}

/** Milliseconds. */
const busyTimeoutDefault = 5_000

/** A statement that names no table is answered without a look at the file. */
const probe = sql<{ pages: number }>('SELECT count(*) AS pages FROM sqlite_schema')
const pagesOf = sql<{ bytes: number }>(
  'SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size',
)

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
  // Whoever writes holds the lock that there is to wait for.
  const reads = reader(live, 0)
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
  /** When it gives up waiting for another process's lock, by the clock of `performance.now()`. */
  deadline: number
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
  verifyPlaces: () => void,
  {
    onCommit = () => {},
    writesPerCommitMax = 256,
    writesWaitingMax = 1_000,
    turnMilliseconds = 10,
    busyTimeoutMilliseconds = busyTimeoutDefault,
  }: SqliteOptions,
) {
  const prepare = preparer(connection)
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

  function failAll(writes: readonly Write[], error: unknown): void {
    const reason = error instanceof DatabaseUnavailable ? error : new DatabaseUnavailable(error)
    for (const write of writes) write.fail(reason)
  }

  /** Waits for the lock while another process holds it; each write only as long as it may. */
  async function lock(): Promise<boolean> {
    while (waiting.length > 0) {
      try {
        execute('BEGIN IMMEDIATE')
        return true
      } catch (error) {
        const now = performance.now()
        const patient = isBusy(error) ? waiting.findIndex(({ deadline }) => deadline > now) : -1
        failAll(waiting.splice(0, patient < 0 ? waiting.length : patient), error)
      }
      if (waiting.length > 0) await delay(retryMilliseconds)
    }
    return false
  }

  async function commit(): Promise<void> {
    if (!(await lock())) return
    const writes = waiting.splice(0, writesPerCommitMax)
    const answers: (() => void)[] = []
    turns.begin()
    const isLong = () => turns.taken() >= longTurns
    try {
      for (const write of writes) answers.push(await applyOne(write))
      verifyPlaces()
      if (isLong()) await commitLong()
      else execute('COMMIT')
    } catch (error) {
      if (connection.inTransaction) execute('ROLLBACK')
      failAll(writes, error)
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
        await commit()
        scheduled = false
        if (waiting.length > 0) schedule()
        resolve()
      })
    })
  }

  return {
    async write<Result>(change: (transaction: Transaction) => Promise<Result>): Promise<Result> {
      if (waiting.length >= writesWaitingMax) {
        throw new DatabaseUnavailable(new Error(`${writesWaitingMax} writes wait already.`))
      }
      return new Promise((resolve, reject) => {
        let result: Result
        waiting.push({
          deadline: performance.now() + busyTimeoutMilliseconds,
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
    const connection = await connect(path, timeout)
    writing = connection
    await patiently(timeout, () => migrate(connection, migrations))
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
  const commits = committer(writing, verifyPlaces, options)
  const reads = reader(preparer(reading), timeout)

  return {
    ...reads,
    write: commits.write,
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
