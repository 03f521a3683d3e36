import { expect } from 'vitest'
import type { Database } from '../src/database/database.ts'
import { tellEvents } from '../src/features/calls/events/tell.ts'
import { settle } from '../src/features/webhooks/claims.ts'
import { dropOldest, readAllCounts } from '../src/features/webhooks/deliveries.ts'
import { createNoting } from '../src/features/webhooks/noting.ts'
import type { SenderTimes } from '../src/features/webhooks/sending.ts'
import type { Delivery } from '../src/features/webhooks/shown.ts'
import { removeParked } from '../src/features/webhooks/tidy.ts'
import type { WebhookKey } from '../src/features/webhooks/webhook.ts'
import type { Engine } from './engines.ts'
import { quietWebhook } from './every-write.ts'
import { type Receiver, startReceiver } from './receiver.ts'
import { createWorld, group, type World } from './world.ts'

export const webhooksPath = `${group}services/webhooks/`
export const webhookSecret = 'a-secret-that-nobody-guesses'

/** So short that tests need not wait; the time limit leaves a busy machine time enough. */
const quickTimes: Partial<SenderTimes> = {
  retrySeconds: [0.05, 0.05, 0.05],
  timeLimitMilliseconds: 5_000,
  lookMilliseconds: 50,
}

/** Lets webhooks go to this machine. */
export const toThisMachine = { POINTSMAN_FETCH_PRIVATE_ADDRESSES: '127.0.0.1,::1' }

export interface WebhookWorld extends World {
  receiver: Receiver
  /** Creates a webhook of a group, to the receiver unless told. */
  create(body?: object, of?: string): Promise<string>
  /** Tells so many events of a group, the furnished one unless told. */
  tell(count: number, event?: { kind?: string; routePoint?: string; of?: string[] }): Promise<void>
  /** What is to be sent, and was given up, with the totals. */
  deliveries(
    path: string,
    query?: string,
  ): Promise<{ deliveries: Delivery[]; waiting: number; dead: number; dropped: number }>
}

let told = 0

/** Tells events as calls do. */
export async function tellSome(
  { database }: Pick<World, 'database'>,
  count: number,
  {
    kind = 'call.queued',
    routePoint = 'apiotestrp@sip.netaxis.be',
    of = ['footenant', 'foogroup'],
  } = {},
): Promise<void> {
  const [tenantKey = '', groupKey = ''] = of
  const events = Array.from({ length: count }, () => {
    told += 1
    return {
      group: [tenantKey, groupKey] as const,
      routePointKey: routePoint,
      kind,
      at: Date.now(),
      body: { call: { callId: `call-${told}` } },
      ofCall: { id: `call-${told}`, number: 1 },
    }
  })
  await database.write((transaction) => tellEvents(transaction, events))
}

/** The furnished world, its webhooks in a hurry, and somebody who receives them. */
export async function createWebhookWorld(
  engine: Engine,
  times: Partial<SenderTimes> = {},
): Promise<WebhookWorld> {
  const receiver = await startReceiver()
  const world = await createWorld(engine, toThisMachine, undefined, {
    webhookTimes: { ...quickTimes, ...times },
  })
  return {
    ...world,
    receiver,
    async create(body = {}, of = webhooksPath) {
      const whole = { name: 'hook', url: receiver.url, secret: webhookSecret, ...body }
      const { status, text, headers } = await world.ask('system', 'POST', of, whole)
      if (status !== 201) throw new Error(text)
      return String(headers.location)
    },
    tell: (count, event) => tellSome(world, count, event),
    async deliveries(path, query = '') {
      const { status, text, body } = await world.ask('system', 'GET', `${path}deliveries/${query}`)
      if (status !== 200) throw new Error(text)
      return body
    },
    async close() {
      await world.close()
      await receiver.close()
    },
  }
}

/** The bodies of a webhook's creation and change, with all that they write. */
export const webhookLife = {
  create: { ...quietWebhook, name: 'New', routePoints: ['hub'] },
  change: { active: false, secret: `${webhookSecret}!`, secondSecret: webhookSecret },
}

/** What is done with the deliveries of a webhook. */
export function stepsOfWebhook(item: string, deliveryId: string) {
  const delivery = `${item}deliveries/${deliveryId}/`
  const reads = [`${item}deliveries/`, delivery].map((url) => ['GET', url] as const)
  const posts = [`${delivery}send/`, `${item}test/`].map((url) => ['POST', url, {}] as const)
  return [...reads, ...posts].map(([...step]) => step)
}

/** Notes an event for a webhook, and does all that can become of what is to be sent. */
export async function sendInEveryWay(database: Database, webhook: WebhookKey): Promise<void> {
  const noting = createNoting({ database })
  const position = ((await noting.start()) ?? Number.NaN) + 1
  const [tenant_key, group_key] = webhook
  const event = {
    ...{ position, tenant_key, group_key, route_point_key: '', kind: 'call.bounced' },
    value: `{"at":"${new Date().toISOString()}"}`,
  }
  expect(await noting.note({ rows: [event], reached: position })).toBe('noted')
  await readAllCounts(database)
  const letter = { payer: tenant_key, url: '', secrets: [], id: 'none', body: '' }
  const none = { webhook, letter, kind: 'call.bounced', attempts: 0, lease: 0 }
  await settle(database, none, { state: 'gone' })
  await settle(database, none, { state: 'given back', nextAt: 0 })
  await settle(database, none, { state: 'dead', failure: 'words' })
  await database.write(async (transaction) => {
    await dropOldest(transaction, webhook, { of: 'waiting', most: 0 })
    await dropOldest(transaction, webhook, { of: 'parked', most: 0 })
  })
  await removeParked(database, Date.now(), new AbortController().signal)
}
