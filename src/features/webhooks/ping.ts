import { randomUUIDv7 } from 'node:crypto'
import type { NewDelivery } from './deliveries.ts'
import type { WebhookKey } from './webhook.ts'

/** The kind of what a test sends: it tells of no call, is sent once, and shown also when it has arrived. */
export const pingKind = 'ping'

/** What a test sends. */
export function pingFor(webhook: WebhookKey): NewDelivery {
  const happenedAt = Date.now()
  const body = JSON.stringify({ type: pingKind, at: new Date(happenedAt).toISOString() })
  return { webhook, id: randomUUIDv7(), kind: pingKind, body, happenedAt }
}
