import type { AddressInfo } from 'node:net'
import { pino } from 'pino'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import type { ShownCall } from '../src/features/calls/shown.ts'
import { type CallWorld, createCallWorld, hotlineNumber } from './call-world.ts'
import { engines } from './engines.ts'
import { Exchange } from './exchange.ts'
import { password, routePoint } from './world.ts'

/** A second node of the same installation, with an engine of its own, that can only be reached over HTTP. */
async function openNode(world: CallWorld, url?: string) {
  const exchange = new Exchange({}, 'second')
  const app = await buildApp({
    config: readConfig({ POINTSMAN_NODE: 'second', ...(url && { POINTSMAN_NODE_URL: url }) }),
    database: world.database,
    logger: pino({ level: 'silent' }),
    posts: [exchange.post],
  })
  return { app, exchange }
}

describe.each(engines)('two nodes on $name', (engine) => {
  const closing: (() => Promise<void>)[] = []

  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  /** The world's node reaches the other by HTTP, if that says where. */
  async function open({ isReachable = true } = {}) {
    const world = await createCallWorld(engine)
    closing.push(() => world.close())
    // The port must be known before it listens.
    const probe = await openNode(world)
    await probe.app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = probe.app.server.address() as AddressInfo
    await probe.app.close()
    const second = await openNode(world, isReachable ? `http://127.0.0.1:${port}` : undefined)
    await second.app.listen({ host: '127.0.0.1', port })
    closing.push(() => second.app.close())
    const call = async () => {
      second.exchange.call(hotlineNumber)
      return vi.waitFor(async () => {
        const [waiting] = (await world.calls()).filter(({ state }) => state === 'waiting')
        if (!waiting) throw new Error('No call waits.')
        return waiting
      })
    }
    const pathOf = ({ callId }: ShownCall) => `${routePoint}calls/${callId}/`
    return { world, second, call, pathOf }
  }

  it('do what is asked of a call wherever it is treated', async () => {
    const { world, second, call, pathOf } = await open()
    const waiting = await call()
    const offers = `${pathOf(waiting)}offer/`
    const refused = await world.ask('groupAdmin', 'POST', offers, { agent: 'nobody' })
    expect(refused).toMatchObject({ status: 400, body: { errors: [{ parameter: 'agent' }] } })
    const stale = await world.ask(
      'groupAdmin',
      'POST',
      offers,
      { agent: 'agent' },
      { 'if-match': '"x"' },
    )
    expect(stale.status).toBe(412)
    const dry = await world.ask('groupAdmin', 'POST', `${offers}?dryRun=true`, { agent: 'agent' })
    expect(dry).toMatchObject({ status: 201, headers: { 'dry-run': 'true' } })
    expect(second.exchange.ringing()).toEqual([])
    const key = { 'idempotency-key': 'a-key-of-some-length' }
    const made = await world.ask('groupAdmin', 'POST', offers, { agent: 'agent' }, key)
    expect(made).toMatchObject({ status: 201, body: { offerId: '1' } })
    expect(decodeURIComponent(String(made.headers.location))).toBe(`${offers}1/`)
    await vi.waitFor(() => expect(second.exchange.ringing()).toHaveLength(1))
    const again = await world.ask('groupAdmin', 'POST', offers, { agent: 'agent' }, key)
    expect(again).toMatchObject({ status: 201, headers: { 'idempotent-replay': 'true' } })
    const twice = await world.ask('groupAdmin', 'POST', offers, { agent: 'agent' })
    expect(twice).toMatchObject({ status: 409, body: { errors: [{ code: 409 }] } })
    const withdrawn = await world.ask('groupAdmin', 'DELETE', `${offers}1/`)
    expect(withdrawn.status).toBe(200)
    await vi.waitFor(() => expect(second.exchange.ringing()).toEqual([]))
    const released = await world.ask('groupAdmin', 'POST', `${pathOf(waiting)}release/`, {})
    expect(released.status).toBe(200)
    await vi.waitFor(() => expect(second.exchange.legs.size).toBe(0))
  })

  it('let nobody do at the one what they may not at the other', async () => {
    const { world, second, call, pathOf } = await open()
    const waiting = await call()
    for (const [who, status] of [
      ['nobody', 401],
      ['endUser', 403],
      ['siblingAdmin', 404],
      ['otherTenantAdmin', 404],
    ] as const) {
      const answer = await world.ask(who, 'POST', `${pathOf(waiting)}release/`, {})
      expect(answer.status, who).toBe(status)
    }
    expect(second.exchange.legs.size).toBe(1)
  })

  it('answer 503 where the node that treats the call says not where it is, or is gone', async () => {
    const { world, second, call, pathOf } = await open({ isReachable: false })
    const waiting = await call()
    const unknown = await world.ask('groupAdmin', 'POST', `${pathOf(waiting)}release/`, {})
    expect(unknown).toMatchObject({ status: 503, headers: { 'retry-after': '1' } })
    expect(second.exchange.legs.size).toBe(1)
  })

  it('pass nothing on twice', async () => {
    const { world, second, call, pathOf } = await open()
    const waiting = await call()
    const marked = { 'pointsman-relayed': '1' }
    const answer = await world.ask('groupAdmin', 'POST', `${pathOf(waiting)}release/`, {}, marked)
    expect(answer.status).toBe(503)
    expect(second.exchange.legs.size).toBe(1)
  })

  it('have one queue', async () => {
    const { world, second, call } = await open()
    await world.ask('groupAdmin', 'PUT', routePoint, { queueLength: 1 })
    await call()
    // Which engines there are is looked at each second.
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    const refused = world.exchange.call(hotlineNumber)
    await vi.waitFor(() => expect(world.exchange.legs.has(refused.id)).toBe(false), 10_000)
    expect((await world.calls()).map(({ callId }) => callId)).toHaveLength(1)
    expect(second.exchange.legs.size).toBe(1)
  })

  it('each know that somebody routes, whichever was asked', async () => {
    const { world, second, call } = await open()
    const now = performance.now.bind(performance)
    const date = Date.now.bind(Date)
    let later = 0
    const clocks = [
      vi.spyOn(performance, 'now').mockImplementation(() => now() + later),
      vi.spyOn(Date, 'now').mockImplementation(() => date() + later),
    ]
    try {
      const policy = { enableFailoverSupport: true, failoverPhoneNumber: '+3225126779' }
      await world.ask('groupAdmin', 'PUT', `${routePoint}failover_policy/`, policy)
      later = 31_000
      // So far at once that all leases are over, and are taken again.
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      await world.ask('groupAdmin', 'GET', `${routePoint}calls/?routing=true`)
      await vi.waitFor(async () => {
        expect(await world.database.all({ text: 'SELECT * FROM routing_presence' })).toHaveLength(1)
      })
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      await call()
      expect(second.exchange.ringing()).toEqual([])
      later += 31_000
      await vi.waitFor(() => expect(second.exchange.ringing()).toHaveLength(1), 10_000)
    } finally {
      for (const clock of clocks) clock.mockRestore()
    }
  })

  it('move no call by what happens on the other’s engine', async () => {
    const { world, second, call } = await open()
    const own = await world.call()
    await call()
    const state = (await world.calls()).find(({ callId }) => callId === own.callId)?.state
    expect(state).toBe('waiting')
    // An engine that names another's call is not believed.
    const stranger = `pointsman-${own.callId}-1`
    second.exchange.hangUp({ ...own, id: stranger })
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect((await world.calls()).map((one) => one.state)).toEqual(['waiting', 'waiting'])
  })

  it('drain an engine: calls go on, new ones to its fallback, until it takes calls again', async () => {
    const { world, second, call } = await open()
    const path = '/api/v1/engines/second/'
    for (const [who, status] of [
      ['nobody', 401],
      ['tenantAdmin', 403],
      ['groupAdmin', 403],
    ] as const) {
      expect((await world.ask(who, 'PUT', path, { draining: true })).status, who).toBe(status)
      expect((await world.ask(who, 'GET', path)).status, who).toBe(status)
    }
    const wrong = await world.ask('system', 'PUT', path, { draining: 'yes' })
    expect(wrong).toMatchObject({ status: 400, body: { errors: [{ parameter: 'draining' }] } })
    const fixed = await world.ask('system', 'PUT', path, { name: 'third' })
    expect(fixed).toMatchObject({ status: 400, body: { errors: [{ parameter: 'name' }] } })
    expect((await world.ask('system', 'GET', '/api/v1/engines/third/')).status).toBe(404)
    await call()
    expect((await world.ask('system', 'GET', path)).body).toEqual({
      name: 'second',
      node: 'second',
      calls: 1,
      draining: false,
    })
    expect((await world.ask('system', 'PUT', path, { draining: true })).status).toBe(200)
    await vi.waitFor(async () => {
      const leg = second.exchange.call(hotlineNumber)
      await vi.waitFor(() => expect(second.exchange.handedBack).toContain(leg.id), 1_000)
    }, 10_000)
    const { body } = await world.ask('system', 'GET', '/api/v1/engines/')
    expect(body.engines.map(({ name }: { name: string }) => name)).toEqual(['second', 'test'])
    await world.ask('system', 'PUT', path, { draining: false })
    const before = second.exchange.handedBack.length
    await vi.waitFor(async () => {
      const leg = second.exchange.call(hotlineNumber)
      await vi.waitFor(() => expect(leg.callId).toBeDefined(), 1_000)
    }, 10_000)
    expect(second.exchange.handedBack.length).toBeLessThanOrEqual(before + 3)
  }, 40_000)

  it('go on with a call that the other has left', async () => {
    const { world, second, call, pathOf } = await open()
    const waiting = await call()
    await second.app.close()
    closing.pop()
    const third = await openNode(world)
    // The same telephones, at another node.
    for (const [id, leg] of second.exchange.legs) third.exchange.legs.set(id, leg)
    closing.push(() => third.app.close())
    await third.app.ready()
    await vi.waitFor(() => expect(third.exchange.isReady).toBe(true))
    const token = await third.app.inject({
      method: 'POST',
      url: '/api/v1/login/',
      payload: { username: 'groupadmin@sip.netaxis.be', password },
    })
    const cookie = String(token.headers['set-cookie']).split(';', 1)[0] ?? ''
    const released = await third.app.inject({
      method: 'POST',
      url: `${pathOf(waiting)}release/`,
      headers: { cookie },
      payload: {},
    })
    expect(released.statusCode, released.body).toBe(200)
    await vi.waitFor(() => expect(third.exchange.legs.size).toBe(0))
    expect((await world.records()).map(({ outcome }) => outcome)).toEqual(['released'])
  })
})
