import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import { type Database, sql } from '../database/database.ts'
import { rowsPerStep } from './steps.ts'

const dayMilliseconds = 86_400_000

/** How often it is looked for changes that are too old. */
const lookMilliseconds = 3_600_000

/** Between two steps: there is no hurry, and others want to write. */
const restMilliseconds = 50

const selectOldest = sql<{ position: number; changed_at: number }>(
  `SELECT position, changed_at FROM changes ORDER BY position LIMIT ${rowsPerStep + 1}`,
)
const deleteOldest = sql('DELETE FROM changes WHERE position <= ?')

/**
 * Removes the oldest changes that were written before a time in milliseconds since 1970, as many as one step may. They go in
 * the order of their positions: one of a clock that was ahead keeps those above it as long as it stays itself, so what is
 * left of the record has no holes. The newest of all stays, since the next position follows from it.
 *
 * @returns how many there were; as many as a step has where there may be more.
 */
export async function pruneOnce(database: Database, before: number): Promise<number> {
  const oldest = await database.all(selectOldest)
  const firstKept = oldest.findIndex(({ changed_at }) => changed_at >= before)
  const old = oldest.slice(0, firstKept < 0 ? -1 : firstKept)
  const last = old.at(-1)
  if (!last) return 0
  // Two nodes may do it at once: the second finds nothing left.
  await database.write((transaction) => transaction.run(deleteOldest, last.position), 'keys')
  return old.length
}

async function prune(
  database: Database,
  { days, signal }: { days: number; signal: AbortSignal },
): Promise<number> {
  const before = Date.now() - days * dayMilliseconds
  let count = 0
  while (!signal.aborted) {
    const pruned = await pruneOnce(database, before)
    count += pruned
    if (pruned < rowsPerStep) break
    await delay(restMilliseconds)
  }
  return count
}

/**
 * Removes changes that are older than `days`, now and every hour, step by step beside all else; none where `days` is 0.
 *
 * @returns what ends it, after the step that is under way.
 */
export function keepPruning(
  database: Database,
  { days, logger }: { days: number; logger: Pick<FastifyBaseLogger, 'info' | 'warn'> },
): () => Promise<void> {
  const stopping = new AbortController()
  const { signal } = stopping

  async function run(): Promise<void> {
    while (days > 0 && !signal.aborted) {
      try {
        const count = await prune(database, { days, signal })
        if (count > 0) logger.info({ count }, `Removed changes older than ${days} days`)
      } catch (error) {
        logger.warn({ err: error }, 'Old changes could not be removed; it is tried again later')
      }
      await delay(lookMilliseconds, undefined, { signal }).catch(() => {})
    }
  }

  const ended = run()
  return async () => {
    stopping.abort()
    await ended
  }
}
