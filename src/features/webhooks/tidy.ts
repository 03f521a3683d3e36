import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { Database } from '../../database/database.ts'
import { oneStep, rowsPerStep } from '../../writes/steps.ts'
import { parkedDaysMax } from './deliveries.ts'

const dayMilliseconds = 86_400_000

/** How often it is looked for what was given up long ago. */
const lookMilliseconds = 3_600_000

/** Between two steps: there is no hurry, and others want to write. */
const stepRestMilliseconds = 50

const shape = {
  name: 'webhook_deliveries',
  key: ['tenant_key', 'group_key', 'webhook_name', 'delivery_id'],
}
const deleteOld = oneStep('DELETE FROM webhook_deliveries', {
  shape,
  where: 'next_at IS NULL AND attempted_at < ?',
})

/** Removes what was given up before a time, in milliseconds since 1970. */
export async function removeParked(
  database: Database,
  before: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const count = await database.write((transaction) => transaction.run(deleteOld, before), 'keys')
    if (count < rowsPerStep) return
    await delay(stepRestMilliseconds)
  }
}

/**
 * Removes every hour what was given up longer ago than it is kept.
 *
 * @returns what ends it.
 */
export function keepTidy(
  database: Database,
  logger: Pick<FastifyBaseLogger, 'warn'>,
): () => Promise<void> {
  const stopping = new AbortController()
  const { signal } = stopping

  async function run(): Promise<void> {
    for (;;) {
      await delay(lookMilliseconds, undefined, { signal }).catch(() => {})
      if (signal.aborted) return
      try {
        await removeParked(database, Date.now() - parkedDaysMax * dayMilliseconds, signal)
      } catch (error) {
        logger.warn({ err: error }, 'old deliveries of webhooks could not be removed')
      }
    }
  }

  const ended = run()
  return async () => {
    stopping.abort()
    await ended
  }
}
