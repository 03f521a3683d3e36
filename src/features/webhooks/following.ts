import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import { DatabaseUnavailable } from '../../errors.ts'
import type { Feed } from '../../writes/follow.ts'
import type { KeptEvent } from '../calls/events/kept-events.ts'
import { createNoting, type NotingOptions } from './noting.ts'

/** How long a node leaves the noting to another one that was faster: who is first goes on. */
const behindMilliseconds = 1_000

/** Until it is looked again whether any webhook is active, and what failed is tried again. */
const againMilliseconds = 1_000

export interface FollowingOptions extends NotingOptions {
  logger: Pick<FastifyBaseLogger, 'warn'>
  /** What happens to the calls of all groups. */
  events: Pick<Feed<KeptEvent>, 'follow'>
  /** Told when something was noted. */
  onNoted(): void
}

/**
 * Begins to note what webhooks are to send, as events come. Every node does; each event is noted once.
 *
 * @returns what ends it.
 */
export function followEvents(options: FollowingOptions): () => Promise<void> {
  const { logger, events, onNoted } = options
  const stopping = new AbortController()
  const { signal } = stopping
  const rest = (milliseconds: number) => delay(milliseconds, undefined, { signal }).catch(() => {})

  /** Follows as long as any webhook is active. */
  async function once(): Promise<void> {
    const noting = createNoting(options)
    const start = await noting.start()
    if (start === undefined) return
    for await (const batch of events.follow(start, { signal })) {
      const what = await noting.note(batch)
      if (what === 'idle') return
      if (what === 'noted') onNoted()
      if (what === 'behind') await rest(behindMilliseconds)
    }
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await once()
      } catch (error) {
        if (signal.aborted) return
        if (!(error instanceof DatabaseUnavailable)) {
          logger.warn({ err: error }, 'webhooks could not be noted; it is tried again')
        }
      }
      await rest(againMilliseconds)
    }
  }

  const ended = run()
  return async () => {
    stopping.abort()
    await ended
  }
}
