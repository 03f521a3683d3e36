import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import { DatabaseUnavailable, Refusal } from '../../errors.ts'
import { createFairLine } from '../../http/fair-line.ts'
import { claim, readWebhooksDue } from './claims.ts'
import { type Begun, createPulling } from './pulling.ts'
import { type SendingOptions, sendOne } from './sending.ts'
import type { WebhookKey } from './webhook.ts'

/** What a node sends at the same time: in all, and for one tenant, so that slow receivers of one hold no other up. */
const line = { atOnce: 64, atOnceEach: 16, waitingMax: 4_000, waitingEachMax: 1_000 }

/** What a node sends to one webhook at the same time. */
const atOnceOfWebhook = 4

/** Beside the time limit of an attempt, what a claim and a note of its outcome may take. */
const leaseMargin = 10_000

/** Between two looks: what is noted at short intervals is looked for together. */
const restMilliseconds = 20

/** How long what is being sent may go on when the service stops. */
const graceMilliseconds = 2_000

export interface SenderOptions extends SendingOptions {
  logger: Pick<FastifyBaseLogger, 'warn'>
}

/** Sends what is due, of all webhooks. */
export interface Sender {
  /** Looks at once, not only when it is time. */
  wake(): void
  /** Begins nothing more, and ends or gives back what is being sent. */
  close(): Promise<void>
}

/**
 * Begins to send. Each delivery is taken under a lease, so that nodes do not send the same; a node that dies leaves what it had, which
 * another takes when the lease is over.
 */
export function startSender(options: SenderOptions): Sender {
  const { database, logger, times } = options
  const turns = createFairLine(line)
  /** Ends the looking, and then what is being sent. */
  const stopping = new AbortController()
  const leaving = new AbortController()
  const { signal } = stopping
  let nap = new AbortController()

  function tell(error: unknown): void {
    const isPassing = error instanceof DatabaseUnavailable || error instanceof Refusal
    if (isPassing || signal.aborted) return
    logger.warn({ err: error }, 'a webhook could not be sent; it is tried again')
  }

  /** Waits for a place, and in it takes a delivery that is due and sends it. */
  function begin(webhook: WebhookKey): Begun {
    const { promise: taken, resolve: take } = Promise.withResolvers<boolean>()
    const client = { payer: webhook[0], isGone: () => signal.aborted }
    const work = turns.run(client, async () => {
      if (signal.aborted) return
      const found = await claim(database, webhook, times.timeLimitMilliseconds + leaseMargin)
      take(found?.hasMore ?? false)
      if (found) await sendOne(options, found.claim, leaving.signal)
    })
    return { taken, ended: work.catch(tell).finally(() => take(false)) }
  }

  const pulling = createPulling(begin, { atOnce: atOnceOfWebhook, signal })

  async function run(): Promise<void> {
    while (!signal.aborted) {
      nap = new AbortController()
      await readWebhooksDue(database).then((due) => due.forEach(pulling.pull), tell)
      await delay(restMilliseconds)
      const woken = AbortSignal.any([signal, nap.signal])
      await delay(times.lookMilliseconds, undefined, { signal: woken }).catch(() => {})
    }
  }

  const ended = run()
  return {
    wake: () => nap.abort(),
    async close() {
      stopping.abort()
      await ended
      const grace = setTimeout(() => leaving.abort(), graceMilliseconds)
      await pulling.ended()
      clearTimeout(grace)
    },
  }
}
