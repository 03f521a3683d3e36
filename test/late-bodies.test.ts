import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sql, type Value } from '../src/database/database.ts'
import { engines } from './engines.ts'
import { createWorld, expectRefusal, group, password, routePoint, type World } from './world.ts'

const person = { firstName: 'A', lastName: 'B', password }
const admins = `${group}admins/`
const tokens = '/api/v1/tokens/'

interface Late {
  method: 'POST' | 'PUT' | 'DELETE'
  url: string
  body: object
  /** It was sent before, and done, under this Idempotency-Key. */
  key?: string
}

/** A group admin who is about to send a body. */
interface Sender {
  /** The admin's own path, and that of the token. */
  path: string
  tokenPath: string
  cookie: string
}

/** Every way in which something is written. */
const requests: readonly Late[] = [
  { method: 'POST', url: admins, body: { userId: 'backdoor', ...person } },
  { method: 'PUT', url: `${admins}groupadmin/`, body: { lastName: 'Changed' } },
  { method: 'DELETE', url: `${group}users/agent/`, body: {} },
  { method: 'PUT', url: `${routePoint}overflow/`, body: { timeoutSeconds: 99 } },
  { method: 'PUT', url: `${routePoint}overflow/?dryRun=true`, body: { timeoutSeconds: 96 } },
  {
    method: 'PUT',
    url: `${routePoint}overflow/`,
    body: { timeoutSeconds: 95 },
    key: 'sent-before-and-done',
  },
  {
    method: 'PUT',
    url: `${group}users/agent/services/call_centers/`,
    body: { makeOutgoingCallsAsCallCenter: true },
  },
  { method: 'POST', url: tokens, body: { name: 'late' } },
  {
    method: 'POST',
    url: '/api/v1/password/',
    body: { oldPassword: password, newPassword: 'staple horse correct' },
  },
]

