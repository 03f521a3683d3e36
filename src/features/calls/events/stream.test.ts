import { type AddressInfo, connect, type Socket } from 'node:net'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type CallWorld, createCallWorld } from '../../../../test/call-world.ts'
import { engines } from '../../../../test/engines.ts'
import type { Leg } from '../../../../test/exchange.ts'
import { type Heard, type Listener, listenTo } from '../../../../test/listener.ts'
import {
  expectRefusal,
  group,
  type Person,
  routePoint,
  siblingGroup,
} from '../../../../test/world.ts'
import { buildApp } from '../../../app.ts'
import { readConfig } from '../../../config.ts'
import { sql } from '../../../database/database.ts'
import { openDatabase } from '../../../database/open.ts'
import { tellEvents } from './tell.ts'

const events = `${group}services/call_events/`
const hotline = 'apiotestrp@sip.netaxis.be'

describe.each(engines)('the stream of events of calls on $name', (engine) => {
  let world: CallWorld
  let origin: string
  const tokens = new Map<Person, string>()
  const streams: Listener[] = []

  beforeAll(async () => {
    world = await createCallWorld(engine)
    await world.app.listen({ port: 0, host: '127.0.0.1' })
    origin = `http://127.0.0.1:${(world.app.server.address() as AddressInfo).port}`
    for (const who of ['groupAdmin', 'siblingAdmin', 'tenantAdmin', 'system'] as const) {
      tokens.set(who, await newToken(who))
    }
    await world.ask('system', 'POST', `${group}services/route_points/`, {
      serviceUserId: 'Second',
      serviceInstanceProfile: { name: 'Second', extension: '5009', phoneNumber: '+3225126709' },
      queueLength: 5,
    })
  })
  afterEach(async () => {
    for (const stream of streams.splice(0)) stream.leave()
    for (const leg of [...world.exchange.legs.values()]) {
      if (leg.arrival) world.exchange.hangUp(leg)
    }
    await vi.waitFor(async () => expect(await world.rows()).toBe(0), 10_000)
  })
  afterAll(() => world.close())

  async function newToken(who: Person): Promise<string> {
    const { body } = await world.ask(who, 'POST', '/api/v1/tokens/', { name: 'stream' })
    return body.token
  }

  async function listen(
    query = '',
    { who = 'groupAdmin', last, token = tokens.get(who) }: Listening = {},
  ): Promise<Listener> {
    const headers = { ...(last !== undefined && { 'last-event-id': last }) }
    const url = who === 'siblingAdmin' ? events.replace(group, siblingGroup) : events
    const stream = await listenTo(`${origin}${url}${query}`, {
      authorization: `Bearer ${token}`,
      ...headers,
    })
    streams.push(stream)
    return stream
  }

  interface Listening {
    who?: Person
    last?: string
    token?: string | undefined
  }

  /** Listens, and answers when the snapshot has come. */
  async function begin(query = '', listening: Listening = {}) {
    const stream = await listen(query, listening)
    const [snapshot] = await stream.next('snapshot')
    return { ...stream, snapshot }
  }

  /** Tells an event of a group. */
  function tellOf(groupKey: string, body: object): Promise<void> {
    const event = { routePointKey: '', kind: 'agent.changed', at: Date.now(), body }
    return world.database.write((transaction) =>
      tellEvents(transaction, [{ ...event, group: ['footenant', groupKey] }]),
    )
  }

  const told = (heard: readonly Heard[], leg: Leg) =>
    heard.filter(({ data }) => data.call.callId === leg.callId).map(({ event }) => event)

  it('is refused to whom it does not belong, and for what nobody has', async () => {
    expectRefusal(await world.ask('nobody', 'GET', events), 401)
    expectRefusal(await world.ask('endUser', 'GET', events), 403)
    expectRefusal(await world.ask('departmentAdmin', 'GET', events), 403)
    expectRefusal(await world.ask('siblingAdmin', 'GET', events), 404)
    expectRefusal(await world.ask('otherTenantAdmin', 'GET', events), 404)
    const absent = events.replace('foogroup', 'none')
    expectRefusal(await world.ask('system', 'GET', absent), 404)
    for (const query of ['nobody', `second,${hotline}`, 'agent', '', 'x'.repeat(300)]) {
      const url = `${events}?routePoint=${hotline}&routePoint=${query}`
      expectRefusal(await world.ask('groupAdmin', 'GET', url), 400, [
        { code: 2, parameter: 'routePoint' },
      ])
    }
    const many = `${events}?${Array(101).fill(`routePoint=${hotline}`).join('&')}`
    expectRefusal(await world.ask('groupAdmin', 'GET', many), 400, [
      { code: 2, parameter: 'routePoint' },
    ])
    expectRefusal(await world.ask('groupAdmin', 'GET', `${events}?routing=yes`), 400, [
      { code: 2, parameter: 'routing' },
    ])
    for (const last of ['x', '-1', '1+', '1.5', '9007199254740992', '1+2+x']) {
      const answer = await world.ask('groupAdmin', 'GET', events, undefined, {
        'last-event-id': last,
      })
      expectRefusal(answer, 400, [{ code: 2, parameter: 'Last-Event-ID' }])
    }
  })

  it('begins with the calls that there are, as the list shows them', async () => {
    const waiting = await world.call()
    const offered = await world.call()
    await world.offer()
    const elsewhere = await world.call('+3225126709')
    const { snapshot } = await begin()
    const { calls } = snapshot?.data ?? {}
    const shown = await world.calls()
    expect(calls.map(({ routePoint: at }: { routePoint: string }) => at)).toEqual([
      hotline,
      hotline,
      'second@sip.netaxis.be',
    ])
    const [first, second, third] = calls
    expect([first, second]).toEqual(shown.map((call) => ({ routePoint: hotline, ...call })))
    expect(third.callId).toBe(elsewhere.callId)
    expect(shown.map(({ callId }) => callId)).toEqual([waiting.callId, offered.callId])
    expect(snapshot?.data.agents).toMatchObject([
      { agent: 'agent@sip.netaxis.be', state: 'On-Call', callId: calls[0].callId },
    ])
  })

  it('begins with what agents do, as their list shows it, and tells each change of it', async () => {
    const setting = `${group}users/agent/services/call_centers/`
    const states = async () =>
      (await world.ask('groupAdmin', 'GET', `${group}services/call_agents/`)).body.agents
    await world.ask('endUser', 'PUT', setting, { agentState: 'Wrap-Up' })
    const { snapshot, ...stream } = await begin('?routePoint=second')
    expect(snapshot?.data.agents).toEqual(await states())
    expect(snapshot?.data.agents).toMatchObject([{ agent: 'agent@sip.netaxis.be' }])
    await world.ask('endUser', 'PUT', setting, { agentState: 'Available' })
    const [changed] = (await stream.next('agent.changed')).slice(-1)
    expect([changed?.data]).toMatchObject(await states())
    await world.call()
    await world.offer()
    const again = await begin()
    expect(again.snapshot?.data.agents).toEqual(await states())
    expect(again.snapshot?.data.agents).toMatchObject([{ state: 'On-Call', routePoint: hotline }])
  })

  it('tells what happens to each call, once, in order, with the call as it then is', async () => {
    const stream = await begin()
    expect(stream.snapshot?.data.calls).toEqual([])
    const caller = await world.call()
    const phone = await world.offer()
    world.exchange.pickUp(phone)
    const heard = await stream.next('call.answered').then(async (answered) => {
      world.exchange.hangUp(phone)
      return [...answered, ...(await stream.next('call.ended'))]
    })
    const again = await listen('', { last: String(stream.snapshot?.id) })
    const all = await again.next('call.', 5)
    expect(all.slice(3)).toEqual(heard)
    expect(told(all, caller)).toEqual([
      'call.arrived',
      'call.queued',
      'call.offered',
      'call.answered',
      'call.ended',
    ])
    for (const { event, data } of all)
      expect(data).toMatchObject({ type: event, routePoint: hotline })
    const ids = all.map(({ id }) => Number(id))
    expect(ids).toEqual(ids.toSorted((one, other) => one - other))
    expect(all[3]?.data.call).toMatchObject({ state: 'connected', offer: { offerId: '1' } })
    expect(all[4]?.data).toMatchObject({ outcome: 'answered', call: { state: 'ended' } })
  })

  it('goes on behind what its client has heard, and begins anew where that is not kept', async () => {
    const stream = await begin()
    const caller = await world.call()
    const [arrived] = await stream.next('call.', 1)
    stream.leave()
    const gone = await listen('', { last: String(arrived?.id) })
    expect((await gone.heard.next()).value).toEqual({ retry: '2000', id: arrived?.id })
    expect(told(await gone.next('call.', 1), caller)).toEqual(['call.queued'])
    for (const last of ['9007199254740991', `${Number(arrived?.id) + 1_000_000}+3`]) {
      const foreign = await listen('', { last })
      await foreign.heard.next()
      expect((await foreign.heard.next()).value).toEqual({ event: 'reset', data: { after: last } })
      const { value } = await foreign.heard.next()
      expect(value).toMatchObject({ event: 'snapshot', data: { calls: [{ state: 'waiting' }] } })
    }
    await world.database.write((transaction) =>
      transaction.run(sql('DELETE FROM call_events WHERE position <= ?'), Number(arrived?.id)),
    )
    // What follows it is kept still.
    expect(
      (await listen('', { last: String(arrived?.id) }).then((one) => one.next('call.')))[0]?.event,
    ).toBe('call.queued')
    const pruned = await listen('', { last: String(Number(arrived?.id) - 1) })
    expect(await pruned.next('reset')).toHaveLength(1)
    expect((await pruned.next('snapshot'))[0]?.data.calls).toHaveLength(1)
  })

  it('tells of the route points that are chosen, by any spelling of their ids, and of no other group', async () => {
    const all = await begin()
    const second = await begin('?routePoint=SECOND&routePoint=second@sip.netaxis.be')
    const sibling = await begin('', { who: 'siblingAdmin' })
    const other = await world.call()
    const own = await world.call('+3225126709')
    const heard = await second.next('call.', 2)
    expect(told(heard, own)).toEqual(['call.arrived', 'call.queued'])
    expect(told(await all.next('call.', 4), other)).toHaveLength(2)
    world.exchange.hangUp(own)
    expect(told(await second.next('call.'), own)).toEqual(['call.ended'])
    await tellOf('foogroup', { agent: 'somebody' })
    await tellOf('siblinggroup', { agent: 'else' })
    // What is of the group is told to all who hear any of it, and is the first that the others hear.
    expect((await second.next('')).map(({ data }) => data)).toMatchObject([{ agent: 'somebody' }])
    expect((await sibling.next('')).map(({ data }) => data)).toMatchObject([{ agent: 'else' }])
    const { snapshot } = await begin('?routePoint=second')
    expect(snapshot?.data.calls).toEqual([])
  })

  it('says where a call went that left, and tells it there', async () => {
    const first = await begin(`?routePoint=${hotline}`)
    const second = await begin('?routePoint=second')
    const leg = await world.call()
    const path = `${routePoint}calls/${leg.callId}/offer/`
    await world.ask('groupAdmin', 'POST', path, { destination: '5009' })
    const left = await first.next('call.forwarded')
    expect(left[0]?.data).toMatchObject({ hasLeft: true, destination: '5009', routePoint: hotline })
    expect(told(await second.next('call.', 2), leg)).toEqual(['call.arrived', 'call.queued'])
  })

  it('ends when the token is revoked, and shows nothing of what comes then', async () => {
    const { body } = await world.ask('groupAdmin', 'POST', '/api/v1/tokens/', { name: 'to lose' })
    const stream = await begin('', { token: body.token })
    await world.ask('groupAdmin', 'DELETE', `/api/v1/tokens/${body.tokenId}/`)
    // A right that was confirmed is relied on for a second.
    await new Promise((resolve) => setTimeout(resolve, 1_100))
    await world.call()
    expect(await Array.fromAsync(stream.heard)).toEqual([])
  })

  it('ends with its group, whose events are shown to nobody of a later one', async () => {
    const groups = '/api/v1/tenants/footenant/groups/'
    await world.ask('system', 'POST', groups, { groupId: 'ended' })
    const url = `${origin}${groups}ended/services/call_events/`
    const headers = { authorization: `Bearer ${tokens.get('tenantAdmin')}` }
    const stream = await listenTo(url, headers)
    streams.push(stream)
    const [snapshot] = await stream.next('snapshot')
    await tellOf('ended', { of: 'the first' })
    expect(await stream.next('agent')).toHaveLength(1)
    await world.ask('system', 'DELETE', `${groups}ended/`)
    await world.ask('system', 'POST', groups, { groupId: 'ended' })
    const again = await listenTo(url, { ...headers, 'last-event-id': String(snapshot?.id) })
    streams.push(again)
    await tellOf('ended', { of: 'the second' })
    expect((await again.next('agent'))[0]?.data).toMatchObject({ of: 'the second' })
    // Where nothing happens, it is the heartbeat that finds the group gone.
    const other = await begin()
    await world.ask('system', 'DELETE', `${groups}ended/`)
    const [heartbeat] = await other.next('heartbeat')
    expect(heartbeat).toMatchObject({ data: {}, id: expect.stringMatching(/^\d+$/) })
    expect(await Array.fromAsync(again.heard)).toEqual([])
  }, 40_000)

  it('cuts off whoever stands still, keeps little for them, and loses them nothing', async () => {
    const { snapshot } = await begin()
    const socket = connect(Number(new URL(origin).port), '127.0.0.1')
    socket.pause()
    socket.write(
      `GET ${events} HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: ${snapshot?.id}\r\n` +
        `Authorization: Bearer ${tokens.get('groupAdmin')}\r\n\r\n`,
    )
    const server = await new Promise<Socket>((resolve) => {
      world.app.server.once('request', ({ socket: own }) => resolve(own))
    })
    const text = 'x'.repeat(50_000)
    for (let index = 0; index < 300; index += 1) await tellOf('foogroup', { index, text })
    await vi.waitFor(() => expect(server.writableLength).toBeGreaterThan(0), 10_000)
    expect(server.writableLength).toBeLessThan(1_000_000)
    const closed = new Promise((resolve) => server.once('close', resolve))
    // As if so much time had passed.
    world.app.connections.look(0)
    world.app.connections.look(11_000)
    await closed
    socket.destroy()
    const back = await listen('', { last: String(snapshot?.id) })
    const heard = await back.next('agent.changed', 300)
    expect(heard.map(({ data }) => data.index)).toEqual(Array.from(heard, (_, index) => index))
  }, 30_000)

  it('has at most sixteen listeners of one account', async () => {
    const open = await Promise.all(Array.from({ length: 16 }, () => begin()))
    const one = await listen()
    expect(one.response.status).toBe(429)
    expect(Number(one.response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await one.response.json()).toMatchObject({ errors: [{ code: 429 }] })
    await begin('', { who: 'tenantAdmin' })
    for (const stream of open) stream.leave()
    await vi.waitFor(async () => expect((await listen()).response.status).toBe(200), 10_000)
  })

  it('is heard on every node, whichever one treats the call', async () => {
    if (engine.name !== 'PostgreSQL') return
    const other = await openDatabase(world.test.url)
    const logger = pino({ level: 'silent' })
    const app = await buildApp({ config: readConfig({}), database: other, logger })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    const stream = await listenTo(`http://127.0.0.1:${port}${events}`, {
      authorization: `Bearer ${tokens.get('groupAdmin')}`,
    })
    await stream.next('snapshot')
    const leg = await world.call()
    expect(told(await stream.next('call.', 2), leg)).toEqual(['call.arrived', 'call.queued'])
    stream.leave()
    await app.close()
    await other.close()
  })
})
