import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { Database } from '../database/database.ts'
import { DatabaseUnavailable } from '../errors.ts'
import { type Horizon, watchHorizon } from './horizon.ts'
import { changesPerRead, isWithin, type KeptChange, readChanges } from './kept-changes.ts'
import type { Scope } from './record.ts'

/** How long whoever must read waits after the database was not available, in milliseconds. */
const retryMilliseconds = 1_000

export interface FollowOptions {
  /** Whose changes, with those of all that is below; everybody's unless told. */
  scope?: Scope
  /** Ends it. */
  signal: AbortSignal
}

/** The record of changes as it grows. */
export interface Feed {
  /**
   * Every change with a position above `after`, in order and each once, some at a time as they come, without end. They are
   * read when they are asked for, so whoever is slow holds nobody up and takes no memory. While the database is not available it waits.
   */
  follow(after: number, options: FollowOptions): AsyncGenerator<KeptChange[], void>
  /** Ends it for all. */
  close(): Promise<void>
}

interface Part {
  changes: KeptChange[]
  /** Nothing up to it is missing. */
  reached: number
}

/** Reads, again and again while the database is not available; undefined when `signal` aborted. */
async function patiently<Result>(
  read: () => Promise<Result>,
  signal: AbortSignal,
): Promise<Result | undefined> {
  while (!signal.aborted) {
    try {
      return await read()
    } catch (error) {
      if (!(error instanceof DatabaseUnavailable)) throw error
    }
    await delay(retryMilliseconds, undefined, { signal }).catch(() => {})
  }
  return undefined
}

/** Opens the feed. However many follow, one horizon is looked after, and only while somebody follows. */
export function openFeed(database: Database): Feed {
  const closing = new AbortController()
  let shared: { horizon: Horizon; followers: number } | undefined

  async function nextPart(after: number, horizon: Horizon, scope?: Scope): Promise<Part> {
    const upTo = horizon.position() ?? after
    const recent = horizon.recent(after)
    if (recent) {
      const changes = recent.filter((change) => isWithin(change, scope))
      return { changes, reached: upTo }
    }
    await nextTurn()
    const changes = await readChanges(database, { after, upTo }, scope)
    const last = changes.at(-1)?.position ?? upTo
    return { changes, reached: changes.length === changesPerRead ? last : upTo }
  }

  async function* parts(
    after: number,
    horizon: Horizon,
    { scope, signal }: FollowOptions,
  ): AsyncGenerator<KeptChange[], void> {
    let reached = after
    for (;;) {
      await horizon.above(reached, signal)
      if (signal.aborted) return
      const part = await patiently(() => nextPart(reached, horizon, scope), signal)
      if (!part) return
      reached = part.reached
      if (part.changes.length > 0) yield part.changes
    }
  }

  return {
    async *follow(after, { scope, signal }) {
      const ending = AbortSignal.any([signal, closing.signal])
      shared ??= { horizon: watchHorizon(database), followers: 0 }
      const own = shared
      own.followers += 1
      try {
        yield* parts(after, own.horizon, { ...(scope && { scope }), signal: ending })
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
