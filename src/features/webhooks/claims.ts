import { type Database, type Reader, sql, type Transaction } from '../../database/database.ts'
import type { Letter } from './attempt.ts'
import { dropOldest, keptMax, whereWebhook } from './deliveries.ts'
import type { Webhook, WebhookKey } from './webhook.ts'

/** A delivery that nobody else sends until its lease is over. */
export interface Claim {
  webhook: WebhookKey
  letter: Letter
  kind: string
  /** Those before this one. */
  attempts: number
  /** Its `next_at`, by which it is known to be still ours. */
  lease: number
}

interface DueRow {
  value: string
  secret: string
  second_secret: string | null
  delivery_id: string
  kind: string
  body: string
  attempts: number
  next_at: number
}

const selectDue = sql<DueRow>(
  `SELECT webhooks.value, secret, second_secret, delivery_id, kind, body, attempts, next_at FROM webhooks
   JOIN webhook_deliveries ON webhook_deliveries.tenant_key = webhooks.tenant_key
     AND webhook_deliveries.group_key = webhooks.group_key AND webhook_deliveries.webhook_name = webhooks.name
   WHERE webhooks.tenant_key = ? AND webhooks.group_key = ? AND webhooks.name = ? AND is_active = 1 AND next_at <= ?
   ORDER BY next_at LIMIT 2`,
)

const ifOurs = `${whereWebhook} AND delivery_id = ? AND next_at = ?`
const move = sql(`UPDATE webhook_deliveries SET next_at = ? WHERE ${ifOurs}`)
const remove = sql(`DELETE FROM webhook_deliveries WHERE ${whereWebhook} AND delivery_id = ?`)
const noteAttempt = sql(
  `UPDATE webhook_deliveries SET state = ?, attempts = attempts + 1, attempted_at = ?, next_at = ?, failure = ?
   WHERE ${ifOurs}`,
)

const selectWebhooksDue = sql<{ tenant_key: string; group_key: string; name: string }>(
  `SELECT tenant_key, group_key, name FROM webhooks WHERE is_active = 1 AND EXISTS (
     SELECT 1 FROM webhook_deliveries WHERE webhook_deliveries.tenant_key = webhooks.tenant_key
       AND webhook_deliveries.group_key = webhooks.group_key AND webhook_deliveries.webhook_name = webhooks.name
       AND next_at <= ?)`,
)

/** The webhooks that have something to send now. */
export async function readWebhooksDue(reader: Reader): Promise<WebhookKey[]> {
  const rows = await reader.all(selectWebhooksDue, Date.now())
  return rows.map(({ tenant_key, group_key, name }) => [tenant_key, group_key, name])
}

function letterOf([payer]: WebhookKey, row: DueRow): Letter {
  const { url }: Webhook = JSON.parse(row.value)
  const secrets = [row.secret, row.second_secret].filter((secret) => secret !== null)
  return { payer, url, secrets, id: row.delivery_id, body: row.body }
}

/**
 * Takes the delivery of a webhook that is due for the longest time, so that no other node takes it before the lease is over. Two that do
 * so at once meet in its row.
 *
 * @returns undefined where none is due; and whether another one is.
 */
export async function claim(
  database: Database,
  webhook: WebhookKey,
  leaseMilliseconds: number,
): Promise<{ claim: Claim; hasMore: boolean } | undefined> {
  return database.write(async (transaction) => {
    const now = Date.now()
    const [row, next] = await transaction.all(selectDue, ...webhook, now)
    if (!row) return undefined
    const { delivery_id: id, kind, attempts, next_at } = row
    const lease = now + leaseMilliseconds
    await transaction.run(move, lease, ...webhook, id, next_at)
    const claim = { webhook, letter: letterOf(webhook, row), kind, attempts, lease }
    return { claim, hasMore: next !== undefined }
  }, 'keys')
}

/** What is kept of a delivery after an attempt. */
export type Settlement =
  | { state: 'gone' }
  | { state: 'delivered' }
  | { state: 'dead'; failure: string }
  | { state: 'waiting'; failure: string; nextAt: number }
  /** As if there had been no attempt. */
  | { state: 'given back'; nextAt: number }

async function settleIn(
  transaction: Transaction,
  { webhook, letter: { id }, lease }: Claim,
  settlement: Settlement,
): Promise<number> {
  const { state } = settlement
  const key = [...webhook, id, lease]
  if (state === 'gone') {
    // It has arrived, whoever sends it once more.
    await transaction.run(remove, ...webhook, id)
    return 0
  }
  if (state === 'given back') {
    await transaction.run(move, settlement.nextAt, ...key)
    return 0
  }
  const nextAt = state === 'waiting' ? settlement.nextAt : null
  const failure = state === 'delivered' ? null : settlement.failure
  await transaction.run(noteAttempt, state, Date.now(), nextAt, failure, ...key)
  if (state === 'waiting') return 0
  return dropOldest(transaction, webhook, { of: 'parked', most: keptMax.parked })
}

/**
 * Notes what became of an attempt, unless somebody else has it by now.
 *
 * @returns how many of those that were given up went for it, since there were too many.
 */
export function settle(
  database: Database,
  claimed: Claim,
  settlement: Settlement,
): Promise<number> {
  return database.write((transaction) => settleIn(transaction, claimed, settlement), 'keys')
}
