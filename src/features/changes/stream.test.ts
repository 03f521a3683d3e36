import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../../test/engines.ts'
import { type Heard, type Listener, listenTo } from '../../../test/listener.ts'
import {
  createWorld,
  expectRefusal,
  group,
  otherGroup,
  type Person,
  password,
  routePoint,
  siblingGroup,
  type World,
} from '../../../test/world.ts'
import { sql } from '../../database/database.ts'
import { record, type Scope } from '../../writes/record.ts'

const tenant = '/api/v1/tenants/footenant/'
const everything = '/api/v1/changes/'
const streams: Listener[] = []

const group1: Scope = { tenantKey: 'footenant', groupKey: 'foogroup' }

describe.each(engines)('the stream of changes on $name', (engine) => {
  let world: World
  let origin: string
  const tokens = new Map<Person, string>()
  beforeAll(async () => {
    world = await createWorld(engine)
    await world.app.listen({ port: 0, host: '127.0.0.1' })
    origin = `http://127.0.0.1:${(world.app.server.address() as AddressInfo).port}`
    for (const who of [
      'groupAdmin',
      'siblingAdmin',
      'tenantAdmin',
      'otherTenantAdmin',
      'system',
    ] as const) {
      tokens.set(who, await newToken(who))
    }
  })
  afterEach(() => {
    for (const stream of streams.splice(0)) stream.leave()
  })
  afterAll(() => world.close())

  async function newToken(who: Person): Promise<string> {
    const { body } = await world.ask(who, 'POST', '/api/v1/tokens/', { name: 'stream' })
    return body.token
  }

  async function listen(
    who: Person,
    url: string,
    headers: Record<string, string> = {},
  ): Promise<Listener> {
    const authorization = `Bearer ${headers.token ?? tokens.get(who)}`
    const stream = await listenTo(`${origin}${url}`, { authorization, ...headers })
    streams.push(stream)
    return stream
  }

  /** Listens, and answers when the stream has begun: from then on it misses nothing. */
  async function begin(who: Person, url: string, headers: Record<string, string> = {}) {
    const stream = await listen(who, url, headers)
    expect(stream.response.status).toBe(200)
    let last: Heard | undefined
    while (last?.id === undefined) last = (await stream.heard.next()).value as Heard
    return stream
  }

  async function list(url: string, who: Person = 'system') {
    return (await world.ask(who, 'GET', url)).body.changes
  }

  async function change(place = group, name = crypto.randomUUID().slice(0, 8)) {
    const answer = await world.ask('system', 'POST', `${place}departments/`, {
      departmentName: name,
    })
    expect(answer.status, answer.text).toBe(201)
    return name
  }

  async function fill(count: number, text: string, scope = group1): Promise<void> {
    await world.database.write(async (transaction) => {
      for (let index = 0; index < count; index += 1) {
        const values = { before: null, after: JSON.stringify({ index, text }) }
        const one = { scope, action: 'change', kind: 'filler', target: `/${index}/`, ...values }
        await record(transaction, one as never, { by: 'filler' })
      }
    })
  }

  it('is refused like the list, and for what is no position', async () => {
    expectRefusal(await world.ask('nobody', 'GET', `${group}changes/stream/`), 401)
    expectRefusal(await world.ask('endUser', 'GET', `${group}changes/stream/`), 403)
    expectRefusal(await world.ask('siblingAdmin', 'GET', `${group}changes/stream/`), 404)
    expectRefusal(await world.ask('groupAdmin', 'GET', `${everything}stream/`), 403)
    const absent = '/api/v1/tenants/footenant/groups/none/changes/stream/'
    expectRefusal(await world.ask('system', 'GET', absent), 404)
    for (const text of ['-1', 'x', '1.5', '9007199254740992']) {
      const url = `${group}changes/stream/`
      const faults = [{ code: 2, parameter: 'after' }]
      expectRefusal(await world.ask('groupAdmin', 'GET', `${url}?after=${text}`), 400, faults)
      const header = await world.ask('groupAdmin', 'GET', url, undefined, { 'last-event-id': text })
      expectRefusal(header, 400, [{ code: 2, parameter: 'Last-Event-ID' }])
    }
    const answer = await world.ask('groupAdmin', 'GET', `${group}changes/stream/?kind=user`)
    expectRefusal(answer, 400, [{ code: 2, parameter: 'kind' }])
    const json = { accept: 'application/json' }
    expectRefusal(
      await world.ask('groupAdmin', 'GET', `${group}changes/stream/`, undefined, json),
      406,
    )
  })

  it('answers HEAD, and tells proxies to pass everything on', async () => {
    const wanted = {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    }
    const head = await fetch(`${origin}${group}changes/stream/`, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${tokens.get('groupAdmin')}` },
    })
    const stream = await listen('groupAdmin', `${group}changes/stream/`)
    for (const { status, headers } of [head, stream.response]) {
      expect(status).toBe(200)
      expect(Object.fromEntries(headers)).toMatchObject(wanted)
      expect(headers.get('etag')).toBeNull()
    }
  })

  it('begins now, and shows each change as the list does', async () => {
    await change()
    const stream = await begin('groupAdmin', `${group}changes/stream/`)
    await change()
    await change()
    const heard = await stream.changes(2)
    const [last, first] = await list(`${group}changes/?pageSize=2`)
    expect(heard.map(({ data }) => data)).toEqual([first, last])
    expect(heard.map(({ id }) => id)).toEqual([first, last].map(({ position }) => String(position)))
  })

  it('goes on behind what its client has heard, by the header before the parameter', async () => {
    const items = (await list(`${group}changes/?pageSize=1000`)).toReversed()
    const [third] = items.slice(2, 3)
    for (const [query, header] of [
      [`?after=${third.position}`, undefined],
      ['', String(third.position)],
      ['?after=0', String(third.position)],
    ] as const) {
      const headers = header === undefined ? {} : { 'last-event-id': header }
      const stream = await listen('groupAdmin', `${group}changes/stream/${query}`, headers)
      const rest = items.slice(3)
      expect((await stream.changes(rest.length)).map(({ data }) => data)).toEqual(rest)
      stream.leave()
    }
    const all = await listen('groupAdmin', `${group}changes/stream/?after=0`)
    expect((await all.changes(items.length)).map(({ data }) => data)).toEqual(items)
  })

  it('shows nobody a change outside of their scope, at any level', async () => {
    const open: [who: Person, url: string][] = [
      ['groupAdmin', `${group}changes/`],
      ['groupAdmin', `${routePoint}changes/`],
      ['siblingAdmin', `${siblingGroup}changes/`],
      ['tenantAdmin', `${tenant}changes/`],
      ['tenantAdmin', `${siblingGroup}changes/`],
      ['otherTenantAdmin', `${otherGroup}changes/`],
      ['system', everything],
      ['system', `${routePoint}changes/`],
    ]
    for (const after of ['now', 'since'] as const) {
      const [start] = await list(`${everything}?pageSize=1`)
      const begun =
        after === 'now'
          ? await Promise.all(open.map(([who, url]) => begin(who, `${url}stream/`)))
          : []
      for (const place of [group, siblingGroup, otherGroup]) await change(place)
      await world.ask('system', 'PUT', `${routePoint}overflow/`, {
        timeoutSeconds: after === 'now' ? 41 : 42,
      })
      await world.ask('system', 'PUT', tenant, { name: `Renamed ${after}` })
      for (const [index, [who, url]] of open.entries()) {
        const expected = (await list(`${url}?pageSize=50`, who))
          .filter(({ position }: { position: number }) => position > start.position)
          .toReversed()
        expect(expected.length).toBeGreaterThan(0)
        const stream = begun[index] ?? (await listen(who, `${url}stream/?after=${start.position}`))
        const heard = await stream.changes(expected.length)
        expect(
          heard.map(({ data }) => data),
          `${who} ${url}`,
        ).toEqual(expected)
        stream.leave()
      }
    }
  })

  it('loses nothing and keeps the order, with many writers, while its client comes again and again', async () => {
    const [start] = await list(`${everything}?pageSize=1`)
    const count = 160
    const written = Promise.all(
      Array.from({ length: count }, (_, index) => change([group, siblingGroup][index % 2])),
    )
    const heard: Heard[] = []
    let last = String(start.position)
    for (let round = 0; heard.length < count; round += 1) {
      const stream = await listen('system', `${tenant}changes/stream/`, { 'last-event-id': last })
      const some = Math.min(1 + ((round * 7) % 13), count - heard.length)
      for (const one of await stream.changes(some)) {
        heard.push(one)
        last = one.id ?? last
      }
      stream.leave()
    }
    await written
    const items = (await list(`${tenant}changes/?pageSize=1000`))
      .filter(({ position }: { position: number }) => position > start.position)
      .toReversed()
    expect(items).toHaveLength(count)
    expect(heard.map(({ data }) => data)).toEqual(items)
  })

  it('tells of a gap where the record no longer goes back so far, or never went so far', async () => {
    await change()
    await change()
    const [last] = await list(`${group}changes/?pageSize=1`)
    await world.database.write((transaction) =>
      transaction.run(sql('DELETE FROM changes WHERE position < ?'), last.position),
    )
    const pruned = await listen('system', `${everything}stream/?after=1`)
    const [, gap] = [(await pruned.heard.next()).value, (await pruned.heard.next()).value]
    expect(gap).toEqual({ event: 'gap', data: { after: 1 } })
    expect((await pruned.changes(1))[0]?.data).toEqual(last)
    const all = await listen('system', `${everything}stream/?after=0`)
    await all.heard.next()
    expect((await all.heard.next()).value).toMatchObject({
      event: 'change',
      id: `${last.position}`,
    })

    const beyond = last.position + 1_000_000
    const later = await listen('system', `${everything}stream/`, { 'last-event-id': `${beyond}` })
    await later.heard.next()
    expect((await later.heard.next()).value).toEqual({ event: 'gap', data: { after: beyond } })
    expect((await later.heard.next()).value?.id).toBe(`${last.position}`)
    await change()
    expect(Number((await later.changes(1))[0]?.id)).toBe(last.position + 1)
  })

  it('of an id that was somebody else’s before begins with the present one, and says so', async () => {
    const groups = '/api/v1/tenants/footenant/groups/'
    const again = `${groups}again/`
    await world.ask('system', 'POST', groups, { groupId: 'again', groupName: 'First' })
    const [first] = await list(`${again}changes/`)
    await world.ask('system', 'DELETE', again)
    await world.ask('system', 'POST', groups, { groupId: 'again', groupName: 'Second' })
    const url = `${again}changes/stream/?after=${first.position}`
    const stream = await listen('tenantAdmin', url)
    await stream.heard.next()
    expect((await stream.heard.next()).value).toMatchObject({ event: 'gap' })
    const [created] = await stream.changes(1)
    expect(created?.data).toMatchObject({ action: 'create', after: { groupName: 'Second' } })
    const whole = await listen('system', url)
    expect((await whole.changes(2)).map(({ data }) => data.action)).toEqual(['delete', 'create'])
  })

  it('ends with the deletion of what it is of, though that is made again', async () => {
    const groups = '/api/v1/tenants/footenant/groups/'
    const ended = `${groups}ended/`
    await world.ask('system', 'POST', groups, { groupId: 'ended' })
    const stream = await begin('tenantAdmin', `${ended}changes/stream/`)
    await world.ask('system', 'DELETE', ended)
    await world.ask('system', 'POST', groups, { groupId: 'ended' })
    const heard = await Array.fromAsync(stream.heard)
    expect(heard.map(({ data }) => data?.action)).toEqual(['delete'])
  })

  it.each([
    [
      'the token is revoked',
      async (id: string) => world.ask('groupAdmin', 'DELETE', `/api/v1/tokens/${id}/`),
    ],
    [
      'the token is lowered',
      async (id: string) =>
        world.ask('groupAdmin', 'PUT', `/api/v1/tokens/${id}/`, { userLevel: 4 }),
    ],
  ])('ends when %s, and shows nothing of what comes then', async (_, lose) => {
    const { body } = await world.ask('groupAdmin', 'POST', '/api/v1/tokens/', { name: 'to lose' })
    const stream = await begin('groupAdmin', `${group}changes/stream/`, {
      authorization: `Bearer ${body.token}`,
    })
    await change(group, crypto.randomUUID())
    expect(await stream.changes(1)).toHaveLength(1)
    await lose(body.tokenId)
    await change(group, crypto.randomUUID())
    expect(await Array.fromAsync(stream.heard)).toEqual([])
  })

  it('ends when the session is over', async () => {
    const username = 'groupadmin@sip.netaxis.be'
    const signedIn = await world.ask('nobody', 'POST', '/api/v1/login/', { username, password })
    const cookie = String(signedIn.headers['set-cookie']).split(';', 1)[0] ?? ''
    const stream = await listenTo(`${origin}${group}changes/stream/`, { cookie })
    streams.push(stream)
    await stream.heard.next()
    await stream.heard.next()
    await world.ask('nobody', 'POST', '/api/v1/logout/', undefined, { cookie })
    await change()
    expect(await Array.fromAsync(stream.heard)).toEqual([])
  })

  it('cuts off whoever reads too slowly, has little waiting for them, and loses them nothing', async () => {
    const [start] = await list(`${group}changes/?pageSize=1`)
    const text = 'x'.repeat(100_000)
    const socket = connect(Number(new URL(origin).port), '127.0.0.1')
    socket.pause()
    socket.write(
      `GET ${group}changes/stream/?after=${start.position} HTTP/1.1\r\nHost: localhost\r\n` +
        `Authorization: Bearer ${tokens.get('groupAdmin')}\r\n\r\n`,
    )
    const server = await new Promise<import('node:net').Socket>((resolve) => {
      world.app.server.once('request', ({ socket: own }) => resolve(own))
    })
    await fill(150, text)
    while (server.writableLength === 0) await new Promise((resolve) => setTimeout(resolve, 20))
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(server.writableLength).toBeLessThan(1_000_000)
    const closed = new Promise((resolve) => server.once('close', resolve))
    // As if so much time had passed.
    world.app.connections.look(0)
    world.app.connections.look(11_000)
    await closed
    socket.destroy()
    const stream = await listen('groupAdmin', `${group}changes/stream/?after=${start.position}`)
    const heard = await stream.changes(150)
    expect(heard.map(({ data }) => data.after.index)).toEqual(
      Array.from({ length: 150 }, (_, index) => index),
    )
  })

  it('has at most eight listeners of one account', async () => {
    const url = `${group}changes/stream/`
    const eight = []
    for (let count = 0; count < 8; count += 1) eight.push(await begin('groupAdmin', url))
    const ninth = await listen('groupAdmin', url)
    expect(ninth.response.status).toBe(429)
    expect(Number(ninth.response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await ninth.response.json()).toMatchObject({ errors: [{ code: 429 }] })
    await begin('tenantAdmin', `${tenant}changes/stream/`)
    eight[0]?.leave()
    let status = 429
    while (status === 429) {
      const stream = await listen('groupAdmin', url)
      status = stream.response.status
    }
    expect(status).toBe(200)
  })
})

describe('a node with few connections', () => {
  it('keeps most of them for others, and stops though streams are open', async () => {
    const [engine] = engines
    if (!engine) throw new Error('There is no engine.')
    const world = await createWorld(engine, { POINTSMAN_CONNECTIONS_MAX: '8' })
    await world.app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = world.app.server.address() as AddressInfo
    const { body } = await world.ask('system', 'POST', '/api/v1/tokens/', { name: 'stream' })
    const listen = () =>
      listenTo(`http://127.0.0.1:${port}${everything}stream/`, {
        authorization: `Bearer ${body.token}`,
      })
    const open = [await listen(), await listen()]
    const third = await listen()
    expect(third.response.status).toBe(503)
    expect(third.response.headers.get('retry-after')).not.toBeNull()
    await third.response.text()
    const heard = Promise.all(open.map((stream) => Array.fromAsync(stream.heard)))
    await world.close()
    expect((await heard).map((all) => all.map(({ event }) => event))).toEqual([
      [undefined, undefined],
      [undefined, undefined],
    ])
  })
})
