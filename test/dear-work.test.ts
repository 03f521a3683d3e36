import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sql } from '../src/database/database.ts'
import { engines } from './engines.ts'
import { createWorld, expectRefusal, group, password, type World } from './world.ts'

/** Passwords of one client that may wait. */
const eachMax = 64

describe.each(engines)('work on passwords on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine, { POINTSMAN_TRUSTED_PROXIES: '127.0.0.1' })
  })
  afterAll(() => world.close())

  function signIn(username: string, secret: string, address: string) {
    const headers = { 'x-forwarded-for': address }
    const body = { username, password: secret }
    return world.ask('nobody', 'POST', '/api/v1/login/', body, headers)
  }

  async function countAttempts(): Promise<number> {
    const count = sql<{ count: number }>('SELECT count(*) AS count FROM sign_in_attempts')
    return Number((await world.database.get(count))?.count)
  }

  it.each([
    ['one address', () => '198.51.100.1'],
    ['one network', (index: number) => `2001:db8::${index.toString(16)}`],
  ])('in a flood from %s keeps nobody else waiting', async (_, address) => {
    const attempts = await countAttempts()
    /** What was answered, in its order. */
    const answered: string[] = []
    const flood = Array.from({ length: 250 }, async (_, index) => {
      const answer = await signIn(`nobody${index}@${address(0)}`, 'wrong guess', address(index))
      answered.push(String(answer.status))
      return answer
    })
    const { status } = await signIn('admin', password, '203.0.113.1')
    expect(status).toBe(200)
    const before = answered.filter((one) => one === '401').length
    // Whoever came after the flood waited for those at work and not for the line.
    expect(before).toBeLessThan(eachMax)

    const answers = await Promise.all(flood)
    const [wrong, busy] = [401, 503].map((wanted) =>
      answers.filter((answer) => answer.status === wanted),
    )
    expect([wrong?.length, busy?.length].every((length) => Number(length) > 0)).toBe(true)
    expect(Number(wrong?.length) + Number(busy?.length)).toBe(250)
    for (const answer of busy ?? []) {
      expectRefusal(answer, 503)
      expect(answer.headers['retry-after']).toBe('1')
    }
    // Two rows for each that was looked at, the address's and the account's; none for those that were refused.
    const known = 1
    expect((await countAttempts()) - attempts).toBe(2 * Number(wrong?.length) + known)
    expect((await signIn('admin', password, address(1))).status).toBe(200)
    const forget = sql('DELETE FROM sign_in_attempts')
    await world.database.write((transaction) => transaction.run(forget))
  })

  it('in a flood from all networks of one customer keeps nobody out from elsewhere, signed in or not', async () => {
    const flood = Array.from({ length: 250 }, (_, index) =>
      signIn(`nobody${index}`, 'wrong guess', `2001:db8:1:${index.toString(16)}::1`),
    )
    const person = { userId: 'besieged', firstName: 'A', lastName: 'B', password }
    const [signedIn, made] = await Promise.all([
      signIn('admin', password, '2001:db8:2::1'),
      world.ask('groupAdmin', 'POST', `${group}users/`, person),
    ])
    expect([signedIn.status, made.status]).toEqual([200, 201])
    const statuses = (await Promise.all(flood)).map(({ status }) => status)
    expect(statuses).toContain(503)
    const forget = sql('DELETE FROM sign_in_attempts')
    await world.database.write((transaction) => transaction.run(forget))
  })

  it('is not done for those who have gone while they waited', async () => {
    await world.app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = world.app.server.address() as AddressInfo
    const attempts = await countAttempts()
    const requests = Array.from({ length: 40 }, (_, index) => {
      const request = httpRequest({
        port,
        host: '127.0.0.1',
        method: 'POST',
        path: '/api/v1/login/',
        headers: { 'content-type': 'application/json', 'x-forwarded-for': '198.51.100.3' },
      })
      request.on('error', () => {})
      request.end(JSON.stringify({ username: `gone${index}`, password: 'wrong guess' }))
      return request
    })
    await Promise.race(requests.map((request) => once(request, 'response')))
    for (const request of requests) request.destroy()
    // Its turn comes after theirs.
    expect((await signIn('admin', password, '198.51.100.3')).status).toBe(200)
    const known = 1
    expect((await countAttempts()) - attempts).toBeLessThan(2 * requests.length + known)
  })

  it('for somebody who is signed in has a line of its own, whatever the address', async () => {
    const address = '198.51.100.2'
    const flood = Array.from({ length: 200 }, (_, index) =>
      signIn(`nobody${index}@x`, 'wrong guess', address),
    )
    const person = { userId: 'created', firstName: 'A', lastName: 'B', password }
    const headers = { 'x-forwarded-for': address }
    const made = await world.ask('groupAdmin', 'POST', `${group}users/`, person, headers)
    expect(made.status, made.text).toBe(201)
    await Promise.all(flood)
  })

  it('is bounded for whoever is signed in as well: creations, changes, one’s own password', async () => {
    const users = `${group}users/`
    const statusesOf = async (requests: Promise<{ status: number }>[]) =>
      (await Promise.all(requests)).map(({ status }) => status)
    const created = await statusesOf(
      Array.from({ length: 150 }, (_, index) =>
        world.ask('groupAdmin', 'POST', users, {
          userId: `many${index}`,
          firstName: 'A',
          lastName: 'B',
          password,
        }),
      ),
    )
    const changed = await statusesOf(
      Array.from({ length: 150 }, () =>
        world.ask('groupAdmin', 'PUT', `${users}agent/`, { password: 'staple horse correct' }),
      ),
    )
    const own = await statusesOf(
      Array.from({ length: 150 }, () =>
        world.ask('siblingAdmin', 'POST', '/api/v1/password/', {
          oldPassword: password,
          newPassword: password,
        }),
      ),
    )
    for (const statuses of [created, changed, own]) {
      expect(statuses.filter((status) => status === 503).length).toBeGreaterThan(0)
      expect(statuses.filter((status) => status < 300).length).toBeGreaterThan(0)
    }
    const count = sql<{ count: number }>(
      "SELECT count(*) AS count FROM users WHERE user_key LIKE 'many%'",
    )
    const stored = Number((await world.database.get(count))?.count)
    expect(stored).toBe(created.filter((status) => status === 201).length)
    expect(stored).toBeGreaterThanOrEqual(eachMax)
  })
})
