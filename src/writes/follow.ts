import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { Database } from '../database/database.ts'
import { DatabaseUnavailable, Refusal } from '../errors.ts'
import { type Horizon, watchHorizon } from './horizon.ts'
import { countTogether, isOfScope, type Log, type LogRow, type Span } from './log.ts'
import type { Scope } from './record.ts'

/** How long whoever must read waits after the database was not available, in milliseconds. */
const retryMilliseconds = 1_000

export interface FollowOptions {
  /** Whose rows, with those of all that is below; everybody's unless told. */
  scope?: Scope
  /** Ends it. */
  signal: AbortSignal
  /** Reads what is no longer remembered, when its turn comes; at once unless told. */
  inTurn?<Result>(read: () => Promise<Result>): Promise<Result>
}

/** Some rows as they come. */
export interface Batch<Row extends LogRow> {
  rows: readonly Row[]
  /** Nothing up to this position is missing. */
  reached: number
}

/** A log as it grows. */
export interface Feed<Row extends LogRow> {
  /**
   * Every row with a position above `after`, or all that are committed from now on where it is undefined; in order and
   * each once, some at a time as they come, without end. They are read when they are asked for, so whoever is slow holds nobody
   * up and takes no memory. While the database is not available it waits.
   */
  follow(after: number | undefined, options: FollowOptions): AsyncGenerator<Batch<Row>, void>
  /** Ends it for all. */
  close(): Promise<void>
}

/** Whether it may be better in a moment: the database was not available, or too many were reading. */
function isPassing(error: unknown): boolean {
  return error instanceof DatabaseUnavailable || (error instanceof Refusal && error.status === 503)
}

/** Reads, again and again while that is not possible; undefined when `signal` aborted. */
export async function patiently<Result>(
  read: () => Promise<Result>,
  signal: AbortSignal,
): Promise<Result | undefined> {
  while (!signal.aborted) {
    try {
      return await read()
    } catch (error) {
      if (!isPassing(error)) throw error
    }
    await delay(retryMilliseconds, undefined, { signal }).catch(() => {})
  }
  return undefined
}

const atOnce = <Result>(read: () => Promise<Result>): Promise<Result> => read()

/** Reads what is not remembered. */
function readBatch<Row extends LogRow>(
  { database, log }: { database: Database; log: Log<Row> },
  span: Span,
  { scope, inTurn = atOnce }: FollowOptions,
): Promise<Batch<Row>> {
  return inTurn(async () => {
    const shorter = await log.shorten(database, span, scope)
    await nextTurn()
    return { rows: await log.read(database, shorter, scope), reached: shorter.upTo }
  })
}

/** Opens a feed. However many follow, one horizon is looked after, and only while somebody follows. */
export function openFeed<Row extends LogRow>(database: Database, log: Log<Row>): Feed<Row> {
  const closing = new AbortController()
  let shared: { horizon: Horizon<Row>; followers: number } | undefined

  function nextBatch(
    { after, since }: { after: number; since: number },
    horizon: Horizon<Row>,
    options: FollowOptions,
  ): Promise<Batch<Row>> | Batch<Row> {
    const { scope } = options
    const upTo = horizon.position() ?? after
    // What was there before is read: since it was remembered it may have become nobody's.
    const recent = after < since ? undefined : horizon.recent(after)
    if (!recent) return readBatch({ database, log }, { after, upTo }, options)
    const own = recent.filter((row) => isOfScope(row, scope))
    const rows = own.slice(0, countTogether(own.map((row) => ({ bytes: log.bytesOf(row) }))))
    const isCut = rows.length < own.length
    return { rows, reached: isCut ? (rows.at(-1)?.position ?? upTo) : upTo }
  }

  async function* batches(
    after: number | undefined,
    horizon: Horizon<Row>,
    options: FollowOptions,
  ): AsyncGenerator<Batch<Row>, void> {
    const { signal } = options
    let reached = after
    let since = horizon.position()
    for (;;) {
      await horizon.above(reached, signal)
      if (signal.aborted) return
      since ??= horizon.position()
      // What is final is committed: who begins now sees the rest.
      const from = reached ?? horizon.position() ?? 0
      const next = { after: from, since: since ?? from }
      const batch = await patiently(async () => nextBatch(next, horizon, options), signal)
      if (!batch) return
      reached = batch.reached
      yield batch
    }
  }

  return {
    async *follow(after, options) {
      const signal = AbortSignal.any([options.signal, closing.signal])
      shared ??= { horizon: watchHorizon(database, log), followers: 0 }
      const own = shared
      own.followers += 1
      try {
        yield* batches(after, own.horizon, { ...options, signal })
      } finally {
        own.followers -= 1
        if (own.followers === 0) {
          if (shared === own) shared = undefined
          await own.horizon.stop()
        }
      }
    },
    async close() {
      closing.abort()
      await shared?.horizon.stop()
    },
  }
}
