import { randomUUIDv7 } from 'node:crypto'
import { type Database, type Reader, type Statement, sql } from '../../database/database.ts'
import { fold } from '../../documents/normalise.ts'
import type { DeliveryOutcome } from '../../metrics/webhooks.ts'
import type { Batch } from '../../writes/follow.ts'
import type { KeptEvent } from '../calls/events/kept-events.ts'
import { addDeliveries, type NewDelivery } from './deliveries.ts'
import { readProgress, saveProgress } from './progress.ts'
import { createRoom } from './room.ts'
import type { Webhook } from './webhook.ts'

interface WebhookRow {
  tenant_key: string
  group_key: string
  name: string
  value: string
  after_position: number
}

const selectLowest = sql<{ lowest: number | null }>(
  'SELECT min(after_position) AS lowest FROM webhooks WHERE is_active = 1',
)
const selections = new Map<number, Statement<WebhookRow>>()

function selectionOf(groups: number): Statement<WebhookRow> {
  const known = selections.get(groups)
  if (known) return known
  const made = sql<WebhookRow>(
    `SELECT tenant_key, group_key, name, value, after_position FROM webhooks
     WHERE is_active = 1 AND (tenant_key, group_key) IN (VALUES ${Array(groups).fill('(?, ?)').join(', ')})`,
  )
  selections.set(groups, made)
  return made
}

/** The groups of some events, as often as makes a power of two, so that there are few statements to prepare. */
function groupsOf(events: readonly KeptEvent[]): (readonly [string, string])[] {
  const known = events.flatMap(({ tenant_key, group_key }) =>
    tenant_key === null || group_key === null ? [] : [[tenant_key, group_key] as const],
  )
  const groups = [...new Map(known.map((group) => [JSON.stringify(group), group])).values()]
  const [first] = groups
  while (first && !Number.isInteger(Math.log2(groups.length))) groups.push(first)
  return groups
}

/** The webhooks of the groups of some events. */
async function readWebhooks(reader: Reader, events: readonly KeptEvent[]): Promise<WebhookRow[]> {
  const groups = groupsOf(events)
  if (groups.length === 0) return []
  return reader.all(selectionOf(groups.length), ...groups.flat())
}

/** The text of an event with the position by which the stream knows it. */
function bodyOf({ position, value }: KeptEvent): string {
  return `{"id":"${position}",${value.slice(1)}`
}

/** What one webhook is to send of some events. */
function deliveriesOf(row: WebhookRow, events: readonly KeptEvent[]): NewDelivery[] {
  const { tenant_key, group_key, name, after_position } = row
  const { events: kinds, routePoints }: Webhook = JSON.parse(row.value)
  const wanted: ReadonlySet<string> | undefined = kinds && new Set<string>(kinds)
  const places = routePoints && new Set(routePoints.map(fold))
  const own = events.filter(
    (event) =>
      event.tenant_key === tenant_key &&
      event.group_key === group_key &&
      event.position > after_position &&
      (wanted?.has(event.kind) ?? true) &&
      // What is the group's own concerns whoever is told of any route point of it.
      (event.route_point_key === '' || (places?.has(event.route_point_key) ?? true)),
  )
  return own.map((event) => ({
    webhook: [tenant_key, group_key, name] as const,
    id: randomUUIDv7(),
    kind: event.kind,
    body: bodyOf(event),
    happenedAt: Date.parse(JSON.parse(event.value).at),
  }))
}

/** Up to where nothing is to be sent any more; undefined where no webhook is active. */
async function readStart(reader: Reader): Promise<number | undefined> {
  const lowest = (await reader.get(selectLowest))?.lowest ?? undefined
  if (lowest === undefined) return undefined
  return Math.max(lowest, (await readProgress(reader)) ?? 0)
}

/** Events that may come while nothing is written: so many are looked at again after a restart. */
const unwrittenMax = 1_000

export interface NotingOptions {
  database: Database
  /** Told of what goes unsent. */
  count?(outcome: DeliveryOutcome, count?: number): void
}

/** Notes what webhooks are to send of the events that come. */
export function createNoting({ database, count }: NotingOptions) {
  const room = createRoom()
  /** Up to where this node has written, or looked when it began. */
  let written = 0

  /** Notes it all at once with how far it has come, so that each event is noted once, whichever node does it. */
  async function write({ rows, reached }: Batch<KeptEvent>): Promise<boolean> {
    let dropped = 0
    const hasNoted = await database.write(async (transaction) => {
      dropped = 0
      const progress = await readProgress(transaction)
      if (progress === undefined || progress >= reached) return false
      const rest = rows.filter(({ position }) => position > progress)
      const webhooks = await readWebhooks(transaction, rest)
      for (const webhook of webhooks) {
        const deliveries = deliveriesOf(webhook, rest)
        if (deliveries.length === 0) continue
        await addDeliveries(transaction, deliveries)
        const key = [webhook.tenant_key, webhook.group_key, webhook.name] as const
        dropped += await room.keep(transaction, key, deliveries.length)
      }
      await saveProgress(transaction, reached)
      return true
    }, 'keys')
    if (dropped > 0) count?.('dropped', dropped)
    return hasNoted
  }

  return {
    /** Where to begin: behind what is noted, and before what any webhook is to send; undefined where none is active. */
    async start(): Promise<number | undefined> {
      const due = await readStart(database)
      written = due ?? written
      return due
    },

    /**
     * Notes what is to be sent of some events.
     *
     * @returns `behind` where another node had noted them already, `idle` where no webhook is active any more.
     */
    async note(batch: Batch<KeptEvent>): Promise<'noted' | 'nothing' | 'behind' | 'idle'> {
      const { rows, reached } = batch
      const due = await readStart(database)
      if (due === undefined) return 'idle'
      if (due >= reached) return 'behind'
      // How far it has come is written from time to time also where nothing is sent.
      const isLong = reached - written >= unwrittenMax
      const webhooks = await readWebhooks(database, rows)
      const isWanted = webhooks.some((webhook) => deliveriesOf(webhook, rows).length > 0)
      if (!isWanted && !isLong) return 'nothing'
      const hasNoted = await write(batch)
      written = reached
      return hasNoted ? 'noted' : 'behind'
    },
  }
}
