import { type Reader, sql } from '../../database/database.ts'
import { fold } from '../../documents/normalise.ts'
import { type Fault, invalid, itemPath } from '../../errors.ts'
import { groupKeyIn } from '../../http/place.ts'
import { literalAddress, readUrl } from '../../outbound/ask.ts'
import { examplesOf } from '../../resources/examples.ts'
import type { Key, Prepared } from '../../resources/keeper.ts'
import { exactName } from '../../resources/listed.ts'
import type { Part } from '../../resources/part.ts'
import { all, type Computed, type Resource, type Write } from '../../resources/resource.ts'
import { defineTable } from '../../resources/table.ts'
import { defaultDomain, groupScope, inGroup } from '../groups/groups.ts'
import { hasRoutePoint } from '../route-points/route-points.ts'
import { beginProgress, readNewest } from './progress.ts'
import {
  type Webhook,
  webhookColumns,
  webhookDocument,
  webhookId,
  webhooksPath,
  webhooksTag,
} from './webhook.ts'

/** Webhooks of a group: each event is noted and sent once for each. */
export const webhooksMax = 10

const table = defineTable<Webhook>({
  name: 'webhooks',
  key: webhookColumns,
  listed: {
    Name: exactName('name', ({ name }) => name),
  },
  stored: { is_active: ({ active }) => Number(active) },
})

const countOfGroup = sql<{ count: number }>(
  'SELECT count(*) AS count FROM webhooks WHERE tenant_key = ? AND group_key = ?',
)
const where = 'WHERE tenant_key = ? AND group_key = ? AND name = ?'
const updateSecret = sql(`UPDATE webhooks SET secret = ? ${where}`)
const updateSecond = sql(`UPDATE webhooks SET second_secret = ? ${where}`)
const updateStart = sql(`UPDATE webhooks SET after_position = ? ${where}`)
const selectSeconds = sql<{ name: string }>(
  'SELECT name FROM webhooks WHERE tenant_key = ? AND group_key = ? AND second_secret IS NOT NULL',
)

/** What stands against a URL: names are judged when they are looked up, addresses here already. */
function* urlFaults(url: string, isReachable: (address: string) => boolean): Iterable<Fault> {
  try {
    const address = literalAddress(readUrl(url))
    if (address === undefined || isReachable(address)) return
    yield invalid('url', "The 'url' field has an address that is not public.")
  } catch {
    yield invalid('url', "The 'url' field must be an http or https URL without user and password.")
  }
}

/** Names what exists, at least when it is named. */
async function checkRoutePoints({
  transaction,
  place,
  value,
  before,
}: Write<Webhook>): Promise<Fault[]> {
  const faults: Fault[] = []
  for (const [index, id] of (value.routePoints ?? []).entries()) {
    if (before?.routePoints?.includes(id)) continue
    if (await hasRoutePoint(transaction, [...groupScope({ place }), fold(id)])) continue
    const path = itemPath('routePoints', index)
    faults.push(invalid(path, `The '${path}' field names no route point of the group.`))
  }
  return faults
}

async function checkRoom({ transaction, place, before }: Write<Webhook>): Promise<Fault[]> {
  if (before) return []
  const count = (await transaction.get(countOfGroup, ...groupScope({ place })))?.count ?? 0
  if (count < webhooksMax) return []
  const message = `There are ${webhooksMax} webhooks, the most that a group may have.`
  return [{ code: 2, message }]
}

/** Sends only what happens from now on, where it was not there or not active before. */
async function begin({ transaction, key, value, before }: Write<Webhook>): Promise<void> {
  if (!value.active || before?.active) return
  const newest = await readNewest(transaction)
  await transaction.run(updateStart, newest, ...key)
  await beginProgress(transaction, newest)
}

function sends(isReachable: (address: string) => boolean): Part<Webhook> {
  return {
    async check(write) {
      const { value, before } = write
      // A missing one is told of already.
      const isNew = value.url !== '' && value.url !== before?.url
      return [
        ...(isNew ? urlFaults(value.url, isReachable) : []),
        ...(await checkRoutePoints(write)),
        ...(await checkRoom(write)),
      ]
    },
    afterRow: begin,
  }
}

/** Its secrets stand beside the document, so that nothing shows them that shows it. */
const hasSecrets: Part<Webhook> = {
  prepare: async (secrets): Promise<Prepared> => secrets,
  async afterRow({ transaction, key, prepared: { secret, secondSecret } }) {
    if (secret !== undefined) await transaction.run(updateSecret, secret, ...key)
    if (secondSecret !== undefined)
      await transaction.run(updateSecond, secondSecret || null, ...key)
  },
}

async function secondsOf(
  reader: Reader,
  scope: Key,
  values: readonly Pick<Webhook, 'name'>[],
): Promise<Pick<Webhook, 'hasSecondSecret'>[]> {
  const names = new Set((await reader.all(selectSeconds, ...scope)).map(({ name }) => name))
  return values.map(({ name }) => ({ hasSecondSecret: names.has(name) }))
}

const computed: Computed<Webhook> = {
  members: ['hasSecondSecret'],
  read: async (reader, key, value) => (await secondsOf(reader, groupKeyIn(key), [value]))[0] ?? {},
  readPage: secondsOf,
}

const example = {
  name: 'routing',
  url: 'https://routing.example.org/pointsman/',
  events: ['call.queued', 'call.ended'],
  routePoints: ['APIOTestRP@sip.netaxis.be'],
  active: true,
  hasSecondSecret: false,
}

/** @param isReachable which addresses may be sent to. */
export function webhooksTo(isReachable: (address: string) => boolean): Resource<Webhook> {
  return {
    noun: 'webhook',
    path: webhooksPath,
    id: webhookId,
    permissions: all('group.administer'),
    document: webhookDocument,
    table,
    collection: { ...inGroup, domain: defaultDomain },
    list: { member: 'webhooks' },
    parts: [sends(isReachable), hasSecrets],
    computed,
    removal: { holdsMany: true },
    documentation: {
      tag: webhooksTag,
      description: `A group may have ${webhooksMax}. docs/webhooks.md tells what is sent, and how to know that it is ours.`,
      examples: examplesOf('webhooks', {
        create: {
          name: example.name,
          url: example.url,
          events: example.events,
          routePoints: ['APIOTestRP'],
          secret: 'an-example-that-is-no-secret',
        },
        shown: example,
        change: { active: false },
      }),
    },
  }
}
