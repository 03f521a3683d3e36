import { setTimeout as delay } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { DatabaseUnavailable } from '../../errors.ts'
import { type Reader, type Statement, sql, type Value } from '../database.ts'
import { type ShapeRow, toShapes } from '../shape.ts'
import { sqliteShapes } from './shapes.ts'

/** List statements are composed from filters and sort orders; beyond this many the oldest is prepared anew. */
const preparedMax = 500

/** `synchronous` answers a number; 2 is FULL. */
const pragmas = { journal_mode: 'wal', synchronous: 2, foreign_keys: 1 } as const

/** How long a read or write waits for another process's lock unless told, in milliseconds. */
export const busyTimeoutDefault = 5_000

/** How often another process's lock is tried again, in milliseconds. */
export const retryMilliseconds = 20

/**
 * Does what finds another process's lock again until it succeeds. SQLite's own waiting would stop the thread, and with it
 * all that needs no database.
 *
 * @param timeout milliseconds.
 * @throws what `act` throws; SqliteError when it was still busy after `timeout`.
 */
export async function patiently<Result>(timeout: number, act: () => Result): Promise<Result> {
  const deadline = performance.now() + timeout
  for (;;) {
    try {
      return act()
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw error
    }
    await delay(retryMilliseconds)
  }
}

export function isBusy(error: unknown): boolean {
  return error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY')
}

/** Opens a file that is there. */
export async function connect(path: string, timeout: number): Promise<Sqlite.Database> {
  const connection = new Sqlite(path, { timeout: 0, fileMustExist: true })
  try {
    await patiently(timeout, () => {
      connection.pragma('journal_mode = WAL')
      connection.pragma('synchronous = FULL')
      connection.pragma('foreign_keys = ON')
      verifyPragmas(connection)
    })
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

export function translate(error: unknown): unknown {
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

export type Prepare = <Row>(statement: Statement<Row>) => Sqlite.Statement<Value[], Row>

/** The statements of one connection, each prepared at its first use. */
export function preparer(connection: Sqlite.Database): Prepare {
  const prepared = new Map<string, Sqlite.Statement<Value[]>>()
  return <Row>(statement: Statement<Row>) => {
    let found = prepared.get(statement.text)
    if (!found) {
      found = connection.prepare<Value[]>(plannedOnce(statement))
      prepared.set(statement.text, found)
      const [oldest] = prepared.keys()
      if (prepared.size > preparedMax && oldest !== undefined) prepared.delete(oldest)
    }
    // Which rows a text answers is said by `sql()` alone.
    return found as Sqlite.Statement<Value[], Row>
  }
}

const shapes = sql<ShapeRow>(sqliteShapes)

export function reader(prepare: Prepare, timeout: number): Reader {
  /** Only what was busy is looked at here: hardly anything ever is. */
  async function readAgain<Result>(error: unknown, read: () => Result): Promise<Result> {
    if (!isBusy(error)) throw translate(error)
    try {
      return await patiently(timeout, read)
    } catch (last) {
      throw translate(last)
    }
  }

  return {
    async get<Row>(statement: Statement<Row>, ...values: Value[]) {
      try {
        return prepare(statement).get(...values)
      } catch (error) {
        return readAgain(error, () => prepare(statement).get(...values))
      }
    },
    async all<Row>(statement: Statement<Row>, ...values: Value[]) {
      try {
        return prepare(statement).all(...values)
      } catch (error) {
        return readAgain(error, () => prepare(statement).all(...values))
      }
    },
    async tables() {
      return toShapes(prepare(shapes).all())
    },
  }
}
