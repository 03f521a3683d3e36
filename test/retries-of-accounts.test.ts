import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { sql, type Value } from '../src/database/database.ts'
import { openDatabase } from '../src/database/open.ts'
import { roomBytes } from '../src/writes/room-for-answers.ts'
import { wave } from './audio.ts'
import { engines } from './engines.ts'
import { everything, expectNothingStored } from './every-write.ts'
import { changes, essence, expectReplay, isReplay, must, named, newKey } from './retries.ts'
import {
  type Answer,
  createWorld,
  expectRefusal,
  group,
  type Person,
  password,
  routePoint,
  type World,
} from './world.ts'

const dnis = `${routePoint}dnis/`
const overflow = `${routePoint}overflow/`
const users = `${group}users/`
const tokens = '/api/v1/tokens/'
const person = { firstName: 'Test', lastName: 'Person' }

describe.each(engines)('an Idempotency-Key on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
  })
  afterAll(() => world.close())

  /** A group admin of their own, who signs in by their password and has a token. */
  async function createAdmin(userId: string) {
    await must(world, 'system', ['POST', `${group}admins/`, { userId, ...person, password }])
    const path = `${group}admins/${userId}@sip.netaxis.be/`
    const signIn = async (secret = password) => {
      const credentials = { username: `${userId}@sip.netaxis.be`, password: secret }
      const { headers } = await world.ask('nobody', 'POST', '/api/v1/login/', credentials)
      return { cookie: String(headers['set-cookie']).split(';', 1)[0] ?? '' }
    }
    const session = await signIn()
    const made = await world.ask('nobody', 'POST', tokens, { name: 'own' }, session)
    const token = { authorization: `Bearer ${made.body.token}` }
    return { path, signIn, session, token, tokenPath: String(made.headers.location) }
  }

  describe('of several requests at once', () => {
    /** Twenty of the same request, by turns to each of these. */
    function atOnce(asks: readonly (() => Promise<Answer>)[]): Promise<Answer[]> {
      return Promise.all(
        Array.from({ length: 20 }, (_, index) => asks[index % asks.length]?.() as Promise<Answer>),
      )
    }

    function expectOneDone(answers: readonly Answer[]): void {
      const done = answers.filter((answer) => !isReplay(answer))
      expect(done.map(essence)).toHaveLength(1)
      for (const answer of answers) {
        expect(answer.status, answer.text).toBeLessThan(300)
        expect(essence(answer)).toEqual(essence(done[0] as Answer))
      }
    }

    const requests: [string, string, object][] = [
      ['POST', dnis, { name: 'Once' }],
      ['PUT', overflow, { timeoutSeconds: 71 }],
      ['PUT', `${routePoint}forced_forwarding/`, { forwardToPhoneNumber: '5555' }],
      ['PUT', `${dnis}Once/`, { extension: '4321' }],
      ['DELETE', `${dnis}Once/`, {}],
      ['POST', users, { userId: 'once', ...person, password }],
      ['PUT', `${users}once/`, { password: 'the same new sentence' }],
      ['POST', `${group}announcements/`, { name: 'Once', content: wave() }],
    ]
    it.each(requests)('R7 is done once: %s %s', async (method, url, body) => {
      const key = newKey()
      const before = await changes(world)
      expectOneDone(await atOnce([() => world.ask('groupAdmin', method, url, body, named(key))]))
      expect(await changes(world)).toBe(before + 1)
    })

    it('R7 is done once where nothing was to change', async () => {
      await must(world, 'groupAdmin', ['PUT', overflow, { timeoutSeconds: 72 }])
      const key = newKey()
      const ask = () => world.ask('groupAdmin', 'PUT', overflow, { timeoutSeconds: 72 }, named(key))
      expectOneDone(await atOnce([ask]))
    })

    it('R7 is one of two different requests, and the others are refused', async () => {
      const key = newKey()
      const asks = ['One', 'Other'].map(
        (name) => () => world.ask('groupAdmin', 'POST', dnis, { name }, named(key)),
      )
      const answers = await atOnce(asks)
      const refused = answers.filter(({ status }) => status === 422)
      expect(refused).toHaveLength(10)
      expectOneDone(answers.filter(({ status }) => status !== 422))
      const { body } = await world.ask('groupAdmin', 'GET', `${dnis}?sensitiveNameStarts=O`)
      expect(body.dnis).toHaveLength(1)
    })

    it.skipIf(engine.name === 'SQLite')('R7 is done once on two nodes', async () => {
      const database = await openDatabase(world.test.url)
      const logger = pino({ level: 'silent' })
      const other = await buildApp({ config: readConfig({}), database, logger })
      const { session } = await createAdmin('travelling')
      try {
        for (const [method, url, body] of [
          ['POST', dnis, { name: 'Two nodes' }],
          ['PUT', overflow, { timeoutSeconds: 73 }],
          ['DELETE', `${dnis}Two%20nodes/`, {}],
        ] as const) {
          const headers = { ...session, ...named(newKey()), 'content-type': 'application/json' }
          const asks = [world.app, other].map((app) => async () => {
            const answer = await app.inject({ method, url, headers, payload: JSON.stringify(body) })
            return {
              ...answer,
              status: answer.statusCode,
              headers: answer.headers,
              text: answer.payload,
            } as never as Answer
          })
          expectOneDone(await atOnce(asks))
        }
      } finally {
        await other.close()
        await database.close()
      }
    })
  })

  describe('of an account', () => {
    it('R9 is nobody’s who has lost the right meanwhile', async () => {
      const { path, session, token, tokenPath } = await createAdmin('loser')
      const key = newKey()
      const ask = (credentials: Record<string, string>) =>
        world.ask(
          'nobody',
          'PUT',
          overflow,
          { timeoutSeconds: 61 },
          { ...credentials, ...named(key) },
        )
      const first = await ask(session)
      expectReplay(await ask(token), first)
      await world.ask('nobody', 'PUT', tokenPath, { userLevel: 0 }, session)
      expectRefusal(await ask(token), 403)
      await must(world, 'system', ['PUT', path, { department: { departmentName: 'Sales' } }])
      expectRefusal(await ask(session), 403)
      expectRefusal(await ask({ authorization: 'Bearer none' }), 401)
      expectRefusal(await ask({}), 401)
      await must(world, 'system', ['DELETE', path])
      expectRefusal(await ask(session), 401)
    })

    it('R6 is another request with other rights, for the answer was not judged by them', async () => {
      const { path, session } = await createAdmin('mover')
      await must(world, 'system', ['PUT', path, { department: { departmentName: 'Sales' } }])
      const user = `${group}users/mover-user/`
      const department = { departmentName: 'Sales' }
      const person = { userId: 'mover-user', firstName: 'A', lastName: 'B', department }
      await must(world, 'system', ['POST', `${group}users/`, person])
      await must(world, 'system', ['POST', `${group}departments/`, { departmentName: 'Away' }])
      const key = newKey()
      const ask = (headers: Record<string, string>) =>
        world.ask('nobody', 'PUT', user, { lastName: 'C' }, { ...session, ...headers })
      const first = await ask(named(key))
      expect(first.status, first.text).toBe(200)
      expectReplay(await ask(named(key)), first)
      await must(world, 'system', ['PUT', path, { department: { departmentName: 'Away' } }])
      expectRefusal(await ask({}), 403)
      expectRefusal(await ask(named(key)), 422)
    })

    it('R6 is another request once the department of its admin has another name', async () => {
      const { path, session } = await createAdmin('renamed')
      const departments = `${group}departments/`
      await must(world, 'system', ['POST', departments, { departmentName: 'Before' }])
      await must(world, 'system', ['PUT', path, { department: { departmentName: 'Before' } }])
      const department = { departmentName: 'Before' }
      await must(world, 'system', ['POST', users, { userId: 'kept', ...person, department }])
      const key = newKey()
      const ask = () =>
        world.ask(
          'nobody',
          'PUT',
          `${users}kept/`,
          { lastName: 'C' },
          { ...session, ...named(key) },
        )
      const first = await ask()
      expect(first.status, first.text).toBe(200)
      expectReplay(await ask(), first)
      await must(world, 'system', ['PUT', `${departments}Before/`, { departmentName: 'After' }])
      await expectNothingStored(world, async () => expectRefusal(await ask(), 422))
    })

    it('R3 is answered as at first when the user is meanwhile in another department', async () => {
      const department = { departmentName: 'Sales' }
      await must(world, 'system', ['POST', users, { userId: 'moved', ...person, department }])
      const key = newKey()
      const ask = (headers = {}) =>
        world.ask('departmentAdmin', 'PUT', `${users}moved/`, { lastName: 'C' }, headers)
      const first = await ask(named(key))
      expect(first.status, first.text).toBe(200)
      await must(world, 'system', ['PUT', `${users}moved/`, { department: null, lastName: 'D' }])
      await expectNothingStored(world, async () => {
        expectRefusal(await ask(), 403)
        expectReplay(await ask(named(key)), first)
      })
      const read = await world.ask('system', 'GET', `${users}moved/`)
      expect(read.body).toMatchObject({ lastName: 'D' })
    })

    it('R3 is answered as at first when the token that it changed now outlives the one that asks', async () => {
      const { session } = await createAdmin('lasting')
      const make = async (expiresAt: string) => {
        const body = { name: 'of some days', expiresAt }
        return (await world.ask('nobody', 'POST', tokens, body, session)).body
      }
      const [asking, changed] = [await make('2099-01-02T00:00Z'), await make('2099-01-01T00:00Z')]
      const key = newKey()
      const ask = (headers = {}) => {
        const authorization = `Bearer ${asking.token}`
        const sent = { authorization, ...headers }
        return world.ask('nobody', 'PUT', `${tokens}${changed.tokenId}/`, { name: 'new' }, sent)
      }
      const first = await ask(named(key))
      expect(first.status, first.text).toBe(200)
      const later = { expiresAt: null }
      await world.ask('nobody', 'PUT', `${tokens}${changed.tokenId}/`, later, session)
      expectRefusal(await ask(), 403)
      await expectNothingStored(world, async () => expectReplay(await ask(named(key)), first))
    })

    it('R10 is no other account’s', async () => {
      const key = newKey()
      const ask = (who: Person, seconds: number) =>
        world.ask(who, 'PUT', overflow, { timeoutSeconds: seconds }, named(key))
      for (const [index, who] of (['groupAdmin', 'tenantAdmin', 'system'] as const).entries()) {
        const answer = await ask(who, 80 + index)
        expect(answer.body).toMatchObject({ timeoutSeconds: 80 + index })
        expect(isReplay(answer)).toBe(false)
      }
      // Also where it is the same request.
      const same = newKey()
      for (const who of ['groupAdmin', 'tenantAdmin'] as const) {
        const answer = await world.ask(who, 'PUT', overflow, { timeoutSeconds: 85 }, named(same))
        expect(isReplay(answer)).toBe(false)
      }
    })

    it('R10 is known to each of its sessions and tokens', async () => {
      const { signIn, session, token } = await createAdmin('sharing')
      const key = newKey()
      const ask = (credentials: Record<string, string>) =>
        world.ask(
          'nobody',
          'PUT',
          overflow,
          { timeoutSeconds: 90 },
          { ...credentials, ...named(key) },
        )
      const first = await ask(session)
      for (const credentials of [token, await signIn()]) expectReplay(await ask(credentials), first)
    })

    it('R10 is not known to another account that later has the same id', async () => {
      const key = newKey()
      const ask = async () => {
        const { session, path } = await createAdmin('again')
        const answer = await world.ask(
          'nobody',
          'PUT',
          overflow,
          { timeoutSeconds: 91 },
          { ...session, ...named(key) },
        )
        await must(world, 'system', ['DELETE', path])
        return answer
      }
      expect((await ask()).status).toBe(200)
      expect(isReplay(await ask())).toBe(false)
    })

    describe('has a room', () => {
      const keyOf = sql<{ account_key: string }>(
        'SELECT account_key FROM identities WHERE identity_id = ?',
      )
      const selectRoom = sql<{ count: number; bytes: number }>(
        `SELECT count(*) AS count, CAST(sum(bytes) AS BIGINT) AS bytes FROM kept_answers
         WHERE identity_key = ?`,
      )
      const run = (text: string, ...values: Value[]) =>
        world.database.write((transaction) => transaction.run(sql(text), ...values))

      /** A new admin, what is kept for them, and how they write with a key. */
      async function createKeeper(userId: string) {
        const { session } = await createAdmin(userId)
        const account = await world.database.get(keyOf, `${userId}@sip.netaxis.be`)
        const accountKey = String(account?.account_key)
        const room = async () => {
          const { count, bytes } = (await world.database.get(selectRoom, accountKey)) ?? {}
          return { count: Number(count), bytes: Number(bytes) }
        }
        const write = async (key: string) => {
          const headers = { ...session, ...named(key) }
          const answer = await world.ask('nobody', 'PUT', overflow, { timeoutSeconds: 99 }, headers)
          expect(answer.status).toBe(200)
          return answer
        }
        /** As if this had been kept an hour before. */
        const age = (bytes: number) =>
          run(
            `UPDATE kept_answers SET expires_at = expires_at - 3600000, bytes = ?
             WHERE identity_key = ?`,
            bytes,
            accountKey,
          )
        return { session, accountKey, room, write, age }
      }

      /** Writes with a new key each until the node has looked at the room, and answers the keys. */
      async function writeOn(write: (key: string) => Promise<Answer>): Promise<string[]> {
        const keys = Array.from({ length: 260 }, newKey)
        for (const key of keys) await write(key)
        return keys
      }

      it('R19 where the oldest is forgotten once it is too small, while all later ones can be retried', async () => {
        const { room, write, age } = await createKeeper('keeper')
        const oldest = newKey()
        const first = await write(oldest)
        const { bytes } = await room()
        expect(bytes).toBeGreaterThan(512 + first.text.length)
        await age(roomBytes - 1_000 * bytes)
        const keys = await writeOn(write)
        // Nothing is forgotten as long as there is room.
        expectReplay(await write(oldest), first)
        await age(Math.ceil(roomBytes / 261))
        const later = await writeOn(write)
        const after = await room()
        expect(after.bytes).toBeLessThanOrEqual(roomBytes + 128 * 1_024 + bytes)
        for (const key of [...keys.slice(-200), ...later]) {
          expect(isReplay(await write(key))).toBe(true)
        }
        expect(isReplay(await write(oldest))).toBe(false)
      })

      it('R19 that another node, and one that was started again, looks at first; one step at a time', async () => {
        const { session, accountKey, room } = await createKeeper('moving')
        await run(
          `INSERT INTO kept_answers
             (identity_key, key_hash, request_hash, status, headers, body, expires_at, bytes)
           WITH RECURSIVE numbers (i) AS
             (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < 1200)
           SELECT CAST(? AS TEXT), 'key ' || CAST(i AS TEXT), '', 200, '{}', '{}',
             CAST(? AS BIGINT) + i, CAST(? AS BIGINT) FROM numbers`,
          accountKey,
          Date.now() + 60_000,
          roomBytes,
        )
        const left: number[] = []
        for (let node = 0; node < 4; node += 1) {
          const logger = pino({ level: 'silent' })
          const app = await buildApp({ config: readConfig({}), database: world.database, logger })
          const headers = { ...session, ...named(newKey()), 'content-type': 'application/json' }
          const payload = JSON.stringify({ timeoutSeconds: 98 })
          const answer = await app.inject({ method: 'PUT', url: overflow, headers, payload })
          expect(answer.statusCode).toBe(200)
          left.push((await room()).count)
        }
        // Each keeps one answer of its own beside.
        expect(left).toEqual([701, 202, 3, 4])
      })
    })

    it('R11 makes one token, and shows its secret once', async () => {
      const key = newKey()
      const ask = (name: string) => world.ask('groupAdmin', 'POST', tokens, { name }, named(key))
      const first = await ask('once')
      expect(first.status).toBe(201)
      await expectNothingStored(world, async () => {
        expectRefusal(await ask('once'), 409)
        expectRefusal(await ask('other'), 422)
      })
      expect((await everything(world)).join('\n')).not.toContain(first.body.token)
      const { body } = await world.ask('groupAdmin', 'GET', `${tokens}?sensitiveNameEquals=once`)
      expect(body.tokens).toHaveLength(1)
    })

    it('R11 makes one token of several at once', async () => {
      const key = newKey()
      const ask = () => world.ask('groupAdmin', 'POST', tokens, { name: 'one of many' }, named(key))
      const answers = await Promise.all(Array.from({ length: 20 }, ask))
      expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(409)])
    })

    it('R12 means nothing to a change of one’s own password, which it does not help to guess', async () => {
      const { signIn, session } = await createAdmin('changing')
      const key = newKey()
      const change = { oldPassword: password, newPassword: 'a sentence of my own' }
      const ask = (body: object, credentials: Record<string, string>) =>
        world.ask('nobody', 'POST', '/api/v1/password/', body, { ...credentials, ...named(key) })
      const before = (await everything(world)).filter((row) => row.startsWith('kept_answers '))
      expect((await ask(change, session)).body).toEqual({})
      const after = (await everything(world)).filter((row) => row.startsWith('kept_answers '))
      expect(after).toEqual(before)
      expectRefusal(await ask(change, session), 401)
      const later = await signIn(change.newPassword)
      // The right body under the key and wrong ones are guesses alike, and wait as guesses do.
      const wrong = { ...change, oldPassword: 'wrong wrong wrong' }
      const statuses: number[] = []
      for (let times = 0; times < 11; times += 1) {
        const answer = await ask(times % 2 === 0 ? change : wrong, later)
        expect(isReplay(answer)).toBe(false)
        statuses.push(answer.status)
      }
      expect(statuses).toEqual([...Array(10).fill(400), 429])
    })

    it('R13 means nothing to signing in and out', async () => {
      const { session } = await createAdmin('coming')
      const key = named(newKey())
      const credentials = { username: 'coming@sip.netaxis.be', password }
      const cookies = new Set<string>()
      for (let times = 0; times < 2; times += 1) {
        const answer = await world.ask('nobody', 'POST', '/api/v1/login/', credentials, key)
        expect(answer.status).toBe(200)
        expect(isReplay(answer)).toBe(false)
        cookies.add(String(answer.headers['set-cookie']))
        const bye = await world.ask('nobody', 'POST', '/api/v1/logout/', {}, { ...session, ...key })
        expect(bye.status).toBe(200)
        expect(isReplay(bye)).toBe(false)
      }
      expect(cookies.size).toBe(2)
      // A wrong password after the right one is wrong.
      const wrong = { ...credentials, password: 'wrong wrong wrong' }
      expectRefusal(await world.ask('nobody', 'POST', '/api/v1/login/', wrong, key), 401)
    })
  })
})