describe.each(engines)(
  'a body on $name that arrives after its sender’s right has ended',
  (engine) => {
    let world: World
    beforeAll(async () => {
      world = await createWorld(engine)
    })
    afterAll(() => world.close())

    function run(text: string, ...values: Value[]) {
      return world.database.write((transaction) => transaction.run(sql(text), ...values))
    }

    async function createSender(): Promise<Sender & { authorization: string }> {
      const made = await world.ask('groupAdmin', 'POST', admins, { userId: 'late', ...person })
      const path = String(made.headers.location)
      const credentials = { username: 'late@sip.netaxis.be', password }
      const { headers } = await world.ask('nobody', 'POST', '/api/v1/login/', credentials)
      const cookie = String(headers['set-cookie']).split(';', 1)[0] ?? ''
      const token = await world.ask('nobody', 'POST', tokens, { name: 'own' }, { cookie })
      const tokenPath = String(token.headers.location)
      return { path, tokenPath, cookie, authorization: `Bearer ${token.body.token}` }
    }

    /** Everything that a write could change, tokens by what they are but for when they were used. */
    async function snapshot(): Promise<string> {
      // Noting when one was used moves its row in PostgreSQL.
      const select = sql<object>('SELECT token_id, value FROM tokens ORDER BY token_id')
      const rows = await world.database.all(select)
      return `${await world.snapshot()} ${JSON.stringify(rows)}`
    }

    /** Resolves when somebody has been looked up by their session or token. */
    function nextLookUp(): Promise<void> {
      const { database } = world
      const { get } = database
      return new Promise((resolve) => {
        database.get = async (statement, ...values) => {
          const row = await get.call(database, statement, ...values)
          if (/FROM (?:sessions|tokens)\s+JOIN identities/.test(statement.text)) {
            database.get = get
            resolve()
          }
          return row as never
        }
      })
    }

    /** Sends the headers as a new group admin, lets `meanwhile` happen, and sends the body. */
    async function sendLate(
      { method, url, body, key }: Late,
      meanwhile: (sender: Sender) => Promise<unknown>,
      by: 'session' | 'token' = 'session',
    ) {
      const { authorization, ...sender } = await createSender()
      const credentials = by === 'token' ? { authorization } : { cookie: sender.cookie }
      const payload = new PassThrough()
      const retried = key === undefined ? {} : { 'idempotency-key': key }
      const headers = { ...credentials, ...retried, 'content-type': 'application/json' }
      if (key !== undefined) await world.ask('nobody', method, url, body, headers)
      // Were it identified only after what follows, it would be refused for that.
      const identified = nextLookUp()
      const sent = world.app.inject({ method, url, payload, headers })
      await identified
      await meanwhile(sender)
      const before = await snapshot()
      payload.end(JSON.stringify(body))
      const { statusCode: status, payload: text, rawPayload: bytes, ...rest } = await sent
      const isUnchanged = (await snapshot()) === before
      await world.ask('groupAdmin', 'DELETE', sender.path)
      return { status, headers: rest.headers, text, bytes, body: JSON.parse(text), isUnchanged }
    }

    const ask = (sender: Sender, method: string, url: string, body?: object) =>
      world.ask('nobody', method, url, body, { cookie: sender.cookie })

    /** What may happen between the headers and the body, and what the sender is told. */
    const ends: Record<
      'session' | 'token',
      [string, number, (sender: Sender) => Promise<unknown>][]
    > = {
      session: [
        ['a deletion', 401, ({ path }) => world.ask('groupAdmin', 'DELETE', path)],
        ['signing out', 401, (sender) => ask(sender, 'POST', '/api/v1/logout/')],
        ['the session’s end', 401, () => run('UPDATE sessions SET expires_at = 1')],
        [
          'a demotion',
          403,
          ({ path }) =>
            world.ask('groupAdmin', 'PUT', path, { department: { departmentName: 'Sales' } }),
        ],
      ],
      token: [
        ['a deletion', 401, ({ path }) => world.ask('groupAdmin', 'DELETE', path)],
        ['its token’s deletion', 401, (sender) => ask(sender, 'DELETE', sender.tokenPath)],
        [
          'its token’s end',
          401,
          () => run("UPDATE tokens SET expires_at = 1 WHERE identity_key LIKE 'late@%'"),
        ],
        [
          'its token’s fall',
          403,
          (sender) => ask(sender, 'PUT', sender.tokenPath, { userLevel: 0 }),
        ],
        [
          'its token’s end was set',
          403,
          (sender) => ask(sender, 'PUT', sender.tokenPath, { expiresAt: '2100-01-01T00:00:00Z' }),
        ],
        [
          'a demotion',
          403,
          ({ path }) =>
            world.ask('groupAdmin', 'PUT', path, { department: { departmentName: 'Sales' } }),
        ],
      ],
    }

    for (const by of ['session', 'token'] as const) {
      describe.each(ends[by])(`by ${by} is refused after %s`, (_, status, meanwhile) => {
        it.each(requests)('$method $url', async (request) => {
          const answer = await sendLate(request, meanwhile, by)
          expectRefusal(answer, status)
          expect(answer.isUnchanged).toBe(true)
        })
      })
    }

    it('by a Department Admin is refused after a move to another department', async () => {
      const url = `${admins}departmentadmin/`
      const before = { department: { departmentName: 'Sales' } }
      const after = { department: { departmentName: 'Inside Sales' } }
      const payload = new PassThrough()
      const { headers } = await world.ask('nobody', 'POST', '/api/v1/login/', {
        username: 'departmentadmin@sip.netaxis.be',
        password,
      })
      const cookie = String(headers['set-cookie']).split(';', 1)[0] ?? ''
      const identified = nextLookUp()
      const sent = world.app.inject({
        method: 'PUT',
        url: `${group}users/agent/`,
        payload,
        headers: { cookie, 'content-type': 'application/json' },
      })
      await identified
      expect((await world.ask('groupAdmin', 'PUT', url, after)).status).toBe(200)
      payload.end(JSON.stringify({ lastName: 'Changed' }))
      expect((await sent).statusCode).toBe(403)
      await world.ask('groupAdmin', 'PUT', url, before)
    })

    it.each(['session', 'token'] as const)(
      'by %s is taken when nothing has changed',
      async (by) => {
        const change = {
          method: 'PUT',
          url: `${routePoint}overflow/`,
          body: { timeoutSeconds: 98 },
        } as const
        const answer = await sendLate(change, async () => {}, by)
        expect(answer.status, answer.text).toBe(200)
      },
    )

    it('is taken after a change of what admitted nobody: the token’s name, the admin’s', async () => {
      const change = {
        method: 'PUT',
        url: `${routePoint}overflow/`,
        body: { timeoutSeconds: 97 },
      } as const
      const rename = async (sender: Sender) => {
        expect((await ask(sender, 'PUT', sender.tokenPath, { name: 'other' })).status).toBe(200)
        await world.ask('groupAdmin', 'PUT', sender.path, { lastName: 'Other' })
      }
      const answer = await sendLate(change, rename, 'token')
      expect(answer.status, answer.text).toBe(200)
    })
  },
)
