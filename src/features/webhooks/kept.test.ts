import { afterEach, describe, expect, it } from 'vitest'
import { engines } from '../../../test/engines.ts'
import { createWebhookWorld, type WebhookWorld } from '../../../test/webhook-world.ts'
import { sql } from '../../database/database.ts'
import type { KeptEvent } from '../calls/events/kept-events.ts'
import { claim, readWebhooksDue, settle } from './claims.ts'
import { addDeliveries, keptMax, parkedDaysMax, readAllCounts } from './deliveries.ts'
import { createNoting } from './noting.ts'
import { removeParked } from './tidy.ts'
import type { WebhookKey } from './webhook.ts'

const webhook: WebhookKey = ['footenant', 'foogroup', 'hook']
const minute = 60_000
const day = 86_400_000

/** Nothing is sent by itself, and nothing noted but what a test notes. */
const still = { lookMilliseconds: 3_600_000 }

describe.each(engines)('what webhooks keep on $name', (engine) => {
  let world: WebhookWorld
  afterEach(() => world.close())

  const id = (index: number) => `019ac7d2-0000-7000-8000-${String(index).padStart(12, '0')}`

  function fill(first: number, count: number) {
    const deliveries = Array.from({ length: count }, (_, index) => ({
      webhook,
      id: id(first + index),
      ...{ kind: 'call.queued', body: '{}', happenedAt: Date.now() },
    }))
    return world.database.write((transaction) => addDeliveries(transaction, deliveries))
  }

  const park = sql(
    "UPDATE webhook_deliveries SET next_at = NULL, state = 'dead', failure = 'words', attempted_at = ?",
  )

  function eventsAbove(position: number, count: number): KeptEvent[] {
    return Array.from({ length: count }, (_, index) => ({
      position: position + index + 1,
      ...{ tenant_key: 'footenant', group_key: 'foogroup', route_point_key: 'rp' },
      ...{ kind: 'call.queued', value: '{"at":"2026-11-29T09:30:00.000Z"}' },
    }))
  }

  it('is ten thousand that wait at most: the oldest go, and are counted', async () => {
    world = await createWebhookWorld(engine, still)
    const path = await world.create()
    await fill(0, keptMax.waiting)
    const counted: [string, number][] = []
    const noting = createNoting({
      database: world.database,
      count: (outcome, count = 1) => void counted.push([outcome, count]),
    })
    let position = (await noting.start()) ?? Number.NaN
    for (let times = 0; times < 3; times += 1) {
      const rows = eventsAbove(position, 150)
      position += rows.length
      expect(await noting.note({ rows, reached: position })).toBe('noted')
    }
    const { waiting, dropped } = await world.deliveries(path)
    expect(waiting).toBeLessThanOrEqual(keptMax.waiting)
    expect(waiting).toBeGreaterThan(keptMax.waiting - 500)
    expect(dropped).toBe(keptMax.waiting + 450 - waiting)
    expect(counted.reduce((sum, [, count]) => sum + count, 0)).toBe(dropped)
    expect(new Set(counted.map(([outcome]) => outcome))).toEqual(new Set(['dropped']))
    // Those that came last are there.
    const { deliveries } = await world.deliveries(path, '?pageSize=1')
    expect(deliveries[0]?.deliveryId).toBe(id(dropped))
  })

  it('is a thousand that were given up at most', async () => {
    world = await createWebhookWorld(engine, still)
    const path = await world.create()
    await fill(0, keptMax.parked)
    await world.database.write((transaction) => transaction.run(park, Date.now()))
    await fill(keptMax.parked, 1)
    const taken = await claim(world.database, webhook, minute)
    if (!taken) throw new Error('None is due.')
    const dead = { state: 'dead', failure: 'It answered 500.' } as const
    expect(await settle(world.database, taken.claim, dead)).toBe(1)
    expect(await world.deliveries(path, '?pageSize=1')).toMatchObject({
      deliveries: [{ deliveryId: id(1) }],
      dead: keptMax.parked,
      dropped: 1,
    })
  })

  it('is what was given up within thirty days', async () => {
    world = await createWebhookWorld(engine, still)
    const path = await world.create()
    await fill(0, 1_100)
    const now = Date.now()
    await world.database.write((transaction) =>
      transaction.run(park, now - parkedDaysMax * day - 1),
    )
    await fill(2_000, 3)
    const { signal } = new AbortController()
    await removeParked(world.database, now - parkedDaysMax * day, signal)
    expect(await world.deliveries(path)).toMatchObject({ waiting: 3, dead: 0 })
    await world.database.write((transaction) => transaction.run(park, now))
    await removeParked(world.database, now - parkedDaysMax * day, signal)
    expect(await world.deliveries(path)).toMatchObject({ waiting: 0, dead: 3 })
    expect(await readAllCounts(world.database)).toEqual({ waiting: 0, dead: 3 })
  })

  it('is taken by one of those who want it at once, and again when the lease is over', async () => {
    world = await createWebhookWorld(engine, still)
    await world.create()
    await fill(0, 20)
    const takeAll = (lease: number) =>
      Promise.all(Array.from({ length: 20 }, () => claim(world.database, webhook, lease)))
    const ids = (claims: Awaited<ReturnType<typeof takeAll>>) =>
      claims.map((taken) => taken?.claim.letter.id).sort()
    const first = await takeAll(-1)
    expect(new Set(ids(first)).size).toBeGreaterThan(0)
    const all = Array.from({ length: 20 }, (_, index) => id(index))
    const second = await takeAll(minute)
    expect(ids(second)).toEqual(all)
    expect(await takeAll(minute)).toEqual(Array(20).fill(undefined))
    // Whose lease was over when somebody else took it says nothing any more, unless it has arrived.
    const [late] = first
    if (!late) throw new Error('None was taken.')
    await settle(world.database, late.claim, { state: 'dead', failure: 'words' })
    await settle(world.database, late.claim, { state: 'given back', nextAt: 0 })
    expect(await takeAll(minute)).toEqual(Array(20).fill(undefined))
    expect(await readAllCounts(world.database)).toEqual({ waiting: 20, dead: 0 })
    await settle(world.database, late.claim, { state: 'gone' })
    expect(await readAllCounts(world.database)).toEqual({ waiting: 19, dead: 0 })
  })

  it('is noted once, by whichever of several that come upon it at once', async () => {
    world = await createWebhookWorld(engine, still)
    const path = await world.create()
    const nodes = Array.from({ length: 4 }, () => createNoting({ database: world.database }))
    const [start = Number.NaN] = await Promise.all(nodes.map((node) => node.start()))
    let position = start
    for (let batch = 0; batch < 5; batch += 1) {
      const rows = eventsAbove(position, 10)
      position += rows.length
      const said = await Promise.all(
        // Some have read less than others.
        nodes.map((node, index) => {
          const seen = rows.slice(0, 7 + index)
          return node.note({ rows: seen, reached: seen.at(-1)?.position ?? position })
        }),
      )
      expect(said).toContain('noted')
      await Promise.all(nodes.map((node) => node.note({ rows, reached: position })))
    }
    const { deliveries, waiting } = await world.deliveries(path)
    expect(waiting).toBe(50)
    expect(new Set(deliveries.map(({ deliveryId }) => deliveryId)).size).toBe(50)
    const bodies = await world.database.all(
      sql<{ body: string }>('SELECT body FROM webhook_deliveries'),
    )
    expect(new Set(bodies.map(({ body }) => JSON.parse(body).id)).size).toBe(50)
  })

  it('is nothing where no webhook is active, and nothing of what happened before one was', async () => {
    world = await createWebhookWorld(engine, still)
    await world.tell(10)
    const noting = createNoting({ database: world.database })
    expect(await noting.start()).toBeUndefined()
    expect(await noting.note({ rows: eventsAbove(10, 2), reached: 12 })).toBe('idle')
    const path = await world.create()
    expect(await noting.start()).toBe(10)
    expect(await noting.note({ rows: eventsAbove(5, 7), reached: 12 })).toBe('noted')
    expect((await world.deliveries(path)).waiting).toBe(2)
    await world.ask('system', 'PUT', path, { active: false })
    expect(await noting.note({ rows: eventsAbove(12, 2), reached: 14 })).toBe('idle')
    expect(await noting.start()).toBeUndefined()
  })

  it('is of each webhook what happened since it was made, whatever another has still to be told', async () => {
    world = await createWebhookWorld(engine, still)
    const noting = createNoting({ database: world.database })
    const first = await world.create()
    const after = (await noting.start()) ?? Number.NaN
    const second = await world.create({ name: 'second' })
    // Three had happened when it was made, and nobody had noted them.
    const later = sql("UPDATE webhooks SET after_position = ? WHERE name = 'second'")
    await world.database.write((transaction) => transaction.run(later, after + 3))
    await noting.note({ rows: eventsAbove(after, 5), reached: after + 5 })
    expect((await world.deliveries(first)).waiting).toBe(5)
    expect((await world.deliveries(second)).waiting).toBe(2)
  })

  it('is not sent while its webhook is not active', async () => {
    world = await createWebhookWorld(engine, still)
    const path = await world.create()
    await fill(0, 1)
    await world.ask('system', 'PUT', path, { active: false })
    expect(await readWebhooksDue(world.database)).toEqual([])
    expect(await claim(world.database, webhook, minute)).toBeUndefined()
    await world.ask('system', 'PUT', path, { active: true })
    expect(await readWebhooksDue(world.database)).toEqual([webhook])
    expect(await claim(world.database, webhook, minute)).toBeDefined()
  })

  it('goes with its webhook', async () => {
    world = await createWebhookWorld(engine, still)
    const path = await world.create()
    await fill(0, 1_200)
    expect((await world.ask('groupAdmin', 'DELETE', path)).status).toBe(200)
    expect(await readAllCounts(world.database)).toEqual({ waiting: 0, dead: 0 })
  })
})
