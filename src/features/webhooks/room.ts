import type { Transaction } from '../../database/database.ts'
import { dropOldest, keptMax, readWaiting } from './deliveries.ts'
import type { WebhookKey } from './webhook.ts'

/** Deliveries that may be added to a webhook before those that wait are counted again: a count may be of thousands. */
const countEvery = { least: 100, most: 1_000 }

/** Sees to it that no webhook has many more waiting than may be, and counts them seldom. */
export function createRoom() {
  /** How much may be added to each unseen. */
  const left = new Map<string, number>()
  return {
    /**
     * Notes that so many were added, and drops the oldest that wait where there are too many.
     *
     * @returns how many went.
     */
    async keep(transaction: Transaction, webhook: WebhookKey, added: number): Promise<number> {
      const name = JSON.stringify(webhook)
      const unseen = (left.get(name) ?? 0) - added
      if (unseen >= 0) {
        left.set(name, unseen)
        return 0
      }
      const free = keptMax.waiting - (await readWaiting(transaction, webhook))
      left.set(name, Math.min(Math.max(free, countEvery.least), countEvery.most))
      if (free >= countEvery.least) return 0
      const most = keptMax.waiting - countEvery.least
      return dropOldest(transaction, webhook, { of: 'waiting', most })
    },
  }
}
