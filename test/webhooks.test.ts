import { afterEach, describe, expect, it, vi } from 'vitest'
import { sql } from '../src/database/database.ts'
import { engines } from './engines.ts'
import { signatureFor, startReceiver } from './receiver.ts'
import {
  createWebhookWorld,
  type WebhookWorld,
  webhookSecret,
  webhooksPath,
} from './webhook-world.ts'
import { expectRefusal, expectUnchanged, otherGroup, type Person } from './world.ts'

/** What an operation takes. */
const bodyOf = (method: string) => (method === 'POST' ? {} : undefined)

const patience = { timeout: 20_000 }

describe.each(engines)('webhooks on $name', (engine) => {
  let world: WebhookWorld
  afterEach(() => world.close())

  const received = () => world.receiver.received
  const bodies = () => received().map(({ body }) => JSON.parse(body))

  async function untilReceived(count: number): Promise<void> {
    await vi.waitFor(() => expect(received().length).toBeGreaterThanOrEqual(count), patience)
  }

  async function untilGone(path: string): Promise<void> {
    const expected = { deliveries: [], waiting: 0 }
    await vi.waitFor(
      async () => expect(await world.deliveries(path)).toMatchObject(expected),
      patience,
    )
  }

  it('have deliveries that nobody sees or sends who does not administer the group', async () => {
    world = await createWebhookWorld(engine, { lookMilliseconds: 100_000 })
    world.receiver.answer = (response) => response.writeHead(500).end()
    const path = await world.create()
    await world.tell(1)
    await untilReceived(1)
    await vi.waitFor(async () => {
      expect((await world.deliveries(path)).deliveries[0]?.failure).toBeDefined()
    }, patience)
    const { deliveryId } = (await world.deliveries(path)).deliveries[0] ?? {}
    const operations: [method: string, path: string][] = [
      ['GET', 'deliveries/'],
      ['GET', `deliveries/${deliveryId}/`],
      ['POST', `deliveries/${deliveryId}/send/`],
      ['POST', 'test/'],
    ]
    const people: [Person, number][] = [
      ['nobody', 401],
      ['endUser', 403],
      ['departmentAdmin', 403],
      ['siblingAdmin', 404],
      ['otherTenantAdmin', 404],
    ]
    await expectUnchanged(world, async () => {
      for (const [method, what] of operations) {
        for (const [who, status] of people) {
          expectRefusal(await world.ask(who, method, `${path}${what}`, bodyOf(method)), status)
        }
        const absent = `${webhooksPath}none/${what}`
        expectRefusal(await world.ask('groupAdmin', method, absent, bodyOf(method)), 404)
      }
      for (const [method, what] of operations.slice(1, 3)) {
        const unknown = what.replace(String(deliveryId), 'none')
        const answer = await world.ask('groupAdmin', method, `${path}${unknown}`, bodyOf(method))
        expectRefusal(answer, 404)
      }
      expect((await world.ask('groupAdmin', 'GET', `${path}deliveries/?surprise=1`)).status).toBe(
        400,
      )
    })
    await world.ask('groupAdmin', 'PUT', path, { active: false })
    await expectUnchanged(world, async () => {
      for (const [method, what] of operations.slice(2)) {
        expectRefusal(await world.ask('groupAdmin', method, `${path}${what}`, {}), 409)
      }
    })
  })

  it('bring each event as the stream gives it, signed, and no trace of it is left', async () => {
    world = await createWebhookWorld(engine)
    const path = await world.create()
    await world.tell(20)
    await untilReceived(20)
    await untilGone(path)
    expect(received()).toHaveLength(20)
    expect(new Set(received().map(({ id }) => id)).size).toBe(20)
    for (const one of received()) expect(one.signatures).toEqual([signatureFor(one, webhookSecret)])
    // What streams give as they are, under the positions that are their ids.
    const kept = await world.database.all(
      sql<{ position: number; value: string }>('SELECT position, value FROM call_events'),
    )
    const given = kept.map(({ position, value }) => ({ id: `${position}`, ...JSON.parse(value) }))
    expect(bodies()).toHaveLength(given.length)
    expect(bodies()).toEqual(expect.arrayContaining(given))
    expect(bodies()[0]).toEqual({
      id: expect.stringMatching(/^\d+$/),
      type: 'call.queued',
      at: expect.any(String),
      routePoint: 'apiotestrp@sip.netaxis.be',
      call: { callId: expect.any(String) },
    })
  })

  it('bring only the kinds and route points that they name, of their group, from their activation on', async () => {
    world = await createWebhookWorld(engine)
    await world.tell(3)
    const path = await world.create({
      events: ['call.ended', 'call.arrived'],
      routePoints: ['APIOTESTRP@SIP.netaxis.be'],
    })
    await world.tell(1, { kind: 'call.queued' })
    await world.tell(1, { kind: 'call.ended', routePoint: 'other@sip.netaxis.be' })
    await world.tell(1, { kind: 'call.ended', of: ['footenant', 'siblinggroup'] })
    await world.tell(1, { kind: 'call.ended' })
    await untilReceived(1)
    await world.ask('system', 'PUT', path, { active: false })
    await world.tell(1, { kind: 'call.arrived' })
    await world.ask('system', 'PUT', path, { active: true })
    await world.tell(1, { kind: 'call.ended' })
    await untilReceived(2)
    await untilGone(path)
    expect(bodies().map(({ type }) => type)).toEqual(['call.ended', 'call.ended'])
    expect(new Set(bodies().map(({ routePoint }) => routePoint)).size).toBe(1)
  })

  it('try again under the same id and a new time until the receiver takes it', async () => {
    world = await createWebhookWorld(engine, { retrySeconds: [1.5, 0.05] })
    const statuses = [500, 302]
    world.receiver.answer = (response) => response.writeHead(statuses.shift() ?? 200).end()
    const path = await world.create()
    await world.tell(1)
    await vi.waitFor(async () => {
      const [delivery] = (await world.deliveries(path)).deliveries
      expect(delivery).toMatchObject({ state: 'waiting', attempts: 1, failure: 'It answered 500.' })
      const [at, next] = [delivery?.lastAttemptAt, delivery?.nextAttemptAt].map((time) =>
        Date.parse(time ?? ''),
      )
      expect(Number(next) - Number(at)).toBeGreaterThan(1_000)
      expect(Number(next) - Number(at)).toBeLessThanOrEqual(1_500)
    }, patience)
    await untilReceived(3)
    await untilGone(path)
    expect(new Set(received().map(({ id }) => id)).size).toBe(1)
    expect(new Set(received().map(({ body }) => body)).size).toBe(1)
    const [first, last] = [received()[0], received()[2]]
    expect(Number(last?.timestamp)).toBeGreaterThan(Number(first?.timestamp))
    for (const one of received()) expect(one.signatures).toEqual([signatureFor(one, webhookSecret)])
  })

  it('give up after the last attempt, keep what was given up, and send it again by hand', async () => {
    world = await createWebhookWorld(engine)
    let isUp = false
    world.receiver.answer = (response) => response.writeHead(isUp ? 204 : 503).end('words within')
    const path = await world.create()
    await world.tell(2)
    await vi.waitFor(async () => {
      expect(await world.deliveries(path)).toMatchObject({ waiting: 0, dead: 2, dropped: 0 })
    }, patience)
    // The first attempt, and one after each of three pauses.
    expect(received()).toHaveLength(8)
    const { deliveries } = await world.deliveries(path, '?sensitiveStateEquals=dead')
    expect(deliveries).toHaveLength(2)
    for (const one of deliveries) {
      expect(one).toMatchObject({ state: 'dead', attempts: 4, failure: 'It answered 503.' })
      expect(one).not.toHaveProperty('nextAttemptAt')
    }
    expect((await world.deliveries(path, '?sensitiveStateEquals=waiting')).deliveries).toEqual([])
    const [one, other] = deliveries
    const send = (id: string | undefined) =>
      world.ask('groupAdmin', 'POST', `${path}deliveries/${id}/send/`, {})
    // It is given up anew as long as nobody takes it.
    expect((await send(one?.deliveryId)).body).toEqual({})
    await untilReceived(12)
    await vi.waitFor(async () => expect((await world.deliveries(path)).dead).toBe(2), patience)
    isUp = true
    await send(one?.deliveryId)
    await vi.waitFor(async () => {
      const left = (await world.deliveries(path)).deliveries.map(({ deliveryId }) => deliveryId)
      expect(left).toEqual([other?.deliveryId])
    }, patience)
    expect(received().at(-1)?.id).toBe(one?.deliveryId)
    expectRefusal(await send(one?.deliveryId), 404)
  })

  it('send what waits again now when they are told to', async () => {
    world = await createWebhookWorld(engine, { retrySeconds: [3_600] })
    const statuses = [500]
    world.receiver.answer = (response) => response.writeHead(statuses.shift() ?? 204).end()
    const path = await world.create()
    await world.tell(1)
    await vi.waitFor(async () => {
      expect((await world.deliveries(path)).deliveries[0]?.attempts).toBe(1)
    }, patience)
    const [delivery] = (await world.deliveries(path)).deliveries
    await world.ask('groupAdmin', 'POST', `${path}deliveries/${delivery?.deliveryId}/send/`, {})
    await untilGone(path)
    expect(received()).toHaveLength(2)
  })

  it('give up at once what the receiver wants never again, and go on with others', async () => {
    world = await createWebhookWorld(engine)
    const statuses = [410]
    world.receiver.answer = (response) => response.writeHead(statuses.shift() ?? 204).end()
    const path = await world.create()
    await world.tell(1)
    await vi.waitFor(async () => expect((await world.deliveries(path)).dead).toBe(1), patience)
    await world.tell(1)
    await untilReceived(2)
    expect((await world.ask('groupAdmin', 'GET', path)).body.active).toBe(true)
    expect((await world.deliveries(path)).deliveries[0]).toMatchObject({
      attempts: 1,
      failure: 'It answered 410.',
    })
  })

  it('are tested by a ping that is sent once, and shown with its outcome', async () => {
    world = await createWebhookWorld(engine)
    let status = 204
    world.receiver.answer = (response) => response.writeHead(status).end()
    const path = await world.create({ events: ['call.ended'] })
    const test = async (outcome: object) => {
      const answer = await world.ask('groupAdmin', 'POST', `${path}test/`, {})
      expect([answer.status, answer.body]).toEqual([201, { state: 'waiting' }])
      const location = String(answer.headers.location)
      await vi.waitFor(async () => {
        const { body } = await world.ask('groupAdmin', 'GET', location)
        expect(body).toMatchObject({ kind: 'ping', attempts: 1, ...outcome })
      }, patience)
      return location
    }
    const arrived = await test({ state: 'delivered' })
    expect(bodies()).toEqual([{ type: 'ping', at: expect.any(String) }])
    expectRefusal(await world.ask('groupAdmin', 'POST', `${arrived}send/`, {}), 409)
    status = 500
    await test({ state: 'dead', failure: 'It answered 500.' })
    expect(received()).toHaveLength(2)
  })

  it('sign with both secrets while one is replaced', async () => {
    world = await createWebhookWorld(engine)
    const path = await world.create()
    const next = 'the-secret-that-comes-next'
    await world.ask('groupAdmin', 'PUT', path, { secondSecret: next })
    await world.tell(1)
    await untilReceived(1)
    await world.ask('groupAdmin', 'PUT', path, { secret: next, secondSecret: null })
    await world.tell(1)
    await untilReceived(2)
    const [first, second] = received()
    if (!first || !second) throw new Error('Nothing came.')
    expect(first.signatures).toEqual([
      signatureFor(first, webhookSecret),
      signatureFor(first, next),
    ])
    expect(second.signatures).toEqual([signatureFor(second, next)])
  })

  it('of a slow receiver hold nobody else up, and have four letters at once on their way', async () => {
    world = await createWebhookWorld(engine, { timeLimitMilliseconds: 60_000 })
    const slow = await startReceiver()
    try {
      slow.answer = () => {}
      const paths = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          world.create({ name: `slow${index}`, url: slow.url }),
        ),
      )
      await world.tell(30)
      // Ten hooks would have forty; a tenant has sixteen of the places of a node.
      await vi.waitFor(() => expect(slow.received).toHaveLength(16), patience)
      const quick = await world.create({ name: 'quick' }, `${otherGroup}services/webhooks/`)
      const begun = performance.now()
      await world.tell(50, {
        of: ['othertenant', 'othergroup'],
        routePoint: 'otherrp@other.example',
      })
      await untilReceived(50)
      const took = performance.now() - begun
      await untilGone(quick)
      // The others stand still as before: nobody has waited for them.
      expect(slow.received).toHaveLength(16)
      expect(took).toBeLessThan(20_000)
      const each = Map.groupBy(slow.received, ({ headers }) => headers.host)
      expect(each.size).toBe(1)
      for (const path of paths) expect((await world.deliveries(path)).waiting).toBe(30)
    } finally {
      await slow.close()
    }
  })

  it('lose nothing where the service is started anew in the middle', async () => {
    world = await createWebhookWorld(engine)
    let isUp = false
    world.receiver.answer = (response) => {
      if (isUp) response.writeHead(204).end()
    }
    const path = await world.create()
    await world.tell(30)
    await untilReceived(4)
    // Told while nobody listens.
    await world.restart({ between: () => world.tell(30) })
    isUp = true
    await vi.waitFor(
      async () => {
        expect((await world.deliveries(path)).waiting).toBe(0)
      },
      { timeout: 60_000 },
    )
    const calls = new Set(bodies().map(({ call }) => call.callId))
    expect(calls.size).toBe(60)
  })
})
