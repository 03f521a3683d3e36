import { setTimeout as delay } from 'node:timers/promises'
import type Sqlite from 'better-sqlite3'
import { DatabaseUnavailable } from '../../errors.ts'
import type { CommitListener, Transaction } from '../database.ts'
import {
  busyTimeoutDefault,
  isBusy,
  type Prepare,
  preparer,
  retryMilliseconds,
} from './connection.ts'
import { openTransaction } from './transaction.ts'
import { turnKeeper } from './turn-keeper.ts'

export interface CommitOptions {
  /** How long a read or write waits for another process's lock, in milliseconds, before it gives up. */
  busyTimeoutMilliseconds?: number
  /** Writes that wait at most; one more is refused. */
  writesWaitingMax?: number
  /** Writes that one commit takes at most. */
  writesPerCommitMax?: number
  /** How long writes go on, in milliseconds, before whoever only reads has a turn. */
  turnMilliseconds?: number
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

/** The connection that writes, with what it needs beside. */
interface Engine {
  connection: Sqlite.Database
  prepare: Prepare
  turns: ReturnType<typeof turnKeeper>
  execute(text: Control): void
}

function engineOf(connection: Sqlite.Database, turnMilliseconds: number): Engine {
  // `fromEntries` forgets the names.
  const control = Object.fromEntries(
    controls.map((text) => [text, connection.prepare(text)]),
  ) as Record<Control, Sqlite.Statement>
  return {
    connection,
    prepare: preparer(connection),
    turns: turnKeeper(turnMilliseconds),
    execute: (text) => control[text].run(),
  }
}

/** Answers how the write is to be answered, once it is flushed. */
async function applyOne(
  { connection, prepare, turns, execute }: Engine,
  write: Write,
): Promise<() => void> {
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
async function commitLong({ connection, turns, execute }: Engine): Promise<void> {
  const gathered = connection.pragma('wal_autocheckpoint', { simple: true })
  await turns.next()
  connection.pragma('wal_autocheckpoint = 0')
  try {
    execute('COMMIT')
  } finally {
    connection.pragma(`wal_autocheckpoint = ${gathered}`)
  }
}

async function checkpoint({ connection, turns }: Engine): Promise<void> {
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
async function lock({ execute }: Engine, waiting: Write[]): Promise<boolean> {
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

interface CommitSome {
  verifyPlaces(): void
  onCommit: CommitListener
  writesPerCommitMax: number
}

/** Commits some of those that wait. */
async function commitSome(engine: Engine, waiting: Write[], options: CommitSome): Promise<void> {
  const { connection, turns, execute } = engine
  if (!(await lock(engine, waiting))) return
  const writes = waiting.splice(0, options.writesPerCommitMax)
  const answers: (() => void)[] = []
  turns.begin()
  const isLong = () => turns.taken() >= longTurns
  try {
    for (const write of writes) answers.push(await applyOne(engine, write))
    options.verifyPlaces()
    if (isLong()) await commitLong(engine)
    else execute('COMMIT')
  } catch (error) {
    if (connection.inTransaction) execute('ROLLBACK')
    failAll(writes, error)
    return
  }
  // Refusals wait for the flush as well: they may rest on what a neighbour wrote.
  for (const answer of answers) answer()
  options.onCommit(writes.length)
  if (isLong()) await checkpoint(engine)
}

/**
 * Writes that wait together are applied in one transaction, each in a savepoint of its own, and answered after its
 * one flush. The flush is the cost of a durable write, so sharing it is what makes many writers fast.
 */
export function committer(
  connection: Sqlite.Database,
  { verifyPlaces, onCommit }: { verifyPlaces: () => void; onCommit: CommitListener },
  {
    writesPerCommitMax = 256,
    writesWaitingMax = 1_000,
    turnMilliseconds = 10,
    busyTimeoutMilliseconds = busyTimeoutDefault,
  }: CommitOptions,
) {
  const engine = engineOf(connection, turnMilliseconds)
  const some = { verifyPlaces, onCommit, writesPerCommitMax }
  const waiting: Write[] = []
  let idle = Promise.resolve()
  let scheduled = false

  function schedule(): void {
    scheduled = true
    // One turn of the event loop later, every request that had arrived has joined.
    idle = new Promise((resolve) => {
      setImmediate(async () => {
        await commitSome(engine, waiting, some)
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
