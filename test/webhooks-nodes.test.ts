import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openDatabase } from '../src/database/open.ts'
import { type Engine, engines } from './engines.ts'
import { type Program, startProgram } from './program.ts'
import {
  createWebhookWorld,
  tellSome,
  toThisMachine,
  type WebhookWorld,
  webhookSecret,
} from './webhook-world.ts'

const postgres = engines.find(({ name }) => name === 'PostgreSQL') as Engine

/** What a test tells. */
const eventsCount = 400

/** A claim outlives its node so long, in milliseconds. */
const leaseMilliseconds = 20_000

describe('webhooks of several nodes', () => {
  let world: WebhookWorld
  let nodes: Program[]
  beforeEach(async () => {
    world = await createWebhookWorld(postgres)
    nodes = []
  })
  afterEach(async () => {
    for (const node of nodes) node.signal('SIGKILL')
    await Promise.all(nodes.map(({ ended }) => ended))
    await world.close()
  })

  async function startNode(): Promise<Program> {
    const settings = { DATABASE_URL: world.test.url, METRICS_ADDRESS: 'off', LOG_LEVEL: 'trace' }
    const allowed = { FETCH_PRIVATE_ADDRESSES: toThisMachine.POINTSMAN_FETCH_PRIVATE_ADDRESSES }
    const node = await startProgram({ ...settings, ...allowed })
    nodes.push(node)
    return node
  }

  /** Of each event how often it came. */
  const times = () =>
    [
      ...Map.groupBy(world.receiver.received, ({ body }) => JSON.parse(body).call.callId).values(),
    ].map(({ length }) => length)

  it('note each event once and send it once, while none of them dies', async () => {
    const path = await world.create()
    await Promise.all([startNode(), startNode()])
    for (let count = 0; count < eventsCount; count += 20) {
      await tellSome(world, 20)
      await delay(10)
    }
    await vi.waitFor(() => expect(times()).toHaveLength(eventsCount), { timeout: 30_000 })
    await vi.waitFor(async () => expect((await world.deliveries(path)).waiting).toBe(0), {
      timeout: 30_000,
    })
    expect(new Set(times())).toEqual(new Set([1]))
    for (const node of nodes) {
      expect(node.output()).not.toContain(webhookSecret)
      expect(node.output()).not.toContain(world.receiver.url)
    }
    expect(new Set(world.receiver.received.map(({ id }) => id)).size).toBe(eventsCount)
  }, 120_000)

  it('lose nothing where they are killed, and send again only what was on its way', async () => {
    const path = await world.create()
    // This process tells and answers, and neither notes nor sends.
    await world.app.close()
    const [first] = [await startNode(), await startNode()]
    world.receiver.answer = (response) => setTimeout(() => response.writeHead(204).end(), 5)
    const database = await openDatabase(world.test.url)
    try {
      for (let count = 0; count < eventsCount; count += 20) {
        await tellSome({ database }, 20)
        if (count === eventsCount / 2) first?.signal('SIGKILL')
        await delay(10)
      }
      const patience = { timeout: 3 * leaseMilliseconds }
      await vi.waitFor(() => expect(times()).toHaveLength(eventsCount), patience)
      // Each webhook has four on their way from a node.
      const doubles = times().filter((count) => count > 1)
      expect(doubles.length).toBeLessThanOrEqual(4)
      expect(Math.max(...times())).toBeLessThanOrEqual(2)
      const left = { text: 'SELECT delivery_id FROM webhook_deliveries' }
      await vi.waitFor(async () => expect(await database.all(left)).toEqual([]), patience)
      expect(new Set(world.receiver.received.map(({ id }) => id)).size).toBe(eventsCount)
      expect(path).toContain('/webhooks/hook/')
    } finally {
      await database.close()
    }
  }, 180_000)
})
