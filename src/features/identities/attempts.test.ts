import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../../test/engines.ts'
import {
  type Answer,
  createWorld,
  expectRefusal,
  group,
  password,
  type World,
} from '../../../test/world.ts'
import { sql, type Value } from '../../database/database.ts'

const login = '/api/v1/login/'
/** Attempts in a row that wait for nothing, at one address and at all of them. */
const free = { address: 10, account: 50 }

describe.each(engines)('guessing on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine, { POINTSMAN_TRUSTED_PROXIES: '127.0.0.1' })
  })
  afterAll(() => world.close())

  let users = 0

  /** Somebody whom nobody has tried to be yet. */
  async function createUser(): Promise<string> {
    users += 1
    const body = { userId: `target${users}`, firstName: 'Target', lastName: 'User', password }
    expect((await world.ask('groupAdmin', 'POST', `${group}users/`, body)).status).toBe(201)
    return `target${users}@sip.netaxis.be`
  }

  function signIn(username: string, secret: string, address: string): Promise<Answer> {
    const headers = { 'x-forwarded-for': address }
    return world.ask('nobody', 'POST', login, { username, password: secret }, headers)
  }

  /** Guesses wrongly and answers the statuses; from as many addresses as `addresses` tells. */
  async function guess(username: string, times: number, address: (index: number) => string) {
    const statuses: number[] = []
    for (let index = 0; index < times; index += 1) {
      statuses.push((await signIn(username, 'wrong guess', address(index))).status)
    }
    return statuses
  }

  function run(text: string, ...values: Value[]) {
    return world.database.write((transaction) => transaction.run(sql(text), ...values))
  }

  /** As if the waits were over. */
  function wait() {
    return run('UPDATE sign_in_attempts SET retry_at = 0')
  }

  /** A guess from ever new addresses, so that only the account's own row of failures makes it wait. */
  function anywhere(index: number): string {
    return `198.51.${100 + Math.floor(index / 250)}.${1 + (index % 250)}`
  }

  it('from one address soon waits, and is told how long; the right password waits as well', async () => {
    const username = await createUser()
    expect(await guess(username, free.address, () => '192.0.2.1')).toEqual(
      Array(free.address).fill(401),
    )
    for (const secret of ['wrong guess', password]) {
      const answer = await signIn(username, secret, '192.0.2.1')
      expectRefusal(answer, 429)
      expect(answer.headers['retry-after']).toBe('1')
      expect(answer.headers).not.toHaveProperty('set-cookie')
    }
  })

  it('waits longer and longer, but never longer than a quarter of an hour', async () => {
    const username = await createUser()
    await guess(username, free.address, () => '192.0.2.2')
    const waits: number[] = []
    for (let round = 0; round < 12; round += 1) {
      const { headers } = await signIn(username, 'wrong guess', '192.0.2.2')
      waits.push(Number(headers['retry-after']))
      await wait()
      await signIn(username, 'wrong guess', '192.0.2.2')
    }
    expect(waits.slice(0, 4)).toEqual([1, 2, 4, 8])
    expect(waits.at(-1)).toBe(900)
    expect(Math.max(...waits)).toBe(900)
  })

  it('at one address keeps nobody out elsewhere, nor anybody else at that address', async () => {
    const username = await createUser()
    const neighbour = await createUser()
    await guess(username, free.address + 1, () => '192.0.2.3')
    expect((await signIn(username, password, '192.0.2.4')).status).toBe(200)
    expect((await signIn(neighbour, password, '192.0.2.3')).status).toBe(200)
  })

  it('ends with the right password: the next failures count from the start', async () => {
    const username = await createUser()
    await guess(username, free.address - 1, () => '192.0.2.5')
    expect((await signIn(username, password, '192.0.2.5')).status).toBe(200)
    expect(await guess(username, free.address, () => '192.0.2.5')).not.toContain(429)
  })

  it('is forgotten after a day', async () => {
    const username = await createUser()
    await guess(username, free.address + 1, () => '192.0.2.6')
    await run('UPDATE sign_in_attempts SET forget_at = 1')
    expect(await guess(username, free.address, () => '192.0.2.6')).not.toContain(429)
  })

  describe('while the clock was ahead', () => {
    const year = 365 * 24 * 60 * 60 * 1_000

    it('makes nobody wait for longer than the right time would, once', async () => {
      const username = await createUser()
      await guess(username, free.address + 1, () => '192.0.2.30')
      await run('UPDATE sign_in_attempts SET retry_at = retry_at + ? WHERE retry_at > 0', year)
      for (const secret of ['wrong guess', password]) {
        const answer = await signIn(username, secret, '192.0.2.30')
        expectRefusal(answer, 429)
        expect(answer.headers['retry-after']).toBe('1')
      }
      const select = sql<{ retry_at: number }>('SELECT retry_at FROM sign_in_attempts')
      const rows = await world.database.all(select)
      const waits = rows.map(({ retry_at }) => retry_at - Date.now())
      // The account's own row of failures was read as well; those of other accounts are when they are.
      expect(waits.filter((wait) => wait <= 1_000).length).toBeGreaterThanOrEqual(2)
      await wait()
      expect((await signIn(username, password, '192.0.2.30')).status).toBe(200)
    })

    it('is remembered for a day, and the address of a sign-in for thirty', async () => {
      const username = await createUser()
      expect((await signIn(username, password, '192.0.2.31')).status).toBe(200)
      await guess(username, free.address + 1, () => '192.0.2.32')
      await run('UPDATE sign_in_attempts SET forget_at = forget_at + ?', year)
      await signIn(username, 'wrong guess', '192.0.2.32')
      const select = sql<{ retry_at: number; forget_at: number }>(
        'SELECT retry_at, forget_at FROM sign_in_attempts',
      )
      const day = year / 365
      const now = Date.now()
      for (const { forget_at } of await world.database.all(select)) {
        expect(forget_at).toBeLessThanOrEqual(now + 30 * day)
      }
      const rows = await world.database.all(select)
      expect(rows.filter(({ forget_at }) => forget_at <= now + day).length).toBeGreaterThan(0)
    })
  })

  it('many at once is no way around', async () => {
    const username = await createUser()
    const guesses = Array.from({ length: 60 }, () => signIn(username, 'wrong guess', '192.0.2.7'))
    const statuses = (await Promise.all(guesses)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 401)).toHaveLength(free.address)
    expect(statuses.filter((status) => status === 429)).toHaveLength(60 - free.address)
  })

  it('in other spellings of the name is no way around', async () => {
    const username = await createUser()
    const spellings = [username, username.toUpperCase(), ` ${username} `]
    for (const spelling of spellings) await guess(spelling, 4, () => '192.0.2.8')
    expect((await signIn(username, password, '192.0.2.8')).status).toBe(429)
  })

  it.each([
    [
      'an IPv4 host',
      ['192.0.2.20', '192.0.2.20:5060', '::ffff:192.0.2.20', '[::FFFF:c000:214]:4711'],
    ],
    [
      'an IPv6 host',
      ['2001:db8:20::1', '2001:DB8:20:0:0:0:0:1', '[2001:db8:20::1]:5060', '2001:0db8:20::1%eth0'],
    ],
    [
      'a host with many addresses of its network',
      ['2001:db8:21::1', '2001:db8:21::2', '2001:db8:21:0:ffff::', '[2001:db8:21::3]:80'],
    ],
  ])('by %s is counted as one in whatever spelling it comes', async (_, spellings) => {
    const username = await createUser()
    const spelling = (index: number) => String(spellings[index % spellings.length])
    const statuses = await guess(username, free.address + spellings.length, spelling)
    expect(statuses).toEqual([
      ...Array(free.address).fill(401),
      ...Array(spellings.length).fill(429),
    ])
  })

  it.each(['unknown', '_hidden', 'x'.repeat(4_000)])(
    'is counted at the proxy that passes on %.10s, whatever else stands there',
    async (text) => {
      const username = await createUser()
      const statuses = await guess(
        username,
        free.address + 2,
        (index) => `192.0.2.${index}, ${text}`,
      )
      expect(statuses.slice(free.address)).toEqual([429, 429])
    },
  )

  it('slows a name that nobody has just the same', async () => {
    const statuses = await guess('nobody@sip.netaxis.be', free.address + 1, () => '192.0.2.9')
    expect(statuses.at(-1)).toBe(429)
    expect(statuses.filter((status) => status === 401)).toHaveLength(free.address)
  })

  describe('from many addresses', () => {
    it('makes the account slow, never for longer than half a minute', async () => {
      const username = await createUser()
      const statuses = await guess(username, free.account + 1, anywhere)
      expect(statuses.indexOf(429)).toBe(free.account)
      const waits: number[] = []
      for (let round = 0; round < 8; round += 1) {
        const { headers } = await signIn(username, 'wrong guess', `203.0.113.${round + 1}`)
        waits.push(Number(headers['retry-after']))
        await wait()
        await signIn(username, 'wrong guess', `203.0.113.${100 + round}`)
      }
      expect(waits[0]).toBe(1)
      expect(Math.max(...waits)).toBe(30)
      await wait()
      expect((await signIn(username, password, '203.0.113.200')).status).toBe(200)
    })

    it('does not keep the owner out where they signed in before, for as long as it lasts', async () => {
      const username = await createUser()
      const home = '192.0.2.10'
      expect((await signIn(username, password, home)).status).toBe(200)
      const statuses = await guess(username, free.account + 1, anywhere)
      expect(statuses.at(-1)).toBe(429)
      expect((await signIn(username, password, '192.0.2.11')).status).toBe(429)
      expect((await signIn(username, password, home)).status).toBe(200)
    })

    it('gives no free guesses at an address that is known', async () => {
      const username = await createUser()
      const home = '192.0.2.12'
      expect((await signIn(username, password, home)).status).toBe(200)
      const statuses = await guess(username, free.address + 1, () => home)
      expect(statuses.at(-1)).toBe(429)
    })
  })

  it('the old password, with a session that was stolen, waits as well', async () => {
    const username = await createUser()
    const { headers } = await signIn(username, password, '192.0.2.13')
    const cookie = String(headers['set-cookie']).split(';', 1)[0] ?? ''
    const body = { oldPassword: 'wrong guess', newPassword: 'staple horse correct' }
    const statuses: number[] = []
    for (let index = 0; index <= free.address; index += 1) {
      const from = { cookie, 'x-forwarded-for': '192.0.2.14' }
      statuses.push((await world.ask('nobody', 'POST', '/api/v1/password/', body, from)).status)
    }
    expect(statuses).toEqual([...Array(free.address).fill(400), 429])
  })

  it('leaves no name in the database: what is typed there by mistake is often a password', async () => {
    const typed = 'my secret password'
    await signIn(typed, 'x', '192.0.2.15')
    const rows = await world.database.all(sql<object>('SELECT * FROM sign_in_attempts'))
    expect(rows.length).toBeGreaterThan(0)
    expect(JSON.stringify(rows)).not.toContain(typed)
    expect(JSON.stringify(rows)).not.toContain('192.0.2.15')
  })
})
