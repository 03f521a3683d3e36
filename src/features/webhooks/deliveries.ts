import { type Reader, type Statement, sql, type Transaction } from '../../database/database.ts'
import type { WebhookKey } from './webhook.ts'

/** `delivered` is shown of tests alone: whatever else has arrived is gone. */
export const deliveryStates = ['waiting', 'dead', 'delivered'] as const

/** What a webhook is to send. */
export interface NewDelivery {
  webhook: WebhookKey
  /** Rises with time; the same at each attempt. */
  id: string
  kind: string
  body: string
  /** Milliseconds since 1970, as all moments here. */
  happenedAt: number
}

/** Deliveries of a webhook that are kept: of those that wait, and of those that were given up. */
export const keptMax = { waiting: 10_000, parked: 1_000 }

/** How long what was given up is kept, in days. */
export const parkedDaysMax = 30

export const whereWebhook = 'tenant_key = ? AND group_key = ? AND webhook_name = ?'

const insertions = new Map<number, Statement<never>>()

function insertionOf(count: number): Statement<never> {
  const known = insertions.get(count)
  if (known) return known
  const made = sql(
    `INSERT INTO webhook_deliveries
       (tenant_key, group_key, webhook_name, delivery_id, kind, body, happened_at, state, next_at)
     VALUES ${Array(count).fill("(?, ?, ?, ?, ?, ?, ?, 'waiting', ?)").join(', ')}`,
  )
  insertions.set(count, made)
  return made
}

/** Rows that go in one statement, at most; fewer go in powers of two, so that there are few statements to prepare. */
const insertsMax = 64

/** Notes what is to be sent, at once. */
export async function addDeliveries(
  transaction: Transaction,
  deliveries: readonly NewDelivery[],
): Promise<void> {
  const now = Date.now()
  for (let start = 0; start < deliveries.length; ) {
    const fitting = 2 ** Math.floor(Math.log2(deliveries.length - start))
    const part = deliveries.slice(start, start + Math.min(fitting, insertsMax))
    start += part.length
    const values = part.flatMap(({ webhook, id, kind, body, happenedAt }) => [
      ...webhook,
      ...[id, kind, body, happenedAt, now],
    ])
    await transaction.run(insertionOf(part.length), ...values)
  }
}

const countWaiting = sql<{ count: number }>(
  `SELECT count(*) AS count FROM webhook_deliveries WHERE ${whereWebhook} AND next_at IS NOT NULL`,
)

/** How many of a webhook wait. */
export async function readWaiting(reader: Reader, webhook: WebhookKey): Promise<number> {
  return (await reader.get(countWaiting, ...webhook))?.count ?? 0
}

function oldestBeyond(condition: string): Statement<never> {
  return sql(
    `DELETE FROM webhook_deliveries WHERE ${whereWebhook} AND ${condition} AND delivery_id <= (
       SELECT delivery_id FROM webhook_deliveries WHERE ${whereWebhook} AND ${condition}
       ORDER BY delivery_id DESC LIMIT 1 OFFSET ?)`,
  )
}

const deleteOldest = {
  waiting: oldestBeyond('next_at IS NOT NULL'),
  parked: oldestBeyond('next_at IS NULL'),
}
const addDropped = sql(
  'UPDATE webhooks SET dropped = dropped + ? WHERE tenant_key = ? AND group_key = ? AND name = ?',
)

/**
 * Drops the oldest of a webhook's deliveries, so that no more are left than `most`, and counts them on it.
 *
 * @returns how many there were.
 */
export async function dropOldest(
  transaction: Transaction,
  webhook: WebhookKey,
  { of, most }: { of: keyof typeof keptMax; most: number },
): Promise<number> {
  const count = await transaction.run(deleteOldest[of], ...webhook, ...webhook, most)
  if (count > 0) await transaction.run(addDropped, count, ...webhook)
  return count
}

export interface Counts {
  waiting: number
  dead: number
  dropped: number
}

const selectCounts = sql<Counts>(
  `SELECT dropped,
     (SELECT count(*) FROM webhook_deliveries WHERE ${whereWebhook} AND next_at IS NOT NULL) AS waiting,
     (SELECT count(*) FROM webhook_deliveries WHERE ${whereWebhook} AND next_at IS NULL AND state = 'dead') AS dead
   FROM webhooks WHERE tenant_key = ? AND group_key = ? AND name = ?`,
)

/** What became of a webhook's deliveries, as far as it is kept; undefined where there is no such webhook. */
export async function readCounts(reader: Reader, webhook: WebhookKey): Promise<Counts | undefined> {
  return reader.get(selectCounts, ...webhook, ...webhook, ...webhook)
}

const countAll = sql<{ waiting: number; dead: number }>(
  `SELECT (SELECT count(*) FROM webhook_deliveries WHERE next_at IS NOT NULL) AS waiting,
     (SELECT count(*) FROM webhook_deliveries WHERE next_at IS NULL AND state = 'dead') AS dead`,
)

/** How many there are of all webhooks. */
export async function readAllCounts(reader: Reader): Promise<Omit<Counts, 'dropped'>> {
  return (await reader.get(countAll)) ?? { waiting: 0, dead: 0 }
}
