import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type NetworkProxy, startProxy } from '../failures/proxy.ts'
import { openDatabase } from '../src/database/open.ts'
import { type Engine, engines } from './engines.ts'
import { portOf } from './postgres-databases.ts'
import { createWorld, expectRefusal, password, routePoint, type World } from './world.ts'

describe('the service without its PostgreSQL server', () => {
  const path = `${routePoint}overflow/`
  let world: World
  let proxy: NetworkProxy

  beforeAll(async () => {
    const postgres = engines.find(({ name }) => name === 'PostgreSQL')
    const engine: Engine = {
      name: 'PostgreSQL through a proxy',
      async open() {
        const test = await postgres?.open()
        if (!test) throw new Error('There is no such engine.')
        proxy = await startProxy(portOf(test.url))
        const url = test.url.replace(`:${portOf(test.url)}/`, `:${proxy.port}/`)
        const database = await openDatabase(`${url}?statement_timeout=500`)
        return {
          ...test,
          url,
          database,
          async remove() {
            await database.close()
            await proxy.close()
            await test.remove()
          },
        }
      },
    }
    world = await createWorld(engine)
  })
  afterAll(() => world.close())

  async function expectUnavailable(method: string, url: string, body?: object): Promise<void> {
    const answer = await world.ask('groupAdmin', method, url, body)
    expectRefusal(answer, 503, [
      {
        code: 503,
        message: 'The service cannot do this now; try again.',
      },
    ])
    expect(answer.headers['retry-after']).toBe('1')
    expect(Object.keys(answer.body.errors[0])).toEqual(['code', 'name', 'message'])
  }

  it('says so to reads and writes, lives on, and serves again without a restart', async () => {
    const before = await world.ask('groupAdmin', 'GET', path)
    proxy.refuse()
    await expectUnavailable('GET', path)
    await expectUnavailable('PUT', path, { timeoutSeconds: 77 })
    await expectUnavailable('POST', `${routePoint}dnis/`, { name: 'new' })
    await expectUnavailable('POST', '/api/v1/login/', { username: 'admin', password })
    await expectUnavailable('GET', '/readyz')
    expect((await world.ask('nobody', 'GET', '/healthz')).status).toBe(200)
    proxy.heal()
    expect((await world.ask('nobody', 'GET', '/readyz')).status).toBe(200)
    expect((await world.ask('groupAdmin', 'GET', path)).body).toEqual(before.body)
    const change = await world.ask('groupAdmin', 'PUT', path, { timeoutSeconds: 78 })
    expect(change.body.timeoutSeconds).toBe(78)
  })

  it('says so when a statement takes too long', async () => {
    const client = new pg.Client({ connectionString: world.test.url })
    await client.connect()
    await client.query('BEGIN')
    await client.query('LOCK TABLE route_point_settings')
    await expectUnavailable('GET', path)
    await expectUnavailable('PUT', path, { timeoutSeconds: 79 })
    await client.end()
    expect((await world.ask('groupAdmin', 'GET', path)).body.timeoutSeconds).toBe(78)
  })
})
