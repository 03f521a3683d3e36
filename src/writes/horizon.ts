import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { Database } from '../database/database.ts'
import { DatabaseUnavailable } from '../errors.ts'
import { changesPerRead, type KeptChange, readChanges, readLastPosition } from './kept-changes.ts'

/** How often it is looked for what other processes have written. */
const lookMilliseconds = 250

/** Commits that follow each other closely are read together: a read for each would cost as much as they do. */
const restMilliseconds = 20

/** What is remembered of the newest changes: rows, and bytes of their values. */
const recentMax = { rows: 1_000, bytes: 4_000_000 }

/** About what the values of a change take. */
export function bytesOf({ before_value, after_value }: KeptChange): { bytes: number } {
  return { bytes: (before_value?.length ?? 0) + (after_value?.length ?? 0) }
}

/** The newest changes, without a gap, so that whoever keeps up is served without a read. */
function rememberRecent() {
  const changes: KeptChange[] = []
  let bytes = 0
  /** All above it are there. */
  let start = 0
  return {
    begin(position: number) {
      start = position
    },
    add(change: KeptChange) {
      changes.push(change)
      bytes += bytesOf(change).bytes
      while (changes.length > recentMax.rows || bytes > recentMax.bytes) {
        const oldest = changes.shift()
        if (!oldest) return
        bytes -= bytesOf(oldest).bytes
        start = oldest.position
      }
    },
    /** Those above a position; undefined where some of them are no longer remembered. */
    after(position: number): KeptChange[] | undefined {
      if (position < start) return undefined
      return changes.slice(changes.findLastIndex((change) => change.position <= position) + 1)
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

/** Up to where the record of changes is final, as it grows. */
export interface Horizon {
  /** No position up to it will be taken any more; undefined until that is known. */
  position(): number | undefined
  /** Changes above `after` and up to the horizon; undefined where they must be read. */
  recent(after: number): KeptChange[] | undefined
  /**
   * Waits until the horizon is above a position, or known where that is undefined, or `signal` aborts.
   *
   * @throws what stopped the horizon, other than a database that is not available.
   */
  above(position: number | undefined, signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

interface Watch {
  database: Database
  /** Ends it. */
  signal: AbortSignal
  recent: ReturnType<typeof rememberRecent>
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
async function begin({ database, signal, recent }: Watch): Promise<number> {
  const last = await readLastPosition(database)
  await database.settle('changes', signal)
  recent.begin(last)
  return last
}

/** Passes over a database that is not available: the next look tries again. */
function noteFailure(watch: Watch, error: unknown): void {
  if (watch.signal.aborted || error instanceof DatabaseUnavailable) return
  watch.failure = { error }
  watch.bell.ring()
}

async function settle(watch: Watch, upTo: number): Promise<void> {
  if (watch.isSettling) return
  watch.isSettling = true
  try {
    await watch.database.settle('changes', watch.signal)
    watch.settled = upTo
    watch.nap.abort()
  } catch (error) {
    noteFailure(watch, error)
  } finally {
    watch.isSettling = false
  }
}

/** Goes on as far as it can, and tells whether there may be more at once. */
async function advance(watch: Watch, from: number): Promise<boolean> {
  const after = { after: from, upTo: Number.MAX_SAFE_INTEGER }
  const changes = await readChanges(watch.database, after)
  let reached = from
  for (const change of changes) {
    const { position } = change
    if (position > reached + 1 && position > watch.settled) {
      void settle(watch, changes.at(-1)?.position ?? position)
      break
    }
    reached = position
    watch.recent.add(change)
  }
  watch.horizon = reached
  if (reached > from) watch.bell.ring()
  return changes.length === changesPerRead && reached > from
}

async function look(watch: Watch): Promise<void> {
  try {
    watch.horizon ??= await begin(watch)
    watch.bell.ring()
    while (await advance(watch, watch.horizon)) await nextTurn()
  } catch (error) {
    noteFailure(watch, error)
  }
}

async function run(watch: Watch): Promise<void> {
  const { database, signal } = watch
  const forget = database.onCommit(() => watch.nap.abort())
  while (!signal.aborted && !watch.failure) {
    watch.nap = new AbortController()
    await look(watch)
    const woken = AbortSignal.any([signal, watch.nap.signal])
    await delay(restMilliseconds)
    await delay(lookMilliseconds, undefined, { signal: woken }).catch(() => {})
  }
  forget()
}

/**
 * Looks after the horizon: after each commit of this process at once, and for those of others often. Changes that follow each other
 * without a gap are final as they are. Behind a gap it waits until the gap is: somebody is still at work, or was undone.
 */
export function watchHorizon(database: Database): Horizon {
  const stopping = new AbortController()
  const watch: Watch = {
    database,
    signal: stopping.signal,
    recent: rememberRecent(),
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
