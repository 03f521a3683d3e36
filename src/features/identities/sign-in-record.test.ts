import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../../test/engines.ts'
import { createWorld, group, password, siblingGroup, type World } from '../../../test/world.ts'
import { sql } from '../../database/database.ts'

const username = 'agent@sip.netaxis.be'
const login = '/api/v1/login/'
const agentChanges = `${group}changes/?pageSize=1000&actor=${username}`

interface Item {
  action: string
  kind: string
  before: object | null
  after: object | null
}

describe.each(engines)('the record of signing in on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
  })
  afterAll(() => world.close())

  async function list(
    url = agentChanges,
    who: 'groupAdmin' | 'siblingAdmin' | 'system' = 'groupAdmin',
  ) {
    const { body, text } = await world.ask(who, 'GET', url)
    return (body?.changes ?? expect.unreachable(text)) as Item[]
  }

  const count = async (action: string) =>
    (await list()).filter((item) => item.action === action).length

  function signIn(name = username, word = password) {
    return world.ask('nobody', 'POST', login, { username: name, password: word })
  }

  function cookieOf({ headers }: Awaited<ReturnType<typeof signIn>>) {
    return { cookie: String(headers['set-cookie']).split(';', 1)[0] ?? '' }
  }

  it('tells who signed in and out, when and from where, to their group alone', async () => {
    const signedIn = await signIn()
    const shared = { kind: 'session', tokenName: null, address: '127.0.0.1', actor: username }
    const empty = { before: null, after: null }
    const [last] = await list()
    const requestId = signedIn.headers['x-request-id']
    expect(last).toMatchObject({ ...shared, ...empty, action: 'sign_in', requestId })
    const out = await world.ask('nobody', 'POST', '/api/v1/logout/', undefined, cookieOf(signedIn))
    const [latest] = await list()
    const id = out.headers['x-request-id']
    expect(latest).toMatchObject({ ...shared, ...empty, action: 'sign_out', requestId: id })
    const elsewhere = await list(`${siblingGroup}changes/?pageSize=1000`, 'siblingAdmin')
    expect(JSON.stringify(elsewhere)).not.toContain(username)
  })

  it('tells of no sign-out where there was no session', async () => {
    const cookie = cookieOf(await signIn())
    const before = await count('sign_out')
    for (const headers of [cookie, cookie, { cookie: `sessionid=${'x'.repeat(43)}` }, {}]) {
      await world.ask('nobody', 'POST', '/api/v1/logout/', undefined, headers)
    }
    expect(await count('sign_out')).toBe(before + 1)
  })

  it('tells of guesses that were refused, of accounts that there are', async () => {
    const refused = await signIn(username, 'not the password')
    await expect.poll(() => count('sign_in_refused')).toBe(1)
    const [item] = (await list()).filter(({ action }) => action === 'sign_in_refused')
    expect(item).toMatchObject({
      kind: 'session',
      address: '127.0.0.1',
      requestId: refused.headers['x-request-id'],
      before: null,
      after: null,
    })
    expect(JSON.stringify(item)).not.toContain('not the password')
    await signIn('my secret typed as a name', 'x')
    await signIn(username, 'not the password')
    await expect.poll(() => count('sign_in_refused')).toBe(2)
    const all = await world.ask('system', 'GET', '/api/v1/changes/?pageSize=1000')
    expect(all.text).not.toContain('typed as a name')
  })

  it('tells nothing of a route point, which cannot sign in', async () => {
    await signIn('APIOTestRP@sip.netaxis.be', 'x')
    // What is refused later is recorded later.
    const before = await count('sign_in_refused')
    await signIn(username, 'not the password')
    await expect.poll(() => count('sign_in_refused')).toBe(before + 1)
    for (const name of ['APIOTestRP@sip.netaxis.be', 'apiotestrp@sip.netaxis.be']) {
      expect(await list(`/api/v1/changes/?pageSize=1000&actor=${name}`, 'system')).toEqual([])
    }
  })

  it('keeps of a long row of guesses the first ten, and then each hundredth', async () => {
    // A right password ends the row.
    await signIn()
    const before = await count('sign_in_refused')
    for (let guess = 1; guess <= 101; guess += 1) {
      await world.database.write((transaction) =>
        transaction.run(sql('UPDATE sign_in_attempts SET retry_at = 0')),
      )
      expect((await signIn(username, 'not the password')).status).toBe(401)
    }
    await world.database.write((transaction) =>
      transaction.run(sql('UPDATE sign_in_attempts SET retry_at = 0')),
    )
    await signIn()
    await expect.poll(() => count('sign_in_refused')).toBe(before + 11)
  }, 60_000)

  it('tells of one’s own password: that it was changed, and that somebody guessed at it', async () => {
    const cookie = cookieOf(await signIn())
    const change = (oldPassword: string, newPassword: string) =>
      world.ask('nobody', 'POST', '/api/v1/password/', { oldPassword, newPassword }, cookie)
    expect((await change('a wrong guess', 'another sentence')).status).toBe(400)
    const ofPassword = async () => (await list()).filter(({ kind }) => kind === 'password')
    await expect.poll(async () => (await ofPassword()).length).toBe(1)
    expect((await change(password, 'another sentence')).status).toBe(200)
    const empty = { before: null, after: null }
    expect(await ofPassword()).toMatchObject([
      { action: 'change', ...empty },
      { action: 'sign_in_refused', ...empty },
    ])
  })

  it('tells of tokens that they were made, changed and revoked, without values', async () => {
    const ask = (method: string, id = '', body?: object) =>
      world.ask('groupAdmin', method, `/api/v1/tokens/${id}`, body)
    const { body } = await ask('POST', '', { name: 'recorded' })
    await ask('PUT', `${body.tokenId}/`, { name: 'renamed' })
    await ask('DELETE', `${body.tokenId}/`)
    const resource = encodeURIComponent(`/api/v1/tokens/${body.tokenId}/`)
    const items = await list(`${group}changes/?resource=${resource}`)
    const shared = { kind: 'token', before: null, after: null }
    expect(items).toMatchObject(
      ['delete', 'change', 'create'].map((action) => ({ action, ...shared })),
    )
  })
})
