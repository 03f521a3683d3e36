import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from './engines.ts'
import { createWorld, expectRefusal, group, type Person, routePoint, type World } from './world.ts'

/** As in `src/http/dear-operations.ts`. */
const [atOnce, eachMax] = [2, 128]

/** Far more at once than are taken. */
const flooding = 3 * eachMax

const lists = [
  `${group}users/?pageSize=1&insensitiveFirstNameContains=e`,
  `${group}departments/`,
  `${routePoint}dnis/`,
  `${routePoint}dnis/Main/agents/`,
  `${routePoint}disposition_codes/`,
]

describe.each(engines)('operations that look at much on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
    const dnis = { name: 'Main', allowOutgoingACDCall: true }
    expect((await world.ask('system', 'POST', `${routePoint}dnis/`, dnis)).status).toBe(201)
  })
  afterAll(() => world.close())

  /** Asks all at once; answers them in the order of their ends, and how many read the database at the same time at most. */
  async function askAtOnce(requests: readonly { who?: Person; url: string }[]) {
    const { database } = world
    const { all } = database
    let [begun, done, most] = [0, 0, 0]
    database.all = (statement, ...values) => {
      // Each list reads its items by one statement of this kind.
      if (/ ORDER BY /.test(statement.text)) most = Math.max(most, ++begun - done)
      return all.call(database, statement, ...values) as never
    }
    const ended: { url: string; status: number }[] = []
    const answers = await Promise.all(
      requests.map(async ({ who = 'groupAdmin', url }) => {
        const answer = await world.ask(who, 'GET', url)
        if (answer.status === 200 && url !== '/healthz') done += 1
        ended.push({ url, status: answer.status })
        return answer
      }),
    )
    database.all = all
    return { answers, ended, most, begun }
  }

  it('are few at the same time, whoever asks for whichever, and all are answered', async () => {
    const asked = Array.from({ length: 5 }, () => lists.map((url) => ({ url }))).flat()
    const { answers, most, begun } = await askAtOnce(asked)
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    expect(begun).toBe(answers.length)
    expect(most).toBeLessThanOrEqual(atOnce)
  })

  it('let everything else have its turn between them, and another tenant’s be the next', async () => {
    const other = '/api/v1/tenants/othertenant/groups/othergroup/users/'
    const flood = Array.from({ length: 100 }, () => ({ url: `${group}users/` }))
    const { ended } = await askAtOnce([
      ...flood,
      { url: '/healthz' },
      { who: 'otherTenantAdmin', url: other },
    ])
    const placeOf = (url: string) => ended.findIndex((one) => one.url === url)
    expect(placeOf('/healthz')).toBeLessThan(20)
    expect(placeOf(other)).toBeLessThan(20)
  })

  it.each([
    ['PUT', `${group}departments/None/`],
    ['DELETE', `${group}departments/None/`],
    ['PUT', `${routePoint}dnis/None/`],
    ['DELETE', `${routePoint}dnis/None/`],
    ['DELETE', `${group}services/route_points/none/`],
  ] as const)('are written one at a time: %s %s', async (method, url) => {
    const { database } = world
    const { write } = database
    let [now, most] = [0, 0]
    database.write = async (change, guard) => {
      most = Math.max(most, ++now)
      return (write.call(database, change, guard) as Promise<never>).finally(() => {
        now -= 1
      })
    }
    const asked = Array.from({ length: 20 }, () => world.ask('groupAdmin', method, url, {}))
    const statuses = (await Promise.all(asked)).map(({ status }) => status)
    database.write = write
    expect(new Set(statuses)).toEqual(new Set([404]))
    expect(most).toBe(1)
  })

  it('give others, after one that was only tried, as much time as it took', async () => {
    const { database } = world
    const { write } = database
    const tookMilliseconds = 100
    const events: string[] = []
    const first = Promise.withResolvers<void>()
    database.write = async (change, guard) => {
      events.push('begins')
      first.resolve()
      await delay(tookMilliseconds)
      try {
        return (await write.call(database, change, guard)) as never
      } finally {
        void delay(tookMilliseconds / 2).then(() => events.push('half as much has passed'))
      }
    }
    const sales = `${group}departments/Sales/`
    const tried = world.ask('groupAdmin', 'PUT', `${sales}?dryRun=true`, {})
    await first.promise
    const answers = [await world.ask('groupAdmin', 'PUT', sales, {}), await tried]
    database.write = write
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(events.slice(0, 3)).toEqual(['begins', 'half as much has passed', 'begins'])
  })

  describe('on connections', () => {
    let port: number
    let authorization: string
    beforeAll(async () => {
      await world.app.listen({ port: 0, host: '127.0.0.1' })
      port = (world.app.server.address() as AddressInfo).port
      const made = await world.ask('groupAdmin', 'POST', '/api/v1/tokens/', { name: 'many' })
      authorization = `Bearer ${made.body.token}`
      // A first use is noted, and waited for; later ones keep nobody waiting.
      await world.ask('nobody', 'GET', `${group}users/`, undefined, { authorization })
    })

    const open = (count: number) => Array.from({ length: count }, () => connect(port, '127.0.0.1'))
    const request = (url: string) =>
      `GET ${url} HTTP/1.1\r\nHost: a\r\nAuthorization: ${authorization}\r\n\r\n`

    it('are begun few in a turn, however many requests arrive in one', async () => {
      const { database } = world
      const sockets = open(20)
      await Promise.all(sockets.map((socket) => once(socket, 'connect')))
      const { all } = database
      const begun = new Map<number, number>()
      let turn = 0
      database.all = (statement, ...values) => {
        if (/ ORDER BY /.test(statement.text)) begun.set(turn, (begun.get(turn) ?? 0) + 1)
        return all.call(database, statement, ...values) as never
      }
      let ticking = setImmediate(function tick() {
        turn += 1
        ticking = setImmediate(tick)
      })
      for (const socket of sockets) socket.write(request(`${group}users/`))
      const answers = await Promise.all(sockets.map((socket) => once(socket, 'data')))
      clearImmediate(ticking)
      database.all = all
      for (const socket of sockets) socket.destroy()
      expect(answers.filter(([bytes]) => String(bytes).includes(' 200 '))).toHaveLength(20)
      // Two of them, and two more where the count moved on between.
      expect(Math.max(...begun.values())).toBeLessThanOrEqual(2 * atOnce)
    })

    it('that take long keep no new connection waiting for all of them', async () => {
      const { database } = world
      const { all } = database
      database.all = (statement, ...values) => {
        // As long as a list of ten thousand keeps the thread.
        for (const end = performance.now() + 20; performance.now() < end; );
        return all.call(database, statement, ...values) as never
      }
      let done = 0
      const [last, ...sockets] = open(60).reverse()
      const answered = sockets.map(async (socket) => {
        socket.write(request(`${group}users/`))
        await once(socket, 'data')
        done += 1
      })
      last?.write(request('/healthz'))
      if (last) await once(last, 'data')
      const before = done
      await Promise.all(answered)
      database.all = all
      for (const socket of [last, ...sockets]) socket?.destroy()
      expect(before).toBeLessThan(20)
    })
  })

  it('are refused with 503 when too many of one tenant wait', async () => {
    const flood = Array.from({ length: flooding }, () => ({ url: `${group}users/` }))
    const { answers } = await askAtOnce(flood)
    const refused = answers.filter(({ status }) => status !== 200)
    expect(refused.length).toBeGreaterThan(0)
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(eachMax)
    for (const answer of refused) {
      expectRefusal(answer, 503)
      expect(answer.headers['retry-after']).toBe('1')
    }
  })

  it.each([
    ['GET', undefined],
    ['PUT', { description: 'Good morning' }],
    ['DELETE', undefined],
  ] as const)('are a %s of an announcement with all its usages too', async (method, body) => {
    const flood = Array.from({ length: flooding }, () =>
      world.ask('groupAdmin', method, `${group}announcements/None/`, body),
    )
    const statuses = (await Promise.all(flood)).map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([404, 503]))
    expect(statuses.filter((status) => status === 404).length).toBeGreaterThanOrEqual(eachMax)
  })
})
