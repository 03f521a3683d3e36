import { verify } from '@node-rs/argon2'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { engines } from '../../../test/engines.ts'
import {
  type Answer,
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  password,
  routePoint,
  siblingGroup,
  type World,
} from '../../../test/world.ts'
import { sql } from '../../database/database.ts'
import { hashSecret } from './secrets.ts'

// The real functions run; that they were called is what is looked at.
vi.mock('@node-rs/argon2', { spy: true })

const login = '/api/v1/login/'
const own = `${group}users/agent/`
const newPassword = 'staple horse correct'
const wrong = [{ code: 401, message: 'The username or password is wrong.' }]

describe.each(engines)('signing in on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
  })
  afterAll(() => world.close())
  beforeEach(() => {
    vi.mocked(verify).mockClear()
  })

  function signIn(username: string, secret: string = password, headers = {}): Promise<Answer> {
    return world.ask('nobody', 'POST', login, { username, password: secret }, headers)
  }

  function cookieOf({ headers }: Answer): string {
    return String(headers['set-cookie']).split(';', 1)[0] ?? ''
  }

  function askBy(cookie: string, method: string, url: string, body?: unknown, headers = {}) {
    return world.ask('nobody', method, url, body, { cookie, ...headers })
  }

  /** Lets `act` happen right before the `nth` write from now. */
  function overtake(nth: number, act: () => Promise<void>): void {
    const { database } = world
    const { write } = database
    let left = nth
    database.write = async (change) => {
      left -= 1
      if (left === 0) {
        database.write = write
        await act()
      }
      return write.call(database, change) as ReturnType<typeof change>
    }
  }

  /** Creates somebody who can sign in, and signs them in. */
  async function createUser(
    userId: string,
  ): Promise<{ username: string; cookie: string; url: string }> {
    const body = { userId, firstName: 'Test', lastName: 'User', password }
    const { status } = await world.ask('groupAdmin', 'POST', `${group}users/`, body)
    expect(status).toBe(201)
    const username = `${userId}@sip.netaxis.be`
    return { username, cookie: cookieOf(await signIn(username)), url: `${group}users/${userId}/` }
  }

  async function tokenBy(cookie: string, body: object = {}): Promise<string> {
    const answer = await askBy(cookie, 'POST', '/api/v1/tokens/', { name: 'own', ...body })
    expect(answer.status).toBe(201)
    return `Bearer ${answer.body.token}`
  }

  describe('is refused', () => {
    it.each([
      ['a wrong password', 'agent@sip.netaxis.be', 'wrong horse battery'],
      ['the right password in another case', 'agent@sip.netaxis.be', 'Correct Horse Battery'],
      ['the right password with a space', 'agent@sip.netaxis.be', `${password} `],
      ['an empty password', 'agent@sip.netaxis.be', ''],
      ['nobody of this name', 'nobody@sip.netaxis.be', password],
      ['a user without a domain', 'agent', password],
      ['the id of a route point', 'APIOTestRP@sip.netaxis.be', password],
    ])('to %s, in the same words and after the same work', async (_, username, secret) => {
      await expectUnchanged(world, async () => {
        const answer = await signIn(username, secret)
        expectRefusal(answer, 401, wrong)
        expect(answer.headers).not.toHaveProperty('set-cookie')
      })
      expect(verify).toHaveBeenCalledTimes(1)
      expect(vi.mocked(verify).mock.calls[0]?.[0]).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    })

    it('to a route point that has a password', async () => {
      const profile = { serviceInstanceProfile: { password } }
      await world.ask('groupAdmin', 'PUT', routePoint, profile)
      expectRefusal(await signIn('APIOTestRP@sip.netaxis.be'), 401, wrong)
    })

    it('to a user who has no password, whatever is given', async () => {
      const body = { userId: 'wordless', firstName: 'No', lastName: 'Word' }
      await world.ask('groupAdmin', 'POST', `${group}users/`, body)
      for (const secret of ['', 'undefined', 'null', password]) {
        expectRefusal(await signIn('wordless@sip.netaxis.be', secret), 401, wrong)
      }
    })

    it('with a body that is larger than any name and password', async () => {
      const body = JSON.stringify({ username: 'admin', password })
      expect((await world.ask('nobody', 'POST', login, body.padEnd(16_384))).status).toBe(200)
      vi.mocked(verify).mockClear()
      await expectUnchanged(world, async () => {
        expectRefusal(await world.ask('nobody', 'POST', login, body.padEnd(16_385)), 413)
        const change = JSON.stringify({ oldPassword: password, newPassword }).padEnd(16_385)
        expectRefusal(await world.ask('groupAdmin', 'POST', '/api/v1/password/', change), 413)
      })
      expect(verify).not.toHaveBeenCalled()
    })

    it.each([
      [{}, ['username', 'password']],
      [{ username: 'admin' }, ['password']],
      [{ username: 'admin', password: 5 }, ['password']],
      [{ username: ['admin'], password }, ['username']],
      [{ username: null, password: null }, ['username', 'password']],
      [{ username: 'x'.repeat(162), password: 'x'.repeat(1_025) }, ['username', 'password']],
      [{ username: 'admin', password, level: 16 }, ['level']],
    ])('for the body %j, which is no pair of name and password', async (body, parameters) => {
      const faults = parameters.map((parameter) => ({ code: 2, parameter }))
      expectRefusal(await world.ask('nobody', 'POST', login, body), 400, faults)
      expect(verify).not.toHaveBeenCalled()
    })
  })

  it.each([
    ['admin', {}, 16],
    ['tenantadmin@sip.netaxis.be', { tenant_id: 'footenant' }, 12],
    ['groupadmin@sip.netaxis.be', { tenant_id: 'footenant', group_id: 'foogroup' }, 8],
    ['departmentadmin@sip.netaxis.be', { tenant_id: 'footenant', group_id: 'foogroup' }, 4],
    ['agent@sip.netaxis.be', { tenant_id: 'footenant', group_id: 'foogroup' }, 0],
  ])('tells %s the ids that apply, and the level', async (username, place, level) => {
    const { status, body } = await signIn(username)
    expect({ status, body }).toEqual({
      status: 200,
      body: {
        ids: { ...place, user_id: username },
        profile: { user_level: level, is_first_login: false },
      },
    })
  })

  it('tells the first time from the others, and refuses nothing because of it', async () => {
    const body = { userId: 'first', firstName: 'First', lastName: 'Time', password }
    await world.ask('groupAdmin', 'POST', `${group}users/`, body)
    const username = 'first@sip.netaxis.be'
    const first = await signIn(username)
    expect(first.body.profile.is_first_login).toBe(true)
    const mine = await askBy(cookieOf(first), 'GET', `${group}users/first/`)
    expect(mine.status).toBe(200)
    expect((await signIn(username)).body.profile.is_first_login).toBe(false)
  })

  it.each([true, 1, 'yes', null])('ignores provide_basic_profile %j', async (value) => {
    const body = { username: 'admin', password, provide_basic_profile: value }
    expect((await world.ask('nobody', 'POST', login, body)).status).toBe(200)
  })

  it('takes the name in any case, trimmed and composed in any way', async () => {
    await createUser('zoë')
    for (const username of ['ZOË@SIP.netaxis.be', ' zoe\u0308@sip.netaxis.be ']) {
      expect((await signIn(username)).body.ids.user_id).toBe('zoë@sip.netaxis.be')
    }
  })

  describe('gives a cookie', () => {
    it('that no script reads, no other site sends and that ends with the session', async () => {
      const { headers } = await signIn('admin')
      expect(headers['set-cookie']).toMatch(
        /^sessionid=[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Lax$/,
      )
    })

    it('whose secret is nowhere in the database', async () => {
      const secret = cookieOf(await signIn('admin')).split('=')[1] ?? ''
      const select = sql<{ secret_hash: string }>('SELECT * FROM sessions')
      const rows = await world.database.all(select)
      expect(JSON.stringify(rows)).not.toContain(secret)
      expect(rows.map(({ secret_hash }) => secret_hash)).toContain(hashSecret(secret))
    })

    it('another each time, never one that the client brought', async () => {
      const fixed = { cookie: 'sessionid=chosen-by-somebody-else' }
      const cookies = [
        await signIn('admin', password, fixed),
        await signIn('admin', password, fixed),
      ]
      expect(new Set([...cookies.map(cookieOf), fixed.cookie]).size).toBe(3)
    })

    it('that works among others and in any place', async () => {
      const { cookie } = await createUser('crowded')
      const url = `${group}users/crowded/`
      for (const header of [`a=b; ${cookie}`, `${cookie};c=d`, `a; =; ${cookie}`]) {
        expect((await askBy(header, 'GET', url)).status, header).toBe(200)
      }
      for (const header of ['sessionid=', 'sessionid', cookie.slice(0, -1), `x${cookie}`]) {
        expectRefusal(await askBy(header, 'GET', url), 401)
      }
    })

    it.each([
      ['a year', 365 * 24 * 3_600_000],
      ['some seconds', 5_000],
    ])('that lives no longer for a clock that was %s ahead, and is not ended', async (_, ahead) => {
      const { cookie, url } = await createUser(`ahead${ahead}`)
      const own = hashSecret(cookie.split('=')[1] ?? '')
      const move = sql('UPDATE sessions SET expires_at = expires_at + ?')
      await world.database.write((transaction) => transaction.run(move, ahead))
      expect((await askBy(cookie, 'GET', url)).status).toBe(200)
      const select = sql<{ secret_hash: string; expires_at: number }>('SELECT * FROM sessions')
      const rows = await world.database.all(select)
      expect(rows.map(({ secret_hash }) => secret_hash)).toContain(own)
      for (const { expires_at } of rows) {
        expect(expires_at).toBeLessThanOrEqual(Date.now() + 12 * 3_600_000)
        expect(expires_at).toBeGreaterThan(Date.now() + 11 * 3_600_000)
      }
    })

    it('that lives no longer, however far its clock was ahead, when somebody else signs in', async () => {
      const { cookie } = await createUser('unused')
      const own = hashSecret(cookie.split('=')[1] ?? '')
      const move = sql('UPDATE sessions SET expires_at = ? WHERE secret_hash = ?')
      const year = Date.now() + 365 * 24 * 3_600_000
      await world.database.write((transaction) => transaction.run(move, year, own))
      await signIn('admin')
      const select = sql<{ expires_at: number }>('SELECT * FROM sessions WHERE secret_hash = ?')
      const row = await world.database.get(select, own)
      expect(row?.expires_at).toBeLessThanOrEqual(Date.now() + 12 * 3_600_000)
    })

    it('that works beside those of other applications with its name, quoted or not', async () => {
      const { cookie, url } = await createUser('beside')
      const secret = cookie.split('=')[1] ?? ''
      const foreign = 'sessionid=0123456789abcdef0123456789abcdef'
      const alike = `sessionid=${'x'.repeat(43)}`
      for (const header of [
        `${foreign}; ${cookie}`,
        `${alike}; ${cookie}`,
        `${cookie}; ${alike}`,
        `${alike};sessionid="${secret}"`,
        `sessionid=${secret}=; sessionid = ${secret} `,
        `sessionid=a=b; sessionid=; sessionid; ${cookie}`,
      ]) {
        expect((await askBy(header, 'GET', url)).status, header).toBe(200)
      }
      const stranger = { origin: 'https://evil.example' }
      const header = `${alike}; ${cookie}`
      expectRefusal(await askBy(header, 'POST', '/api/v1/tokens/', { name: 'x' }, stranger), 403)
      const many = Array.from({ length: 8 }, (_, index) => `sessionid=${String(index).repeat(43)}`)
      expectRefusal(await askBy([...many, cookie].join('; '), 'GET', url), 401)
    })

    it('that is worth nothing once its time is over', async () => {
      const { cookie, url } = await createUser('late')
      const hash = hashSecret(cookie.split('=')[1] ?? '')
      const expire = sql('UPDATE sessions SET expires_at = ? WHERE secret_hash = ?')
      await world.database.write((transaction) => transaction.run(expire, Date.now() - 1, hash))
      expectRefusal(await askBy(cookie, 'GET', url), 401)
      await signIn('admin')
      const select = sql<{ secret_hash: string }>('SELECT secret_hash FROM sessions')
      const kept = await world.database.all(select)
      expect(kept.map(({ secret_hash }) => secret_hash)).not.toContain(hash)
    })
  })

  describe('while there are as many sessions as an account may have', () => {
    it('ends the oldest of them and no other, nobody else’s, and keeps nobody out', async () => {
      const { username, url, cookie: second } = await createUser('often')
      const bystander = await createUser('seldom')
      const first = cookieOf(await signIn(username))
      const end = (cookie: string, milliseconds: number) => {
        const move = sql('UPDATE sessions SET expires_at = ? WHERE secret_hash = ?')
        const hash = hashSecret(cookie.split('=')[1] ?? '')
        return world.database.write((transaction) =>
          transaction.run(move, Date.now() + milliseconds, hash),
        )
      }
      const minute = 60_000
      await end(first, minute)
      await end(second, 2 * minute)
      await end(bystander.cookie, minute)
      const fill = sql(
        `INSERT INTO sessions (secret_hash, identity_key, expires_at)
         WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < 298)
         SELECT 'often ' || CAST(i AS TEXT), CAST(? AS TEXT), CAST(? AS BIGINT) FROM numbers`,
      )
      await world.database.write((transaction) =>
        transaction.run(fill, username, Date.now() + 3 * minute),
      )
      const third = cookieOf(await signIn(username))
      expectRefusal(await askBy(first, 'GET', url), 401)
      for (const cookie of [second, third]) {
        expect((await askBy(cookie, 'GET', url)).status).toBe(200)
      }
      expect((await askBy(bystander.cookie, 'GET', bystander.url)).status).toBe(200)
      const fourth = cookieOf(await signIn(username))
      expectRefusal(await askBy(second, 'GET', url), 401)
      for (const cookie of [third, fourth]) {
        expect((await askBy(cookie, 'GET', url)).status).toBe(200)
      }
      const count = sql<{ count: number }>(
        'SELECT count(*) AS count FROM sessions WHERE identity_key = ?',
      )
      expect(Number((await world.database.get(count, username))?.count)).toBe(300)
    })
  })

  describe('out', () => {
    it('ends this session, and no other', async () => {
      const { cookie, url, username } = await createUser('leaving')
      const other = cookieOf(await signIn(username))
      const answer = await askBy(cookie, 'POST', '/api/v1/logout/')
      expect(answer).toMatchObject({ status: 200, body: {} })
      expect(answer.headers['set-cookie']).toMatch(/^sessionid=; Path=\/; Max-Age=0; HttpOnly/)
      expectRefusal(await askBy(cookie, 'GET', url), 401)
      expect((await askBy(other, 'GET', url)).status).toBe(200)
    })

    it('ends every session whose cookie is sent, and no other', async () => {
      const { cookie, url, username } = await createUser('twice')
      const [second, third] = [cookieOf(await signIn(username)), cookieOf(await signIn(username))]
      const quoted = second.replace('=', '="')
      const header = `sessionid=${'x'.repeat(43)}; ${cookie}; ${quoted}"`
      expect((await askBy(header, 'POST', '/api/v1/logout/')).status).toBe(200)
      for (const ended of [cookie, second]) expectRefusal(await askBy(ended, 'GET', url), 401)
      expect((await askBy(third, 'GET', url)).status).toBe(200)
    })

    it.each(['', 'sessionid=unknown'])('is done when nobody is in (%j)', async (cookie) => {
      expect((await askBy(cookie, 'POST', '/api/v1/logout/')).status).toBe(200)
    })
  })

  describe('from another site', () => {
    it.each([
      [{ 'sec-fetch-site': 'cross-site' }],
      [{ 'sec-fetch-site': 'cross-site', origin: 'http://localhost:80' }],
      [{ origin: 'https://evil.example' }],
      [{ origin: 'null' }],
      [{ origin: 'http://localhost:8080.evil.example' }],
      [{ origin: 'http://localhost:8081' }],
    ])('%j: no cookie is taken or given', async (headers) => {
      const { cookie, url } = await createUser(`victim${crypto.randomUUID().slice(0, 8)}`)
      await expectUnchanged(world, async () => {
        const body = { oldPassword: password, newPassword }
        expectRefusal(await askBy(cookie, 'POST', '/api/v1/password/', body, headers), 403)
        expectRefusal(await askBy(cookie, 'POST', '/api/v1/tokens/', { name: 'x' }, headers), 403)
        expectRefusal(await askBy(cookie, 'POST', '/api/v1/logout/', undefined, headers), 403)
        expectRefusal(await signIn('admin', password, headers), 403)
      })
      // Reading does no harm, and following a link from elsewhere must work.
      expect((await askBy(cookie, 'GET', url, undefined, headers)).status).toBe(200)
    })

    it.each([
      [{}],
      [{ 'sec-fetch-site': 'same-origin' }],
      [{ 'sec-fetch-site': 'same-site' }],
      [{ 'sec-fetch-site': 'none' }],
      [{ origin: 'http://localhost:80' }],
      [{ origin: 'http://LOCALHOST' }],
      [{ origin: 'https://api.example', host: 'api.example:443' }],
    ])('%j is not: nothing more is asked of a client', async (headers) => {
      const cookie = cookieOf(await signIn('admin', password, headers))
      expect((await askBy(cookie, 'POST', '/api/v1/tokens/', { name: 'x' }, headers)).status).toBe(
        201,
      )
    })

    it('a token may be sent: no browser adds one by itself', async () => {
      const { cookie } = await createUser('scripted')
      const headers = { authorization: await tokenBy(cookie), 'sec-fetch-site': 'cross-site' }
      const answer = await world.ask('nobody', 'POST', '/api/v1/tokens/', { name: 'x' }, headers)
      expect(answer.status).toBe(201)
    })

    it('a wrong token is no way to use the cookie', async () => {
      const { cookie, url } = await createUser('mixed')
      expectRefusal(await askBy(cookie, 'GET', url, undefined, { authorization: 'Bearer x' }), 401)
      const headers = { authorization: 'Basic x', 'sec-fetch-site': 'cross-site' }
      expectRefusal(await askBy(cookie, 'POST', '/api/v1/tokens/', { name: 'x' }, headers), 403)
    })
  })

  describe('a change of password', () => {
    const url = '/api/v1/password/'

    /** Expects that no token was made while `act` ran. */
    async function expectNoToken(act: () => Promise<void>) {
      const count = sql<{ count: number }>('SELECT count(*) AS count FROM tokens')
      const before = await world.database.get(count)
      await act()
      expect(await world.database.get(count)).toEqual(before)
    }

    it('is refused to nobody, and to whoever does not know the old one', async () => {
      const { cookie } = await createUser('guessing')
      const body = { oldPassword: 'wrong horse battery', newPassword }
      await expectUnchanged(world, async () => {
        expectRefusal(await world.ask('nobody', 'POST', url, body), 401)
        expectRefusal(await askBy(cookie, 'POST', url, body), 400, [
          { code: 2, parameter: 'oldPassword' },
        ])
      })
    })

    it.each([
      [{ newPassword: 'short' }, ['oldPassword', 'newPassword']],
      [{ oldPassword: password, newPassword: 'x'.repeat(129) }, ['newPassword']],
      [{ oldPassword: password, newPassword: `${newPassword}\u0000` }, ['newPassword']],
      [{ oldPassword: password, newPassword, userId: 'admin' }, ['userId']],
    ])('is refused for %j', async (body, parameters) => {
      const cookie = cookieOf(await signIn('admin'))
      await expectUnchanged(world, async () => {
        const answer = await askBy(cookie, 'POST', url, body)
        expect(answer.status).toBe(400)
        const named = answer.body.errors.map(({ parameter }: { parameter: string }) => parameter)
        expect(named.sort()).toEqual([...parameters].sort())
      })
    })

    it('ends every session and token of its owner at once, and nobody else’s', async () => {
      const { cookie, username, url: mine } = await createUser('changing')
      const bystander = await createUser('bystander')
      const other = cookieOf(await signIn(username))
      const authorization = await tokenBy(other)
      const answer = await askBy(cookie, 'POST', url, { oldPassword: password, newPassword })
      expect(answer).toMatchObject({ status: 200, body: {} })
      for (const headers of [{ cookie }, { cookie: other }, { authorization }]) {
        expectRefusal(await world.ask('nobody', 'GET', mine, undefined, headers), 401)
      }
      expect((await askBy(bystander.cookie, 'GET', bystander.url)).status).toBe(200)
      expectRefusal(await signIn(username), 401, wrong)
      expect((await signIn(username, newPassword)).status).toBe(200)
    })

    it('by an admin does the same', async () => {
      const { cookie, username, url: mine } = await createUser('forgetful')
      const authorization = await tokenBy(cookie)
      await world.ask('groupAdmin', 'PUT', mine, { password: newPassword })
      for (const headers of [{ cookie }, { authorization }]) {
        expectRefusal(await world.ask('nobody', 'GET', mine, undefined, headers), 401)
      }
      expect((await signIn(username, newPassword)).status).toBe(200)
    })

    it('is kept as argon2id with 19 MiB, two passes and one lane, salted each time', async () => {
      const select = sql<{ password_hash: string }>(
        'SELECT password_hash FROM identities WHERE password_hash IS NOT NULL',
      )
      const hashes = (await world.database.all(select)).map((row) => row.password_hash)
      for (const hash of hashes)
        expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$.{22}\$.{43}$/)
      expect(hashes.length).toBeGreaterThan(5)
      expect(new Set(hashes).size).toBe(hashes.length)
    })

    it('is recorded without either password', async () => {
      const select = sql<object>(
        "SELECT * FROM changes WHERE action = 'change' AND target = '/api/v1/password/'",
      )
      const rows = await world.database.all(select)
      expect(rows).toMatchObject([{ changed_by: 'changing@sip.netaxis.be', action: 'change' }])
      const all = JSON.stringify(await world.database.all(sql<object>('SELECT * FROM changes')))
      for (const text of [password, newPassword, 'argon2']) expect(all).not.toContain(text)
    })

    it('made twice at once is made once', async () => {
      const { cookie, username } = await createUser('hasty')
      const wishes = ['first new password', 'second new password']
      const answers = await Promise.all(
        wishes.map((wish) =>
          askBy(cookie, 'POST', url, { oldPassword: password, newPassword: wish }),
        ),
      )
      const statuses = answers.map(({ status }) => status)
      expect([...statuses].sort()).toEqual([200, 401])
      const won = wishes[statuses.indexOf(200)] ?? ''
      expect((await signIn(username, won)).status).toBe(200)
    })

    it('leaves no token that was let in before it and written after it', async () => {
      const { cookie } = await createUser('overtaken')
      overtake(1, async () => {
        const body = { oldPassword: password, newPassword }
        expect((await askBy(cookie, 'POST', url, body)).status).toBe(200)
      })
      await expectNoToken(async () => {
        expectRefusal(await askBy(cookie, 'POST', '/api/v1/tokens/', { name: 'late' }), 401)
      })
    })

    it('leaves no session whose password was looked at before it', async () => {
      const { username, url: mine } = await createUser('slow')
      // The first write counts the attempt, the second one makes the session.
      overtake(2, async () => {
        const change = await world.ask('groupAdmin', 'PUT', mine, { password: newPassword })
        expect(change.status).toBe(200)
      })
      const answer = await signIn(username)
      expectRefusal(answer, 401, wrong)
      expect(answer.headers).not.toHaveProperty('set-cookie')
    })

    it('leaves nothing that was being made while it came', async () => {
      const { cookie, url: mine } = await createUser('raced')
      const making = Array.from({ length: 8 }, () =>
        askBy(cookie, 'POST', '/api/v1/tokens/', { name: 'late' }),
      )
      const changing = askBy(cookie, 'POST', url, { oldPassword: password, newPassword })
      const more = Array.from({ length: 8 }, () =>
        askBy(cookie, 'POST', '/api/v1/tokens/', { name: 'later' }),
      )
      expect((await changing).status).toBe(200)
      for (const { status, body } of await Promise.all([...making, ...more])) {
        expect([201, 401]).toContain(status)
        const headers = { authorization: `Bearer ${body.token}` }
        expectRefusal(await world.ask('nobody', 'GET', mine, undefined, headers), 401)
      }
    })
  })

  describe('ends at once', () => {
    it('with the deletion of the user', async () => {
      const { cookie, url, username } = await createUser('deleted')
      const authorization = await tokenBy(cookie)
      await world.ask('groupAdmin', 'DELETE', url)
      await createUser('deleted')
      for (const headers of [{ cookie }, { authorization }]) {
        expectRefusal(await world.ask('nobody', 'GET', url, undefined, headers), 401)
      }
      expect((await signIn(username)).status).toBe(200)
    })

    it('with the deletion of the admin', async () => {
      const url = `${group}admins/`
      const body = { userId: 'brief', firstName: 'Brief', lastName: 'Admin', password }
      await world.ask('tenantAdmin', 'POST', url, body)
      const cookie = cookieOf(await signIn('brief@sip.netaxis.be'))
      expect((await askBy(cookie, 'GET', url)).status).toBe(200)
      await world.ask('tenantAdmin', 'DELETE', `${url}brief/`)
      expectRefusal(await askBy(cookie, 'GET', url), 401)
      expectRefusal(await signIn('brief@sip.netaxis.be'), 401, wrong)
    })

    it('with the deletion of the group, for its users and admins alike', async () => {
      const cookie = cookieOf(await signIn('siblingadmin@sip.netaxis.be'))
      const authorization = await tokenBy(cookie)
      await world.ask('tenantAdmin', 'DELETE', `${siblingGroup}?deleteNonEmpty=1`)
      for (const headers of [{ cookie }, { authorization }]) {
        expectRefusal(await world.ask('nobody', 'GET', siblingGroup, undefined, headers), 401)
      }
      expectRefusal(await signIn('siblingadmin@sip.netaxis.be'), 401, wrong)
    })

    it('as an admin of the group, with the department that makes a Department Admin of them', async () => {
      const url = `${group}admins/`
      const body = { userId: 'demoted', firstName: 'Demoted', lastName: 'Admin', password }
      await world.ask('tenantAdmin', 'POST', url, body)
      const cookie = cookieOf(await signIn('demoted@sip.netaxis.be'))
      const authorization = await tokenBy(cookie)
      const department = { department: { departmentName: 'Sales' } }
      await world.ask('tenantAdmin', 'PUT', `${url}demoted/`, department)
      for (const headers of [{ cookie }, { authorization }]) {
        expectRefusal(await world.ask('nobody', 'GET', url, undefined, headers), 403)
        expect((await world.ask('nobody', 'GET', own, undefined, headers)).status).toBe(200)
      }
      await world.ask('tenantAdmin', 'PUT', `${url}demoted/`, { department: null })
      expect((await askBy(cookie, 'GET', url)).status).toBe(200)
    })
  })
})
