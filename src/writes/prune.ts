import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import { type Database, sql } from '../database/database.ts'
import { rowsPerStep } from './steps.ts'

/** How often it is looked for rows that are too old. */
const lookMilliseconds = 3_600_000

/** Between two steps: there is no hurry, and others want to write. */
const restMilliseconds = 50

const hourMilliseconds = 3_600_000

/** Removes some of the oldest rows that are from before a time in milliseconds since 1970, and answers how many there were. */
export type PruneOnce = (database: Database, before: number) => Promise<number>

/**
 * What removes the oldest rows of a log that are from before a time, as many as one step may. They go in the order of their
 * positions: one of a clock that was ahead keeps those above it as long as it stays itself, so what is left has no
 * holes. The newest of all stays, since the next position follows from it.
 *
 * @param moment the column that tells when a row was written.
 */
export function pruneLog({ table, moment }: { table: string; moment: string }): PruneOnce {
  const selectOldest = sql<{ position: number; written_at: number }>(
    `SELECT position, ${moment} AS written_at FROM ${table} ORDER BY position LIMIT ${rowsPerStep + 1}`,
  )
  const deleteOldest = sql(`DELETE FROM ${table} WHERE position <= ?`)
  return async (database, before) => {
    const oldest = await database.all(selectOldest)
    const firstKept = oldest.findIndex(({ written_at }) => written_at >= before)
    const old = oldest.slice(0, firstKept < 0 ? -1 : firstKept)
    const last = old.at(-1)
    if (!last) return 0
    // Two nodes may do it at once: the second finds nothing left.
    await database.write((transaction) => transaction.run(deleteOldest, last.position), 'keys')
    return old.length
  }
}

export const pruneChanges = pruneLog({ table: 'changes', moment: 'changed_at' })

/** What is not kept for ever. */
export interface Pruning {
  /** Its rows, for people who read the log. */
  what: string
  pruneOnce: PruneOnce
  /** How long rows are kept; 0 for ever. */
  hours: number
  logger: Pick<FastifyBaseLogger, 'info' | 'warn'>
}

async function prune(
  database: Database,
  { pruneOnce, hours }: Pruning,
  signal: AbortSignal,
): Promise<number> {
  const before = Date.now() - hours * hourMilliseconds
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
 * Removes what is too old, now and every hour, step by step beside all else.
 *
 * @returns what ends it, after the step that is under way.
 */
export function keepPruning(database: Database, pruning: Pruning): () => Promise<void> {
  const { what, hours, logger } = pruning
  const stopping = new AbortController()
  const { signal } = stopping

  async function run(): Promise<void> {
    while (hours > 0 && !signal.aborted) {
      try {
        const count = await prune(database, pruning, signal)
        if (count > 0) logger.info({ count }, `Removed ${what} older than ${hours} hours`)
      } catch (error) {
        logger.warn({ err: error }, `Old ${what} could not be removed; it is tried again later`)
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
