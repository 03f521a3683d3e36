import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { Database } from '../database/database.ts'
import { DatabaseUnavailable } from '../errors.ts'
import { type Log, type LogRow, rowsPerRead } from './log.ts'

/** The newest rows, without a gap, so that whoever keeps up is served without a read. */
function rememberRecent<Row extends LogRow>({ recentMax, bytesOf }: Log<Row>) {
  const rows: Row[] = []
  let bytes = 0
  /** All above it are there. */
  let start = 0
  return {
    begin(position: number) {
      start = position
    },
    add(row: Row) {
      rows.push(row)
      bytes += bytesOf(row)
      while (rows.length > recentMax.rows || bytes > recentMax.bytes) {
        const oldest = rows.shift()
        if (!oldest) return
        bytes -= bytesOf(oldest)
        start = oldest.position
      }
    },
    /** Those above a position; undefined where some of them are no longer remembered. */
    after(position: number): Row[] | undefined {
      if (position < start) return undefined
      return rows.slice(rows.findLastIndex((row) => row.position <= position) + 1)
    },
  }
}

/** Wakes all who wait. */
function hangBell() {
  const waiting = new Set<() => void>()
  return {
    ring() {
      for (const wake of waiting) wake()
    },
    /** Waits until it rings, or `signal` aborts. */
    async rung(signal: AbortSignal) {
      const { promise, resolve } = Promise.withResolvers<void>()
      const wake = () => resolve()
      waiting.add(wake)
      signal.addEventListener('abort', wake)
      await promise
      waiting.delete(wake)
      signal.removeEventListener('abort', wake)
    },
  }
}

/** Up to where a log is final, as it grows. */
export interface Horizon<Row extends LogRow> {
  /** No position up to it will be taken any more; undefined until that is known. */
  position(): number | undefined
  /** Rows above `after` and up to the horizon; undefined where they must be read. */
  recent(after: number): Row[] | undefined
  /**
   * Waits until the horizon is above a position, or known where that is undefined, or `signal` aborts.
   *
   * @throws what stopped the horizon, other than a database that is not available.
   */
  above(position: number | undefined, signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

interface Watch<Row extends LogRow> {
  database: Database
  log: Log<Row>
  /** Ends it. */
  signal: AbortSignal
  recent: ReturnType<typeof rememberRecent<Row>>
  /** Rings when the horizon has moved, or will not any more. */
  bell: ReturnType<typeof hangBell>
  horizon: number | undefined
  /** Gaps below it are final. */
  settled: number
  isSettling: boolean
  /** Between two looks; a commit ends it. */
  nap: AbortController
  failure: { error: unknown } | undefined
}

/** What is read now stands above all gaps that were there before. */
async function begin<Row extends LogRow>(watch: Watch<Row>): Promise<number> {
  const { database, log, signal, recent } = watch
  const last = await log.readLast(database)
  await database.settle(log.table, signal)
  recent.begin(last)
  return last
}

/** Passes over a database that is not available: the next look tries again. */
function noteFailure<Row extends LogRow>(watch: Watch<Row>, error: unknown): void {
  if (watch.signal.aborted || error instanceof DatabaseUnavailable) return
  watch.failure = { error }
  watch.bell.ring()
}

async function settle<Row extends LogRow>(watch: Watch<Row>, upTo: number): Promise<void> {
  if (watch.isSettling) return
  watch.isSettling = true
  try {
    await watch.database.settle(watch.log.table, watch.signal)
    watch.settled = upTo
    watch.nap.abort()
  } catch (error) {
    noteFailure(watch, error)
  } finally {
    watch.isSettling = false
  }
}

/** Goes on as far as it can, and tells whether there may be more at once. */
async function advance<Row extends LogRow>(watch: Watch<Row>, from: number): Promise<boolean> {
  const after = { after: from, upTo: Number.MAX_SAFE_INTEGER }
  const rows = await watch.log.read(watch.database, after)
  let reached = from
  for (const row of rows) {
    const { position } = row
    if (position > reached + 1 && position > watch.settled) {
      void settle(watch, rows.at(-1)?.position ?? position)
      break
    }
    reached = position
    watch.recent.add(row)
  }
  watch.horizon = reached
  if (reached > from) watch.bell.ring()
  return rows.length === rowsPerRead && reached > from
}

async function look<Row extends LogRow>(watch: Watch<Row>): Promise<void> {
  try {
    watch.horizon ??= await begin(watch)
    watch.bell.ring()
    while (await advance(watch, watch.horizon)) await nextTurn()
  } catch (error) {
    noteFailure(watch, error)
  }
}

async function run<Row extends LogRow>(watch: Watch<Row>): Promise<void> {
  const { database, log, signal } = watch
  const forget = database.onCommit(() => watch.nap.abort())
  while (!signal.aborted && !watch.failure) {
    watch.nap = new AbortController()
    await look(watch)
    const woken = AbortSignal.any([signal, watch.nap.signal])
    await delay(log.restMilliseconds)
    await delay(log.lookMilliseconds, undefined, { signal: woken }).catch(() => {})
  }
  forget()
}

/**
 * Looks after the horizon: after each commit of this process at once, and for those of others often. Rows that follow each other
 * without a gap are final as they are. Behind a gap it waits until the gap is: somebody is still at work, or was undone.
 */
export function watchHorizon<Row extends LogRow>(database: Database, log: Log<Row>): Horizon<Row> {
  const stopping = new AbortController()
  const watch: Watch<Row> = {
    database,
    log,
    signal: stopping.signal,
    recent: rememberRecent(log),
    bell: hangBell(),
    horizon: undefined,
    settled: 0,
    isSettling: false,
    nap: new AbortController(),
    failure: undefined,
  }
  const ended = run(watch)

  return {
    position: () => watch.horizon,
    recent: (after) => watch.recent.after(after),
    async above(position, signal) {
      while (!signal.aborted && (watch.horizon ?? -1) <= (position ?? -1)) {
        if (watch.failure) throw watch.failure.error
        await watch.bell.rung(signal)
      }
    },
    async stop() {
      stopping.abort()
      await ended
    },
  }
}
