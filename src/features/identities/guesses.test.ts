import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines, type TestDatabase } from '../../../test/engines.ts'
import { buildApp } from '../../app.ts'
import { readConfig } from '../../config.ts'
import { sql } from '../../database/database.ts'
import { createRegistry } from '../../metrics/registry.ts'
import { createFirstAdmin } from '../admins/first-admin.ts'
import { accountHash } from './attempts.ts'

const password = 'correct horse battery'
const wrong = 'a wrong guess'

describe.each(engines)('what operators see of sign-ins on $name', (engine) => {
  let test: TestDatabase
  let app: FastifyInstance
  const registry = createRegistry()
  const lines: string[] = []
  beforeAll(async () => {
    test = await engine.open()
    await createFirstAdmin(test.database, 'admin', password)
    app = await buildApp({
      config: readConfig({ POINTSMAN_TRUSTED_PROXIES: '127.0.0.1' }),
      database: test.database,
      logger: pino({ base: null }, { write: (line: string) => lines.push(line) }),
      registry,
    })
  })
  afterAll(async () => {
    await app.close()
    await test.remove()
  })

  function send(url: string, payload: object | undefined, headers: Record<string, string>) {
    return app.inject({ method: 'POST', url, headers, ...(payload && { payload }) })
  }

  const signIn = (username: string, secret: string, address: string) =>
    send('/api/v1/login/', { username, password: secret }, { 'x-forwarded-for': address })

  /** The log lines since the last time, as objects. */
  const newLines = () => lines.splice(0).map((line) => JSON.parse(line))

  async function outcomes(): Promise<Record<string, number>> {
    const text = await registry.metrics()
    const counts = text.matchAll(/^pointsman_sign_ins_total\{outcome="(\w+)"\} (\d+)$/gm)
    return Object.fromEntries([...counts].map(([, outcome, count]) => [outcome, Number(count)]))
  }

  it('are all outcomes there are, from the start', async () => {
    expect(await outcomes()).toEqual({ success: 0, wrong: 0, slowed: 0, busy: 0, failed: 0 })
  })

  it('is a line for each request with the client’s address', async () => {
    await signIn('admin', password, '[2001:DB8::7]:5060')
    await app.inject({ url: '/nowhere', headers: { 'x-forwarded-for': '192.0.2.1' } })
    const requests = newLines().filter(({ msg }) => msg === 'request')
    expect(requests).toMatchObject([
      { path: '/api/v1/login/', status: 200, address: '2001:db8::7' },
      { path: '/nowhere', status: 404, address: '192.0.2.1' },
    ])
    expect(await outcomes()).toMatchObject({ success: 1, wrong: 0 })
  })

  it('is a line for each refusal, with the account’s hash, the address and the reason', async () => {
    const before = await outcomes()
    const secretName = 'somebody’s secret'
    for (let count = 0; count < 11; count += 1) await signIn(secretName, wrong, '192.0.2.3')
    const text = lines.join('')
    expect(text).not.toContain(wrong)
    expect(text).not.toContain(secretName)
    const refused = newLines().filter(({ msg }) => msg === 'sign-in refused')
    const common = { level: 40, account: accountHash(secretName), address: '192.0.2.3' }
    expect(refused).toMatchObject([
      ...Array(10).fill({ ...common, reason: 'wrong' }),
      { ...common, reason: 'slowed' },
    ])
    expect(await outcomes()).toEqual({
      ...before,
      wrong: Number(before.wrong) + 10,
      slowed: Number(before.slowed) + 1,
    })
  })

  it('are those that were turned away, too', async () => {
    const before = await outcomes()
    const guesses = Array.from({ length: 150 }, (_, index) =>
      signIn(`nobody${index}`, wrong, '192.0.2.4'),
    )
    const answers = await Promise.all(guesses)
    const busy = answers.filter(({ statusCode }) => statusCode === 503).length
    expect(busy).toBeGreaterThan(0)
    const refused = newLines().filter(({ reason }) => reason === 'busy')
    expect(refused).toHaveLength(busy)
    expect(await outcomes()).toMatchObject({ busy: Number(before.busy) + busy, failed: 0 })
  })

  it('are guesses at the old password with a session, as a line', async () => {
    const { headers } = await signIn('admin', password, '192.0.2.5')
    const cookie = String(headers['set-cookie']).split(';', 1)[0] ?? ''
    const before = await outcomes()
    const body = { oldPassword: wrong, newPassword: 'staple horse correct' }
    await send('/api/v1/password/', body, { cookie, 'x-forwarded-for': '192.0.2.5' })
    const [line] = newLines().filter(({ msg }) => msg === 'password change refused')
    expect(line).toMatchObject({ account: accountHash('admin'), reason: 'wrong' })
    expect(await outcomes()).toEqual(before)
  })

  it.each([
    [401, "DELETE FROM sessions WHERE identity_key = 'admin'"],
    [403, "UPDATE identities SET level = 12 WHERE identity_key = 'admin'"],
  ])('are no guesses of whoever has lost the right to ask meanwhile (%i)', async (status, end) => {
    const { headers } = await signIn('admin', password, '192.0.2.6')
    const cookie = String(headers['set-cookie']).split(';', 1)[0] ?? ''
    const { database } = test
    const { get } = database
    const run = (text: string) => database.write((transaction) => transaction.run(sql(text)))
    newLines()
    // The right ends between the first look at the session and the turn.
    database.get = async (statement, ...values) => {
      const row = await get.call(database, statement, ...values)
      if (statement.text.includes('FROM sessions')) {
        database.get = get
        await run(end)
      }
      return row as never
    }
    const body = { oldPassword: wrong, newPassword: 'staple horse correct' }
    const answer = await send('/api/v1/password/', body, { cookie })
    expect(answer.statusCode).toBe(status)
    expect(newLines().filter(({ reason }) => reason !== undefined)).toEqual([])
    await run("UPDATE identities SET level = 16 WHERE identity_key = 'admin'")
  })
})
