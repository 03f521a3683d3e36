import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../../test/engines.ts'
import {
  type Answer,
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  type Person,
  routePoint,
  type World,
} from '../../../test/world.ts'
import { sql, type Value } from '../../database/database.ts'
import { DatabaseUnavailable } from '../../errors.ts'
import { hashSecret } from './secrets.ts'

const url = '/api/v1/tokens/'
const hour = 60 * 60 * 1_000

function fromNow(milliseconds: number): string {
  return new Date(Date.now() + milliseconds).toISOString()
}

interface Made {
  id: string
  url: string
  secret: string
  headers: { authorization: string }
}

describe.each(engines)('tokens on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
  })
  afterAll(() => world.close())

  async function make(person: Person, body: object = {}, headers = {}): Promise<Made> {
    const answer = await world.ask(person, 'POST', url, { name: 'made', ...body }, headers)
    expect(answer.status, answer.text).toBe(201)
    const { tokenId: id, token: secret } = answer.body
    return { id, url: `${url}${id}/`, secret, headers: { authorization: `Bearer ${secret}` } }
  }

  function askBy({ headers }: Made, method: string, at: string, body?: unknown): Promise<Answer> {
    return world.ask('nobody', method, at, body, headers)
  }

  function run(text: string, ...values: Value[]) {
    return world.database.write((transaction) => transaction.run(sql(text), ...values))
  }

  const selectEnd = sql<{ expires_at: number | null }>(
    'SELECT expires_at FROM tokens WHERE token_id = ?',
  )

  /** When a token ends, in milliseconds since 1970; null for one that does not. */
  async function endOf({ id }: Made): Promise<number | null | undefined> {
    return (await world.database.get(selectEnd, id))?.expires_at
  }

  describe('are refused', () => {
    it('to nobody', async () => {
      const { url: one } = await make('endUser')
      await expectUnchanged(world, async () => {
        for (const method of ['GET', 'POST']) {
          expectRefusal(
            await world.ask('nobody', method, url, method === 'POST' ? {} : undefined),
            401,
          )
        }
        for (const method of ['GET', 'PUT', 'DELETE']) {
          expectRefusal(
            await world.ask('nobody', method, one, method === 'PUT' ? {} : undefined),
            401,
          )
        }
      })
    })

    it('to anybody but their owner, of whatever level', async () => {
      const { url: one } = await make('endUser')
      await expectUnchanged(world, async () => {
        for (const person of ['groupAdmin', 'tenantAdmin', 'system'] as const) {
          expectRefusal(await world.ask(person, 'GET', one), 404)
          expectRefusal(await world.ask(person, 'PUT', one, { name: 'x' }), 404)
          expectRefusal(await world.ask(person, 'DELETE', one), 404)
          expect((await world.ask(person, 'GET', url)).text).not.toContain(one.split('/')[4])
        }
      })
    })

    it.each([
      [{}, ['name']],
      [{ name: '' }, ['name']],
      [{ name: 'x'.repeat(81) }, ['name']],
      [{ name: 'x', expiresAt: 'tomorrow' }, ['expiresAt']],
      [{ name: 'x', expiresAt: '2099-02-30T99:00:00Z' }, ['expiresAt']],
      [{ name: 'x', expiresAt: '2099-01-01' }, ['expiresAt']],
      [{ name: 'x', expiresAt: '2099-02-29T00:00:00Z' }, ['expiresAt']],
      [{ name: 'x', expiresAt: '2099-04-31T23:30:00-05:00' }, ['expiresAt']],
      [{ name: 'x', expiresAt: '2099-01-01T24:00:00Z' }, ['expiresAt']],
      [{ name: 'x', expiresAt: '2099-01-01T12:00:60Z' }, ['expiresAt']],
      [{ name: 'x', expiresAt: '2099-01-01T00:00:00+24:00' }, ['expiresAt']],
      [{ name: 'x', expiresAt: fromNow(-1_000) }, ['expiresAt']],
      [{ name: 'x', userLevel: 9 }, ['userLevel']],
      [{ name: 'x', userLevel: 16 }, ['userLevel']],
      [{ name: 'x', userLevel: -1 }, ['userLevel']],
      [{ name: 'x', userLevel: '8' }, ['userLevel']],
      [{ name: 'x', userLevel: 1 }, ['userLevel']],
      [{ name: 'x', userLevel: 7 }, ['userLevel']],
      [{ name: 'x', token: 'mine' }, ['token']],
      [{ name: 'x', tokenId: 'mine' }, ['tokenId']],
      [{ name: 'x', lastUsedAt: fromNow(0) }, ['lastUsedAt']],
      [{ name: 'x', level: 16, identity_key: 'admin' }, ['level', 'identity_key']],
    ])('to a group admin who asks for %j', async (body, parameters) => {
      const before = await world.ask('groupAdmin', 'GET', url)
      const faults = parameters.map((parameter) => ({ code: 2, parameter }))
      expectRefusal(await world.ask('groupAdmin', 'POST', url, body), 400, faults)
      expect((await world.ask('groupAdmin', 'GET', url)).body).toEqual(before.body)
    })

    it.each([
      'Bearer',
      'Bearer x',
      'Bearer SECRETx',
      'Bearer SECRET x',
      'Token SECRET',
      'SECRET',
      'Bearer HASH',
    ])('when they are sent as %j', async (header) => {
      const { secret } = await make('groupAdmin')
      const authorization = header.replace('SECRET', secret).replace('HASH', hashSecret(secret))
      const answer = await world.ask('nobody', 'GET', url, undefined, { authorization })
      expectRefusal(answer, 401)
      expect(answer.headers['www-authenticate']).toBe('Bearer')
    })
  })

  describe('are a hundred of one owner at most', () => {
    /** Tokens of an owner who has one already, until there are `total`; they end at `expiresAt`. */
    function fill(total: number, expiresAt: number | null) {
      return run(
        `INSERT INTO tokens (identity_key, token_id, name, name_key, level, expires_at, value)
         WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ?)
         SELECT 'tenantadmin@sip.netaxis.be', 'filled ' || CAST(i AS TEXT), 'filled', 'filled', 12,
           CAST(? AS BIGINT), '{}' FROM numbers`,
        total - 1,
        expiresAt,
      )
    }
    const empty = () => run("DELETE FROM tokens WHERE token_id LIKE 'filled %' OR name = 'another'")
    const create = () => world.ask('tenantAdmin', 'POST', url, { name: 'another' })
    const count = async () => {
      const { headers } = await world.ask('tenantAdmin', 'GET', `${url}?pageSize=1`)
      return Number(headers['x-total-count'])
    }

    it('and no more are made; a deletion makes room, and nobody else is concerned', async () => {
      await fill(99, null)
      const made = await create()
      expect(made.status).toBe(201)
      await expectUnchanged(world, async () => {
        const answer = await create()
        expectRefusal(answer, 400, [{ code: 2, message: expect.stringContaining('100 tokens') }])
      })
      expect(await count()).toBe(100)
      expectRefusal(await world.ask('tenantAdmin', 'POST', url, { name: '', userLevel: 16 }), 400, [
        { code: 2, parameter: 'name' },
        { code: 2, parameter: 'userLevel' },
        { code: 2, message: expect.stringContaining('100 tokens') },
      ])
      const renamed = await world.ask('tenantAdmin', 'PUT', made.headers.location as string, {
        name: 'another',
      })
      expect(renamed.status).toBe(200)
      await make('otherTenantAdmin')
      await world.ask('tenantAdmin', 'DELETE', String(made.headers.location))
      expect((await create()).status).toBe(201)
      await empty()
    })

    it('of which expired ones stay until there would be more', async () => {
      await fill(99, 1)
      expect((await create()).status).toBe(201)
      expect(await count()).toBe(100)
      expect((await create()).status).toBe(201)
      expect(await count()).toBe(3)
      await empty()
    })

    it('however many are asked for at once', async () => {
      await fill(95, null)
      const answers = await Promise.all(Array.from({ length: 12 }, create))
      expect(answers.filter(({ status }) => status === 201)).toHaveLength(5)
      expect(await count()).toBe(100)
      await empty()
    })
  })

  it('speak for their owner, in header names and schemes of any case', async () => {
    const { secret } = await make('groupAdmin')
    for (const authorization of [`Bearer ${secret}`, `bearer ${secret}`, `BEARER  ${secret} `]) {
      const answer = await world.ask('nobody', 'GET', `${group}admins/`, undefined, {
        authorization,
      })
      expect(answer.status, authorization).toBe(200)
    }
  })

  it('show their secret once, and keep its hash alone', async () => {
    const answer = await world.ask('groupAdmin', 'POST', url, { name: 'once' })
    const { token: secret, ...shown } = answer.body
    expect(secret).toMatch(/^[\w-]{43}$/)
    expect(shown).toEqual({ tokenId: expect.any(String), name: 'once', userLevel: 8 })
    const one = `${url}${shown.tokenId}/`
    expect(answer.headers.location).toBe(one)
    expect((await world.ask('groupAdmin', 'GET', one)).body).toEqual(shown)
    expect((await world.ask('groupAdmin', 'PUT', one, { name: 'twice' })).body).toEqual({
      ...shown,
      name: 'twice',
    })
    expect((await world.ask('groupAdmin', 'GET', url)).text).not.toContain(secret)

    const rows = await world.database.all(sql<{ secret_hash: string }>('SELECT * FROM tokens'))
    expect(JSON.stringify(rows)).not.toContain(secret)
    expect(rows.map(({ secret_hash }) => secret_hash)).toContain(hashSecret(secret))
    const changes = await world.database.all(sql<object>('SELECT * FROM changes'))
    expect(JSON.stringify(changes)).not.toContain(secret)
    expect(JSON.stringify(changes)).toContain(shown.tokenId)
  })

  it('are answered as they are read: a PUT of what GET shows changes nothing', async () => {
    const token = await make('groupAdmin', { expiresAt: fromNow(hour), userLevel: 4 })
    await askBy(token, 'GET', group)
    const { body } = await world.ask('groupAdmin', 'GET', token.url)
    const answer = await world.ask('groupAdmin', 'PUT', token.url, body)
    expect(answer).toMatchObject({ status: 200, body })
    expect((await askBy(token, 'GET', group)).status).toBe(200)
  })

  it('keep their secret when they get another name', async () => {
    const token = await make('groupAdmin')
    await world.ask('groupAdmin', 'PUT', token.url, { name: 'renamed' })
    expect((await askBy(token, 'GET', group)).status).toBe(200)
  })

  it('end with their deletion', async () => {
    const token = await make('groupAdmin')
    expect((await world.ask('groupAdmin', 'DELETE', token.url)).status).toBe(200)
    expectRefusal(await askBy(token, 'GET', group), 401)
    expectRefusal(await world.ask('groupAdmin', 'GET', token.url), 404)
  })

  describe('that expire', () => {
    it('end at their time', async () => {
      const token = await make('groupAdmin', { expiresAt: fromNow(hour) })
      expect((await askBy(token, 'GET', group)).status).toBe(200)
      await run('UPDATE tokens SET expires_at = ? WHERE token_id = ?', Date.now() - 1, token.id)
      expectRefusal(await askBy(token, 'GET', group), 401)
    })

    it.each([
      ['2099-01-31t12:00:00+01:00', '2099-01-31T11:00:00Z'],
      ['2098-12-31T23:59:60Z', '2099-01-01T00:00:00Z'],
      ['2099-01-31T12:00z', '2099-01-31T12:00:00Z'],
    ])('end at a time however it is written: %s', async (expiresAt, same) => {
      const token = await make('groupAdmin', { expiresAt })
      expect((await world.ask('groupAdmin', 'GET', token.url)).body.expiresAt).toBe(expiresAt)
      expect(await endOf(token)).toBe(Date.parse(same))
      const heir = { name: 'heir', expiresAt: new Date(Date.parse(same) + 1).toISOString() }
      expectRefusal(await askBy(token, 'POST', url, heir), 400, [
        { code: 2, parameter: 'expiresAt' },
      ])
    })

    it('keep the end that an earlier version took, when something else is changed', async () => {
      const [expiresAt, midnight] = ['2099-01-30T24:00:00Z', '2099-01-31T00:00:00Z']
      const token = await make('groupAdmin', { expiresAt: midnight })
      const replace = 'UPDATE tokens SET value = replace(value, ?, ?) WHERE token_id = ?'
      await run(replace, midnight, expiresAt, token.id)
      for (const body of [{ name: 'renamed' }, { name: 'again', expiresAt }]) {
        const answer = await world.ask('groupAdmin', 'PUT', token.url, body)
        expect(answer.body).toMatchObject({ name: body.name, expiresAt })
        expect(await endOf(token)).toBe(Date.parse(midnight))
      }
    })

    it('can be prolonged and made lasting by their owner', async () => {
      const token = await make('groupAdmin', { expiresAt: fromNow(hour) })
      const later = fromNow(2 * hour)
      const change = (expiresAt: string | null) =>
        world.ask('groupAdmin', 'PUT', token.url, { expiresAt })
      expect((await change(later)).body.expiresAt).toBe(later)
      expect((await change(null)).body).not.toHaveProperty('expiresAt')
      expect(await endOf(token)).toBeNull()
    })

    it('make none that outlives them', async () => {
      const expiresAt = fromNow(hour)
      const token = await make('groupAdmin', { expiresAt })
      const later = { name: 'heir', expiresAt: fromNow(hour + 1_000) }
      expectRefusal(await askBy(token, 'POST', url, later), 400, [
        { code: 2, parameter: 'expiresAt' },
      ])
      const sooner = { name: 'heir', expiresAt: fromNow(hour / 2) }
      expect((await askBy(token, 'POST', url, sooner)).body.expiresAt).toBe(sooner.expiresAt)
      expect((await askBy(token, 'POST', url, { name: 'heir' })).body.expiresAt).toBe(expiresAt)
    })

    it('prolong neither themselves nor one that ends before', async () => {
      const token = await make('groupAdmin', { expiresAt: fromNow(hour) })
      const other = await make('groupAdmin', { expiresAt: fromNow(hour / 2) })
      for (const one of [token, other]) {
        const later = { expiresAt: fromNow(2 * hour) }
        expectRefusal(await askBy(token, 'PUT', one.url, later), 400, [
          { code: 2, parameter: 'expiresAt' },
        ])
        const { body } = await askBy(token, 'PUT', one.url, { expiresAt: null })
        expect(Date.parse(body.expiresAt)).toBeLessThanOrEqual(Date.now() + hour)
      }
    })

    it('touch none that outlives them', async () => {
      const token = await make('groupAdmin', { expiresAt: fromNow(hour) })
      const lasting = await make('groupAdmin')
      expectRefusal(await askBy(token, 'PUT', lasting.url, { name: 'x' }), 403)
      expectRefusal(await askBy(token, 'DELETE', lasting.url), 403)
      expect((await askBy(lasting, 'GET', group)).status).toBe(200)
      expect((await askBy(lasting, 'DELETE', token.url)).status).toBe(200)
    })
  })

  describe('that are narrowed', () => {
    it('may no more than their level, in the same place', async () => {
      const token = await make('system', { userLevel: 8 })
      expect((await askBy(token, 'GET', `${routePoint}bounced_call/`)).status).toBe(200)
      expectRefusal(await askBy(token, 'POST', '/api/v1/tenants/footenant/groups/', {}), 403)
      expectRefusal(await askBy(token, 'GET', '/api/v1/admins/'), 403)
      const reader = await make('groupAdmin', { userLevel: 0 })
      expectRefusal(await askBy(reader, 'GET', `${group}users/`), 403)
      expectRefusal(await askBy(reader, 'GET', `${group}users/agent/`), 404)
      expectRefusal(await askBy(reader, 'GET', '/api/v1/tenants/othertenant/'), 404)
    })

    it('make none that is wider', async () => {
      const token = await make('groupAdmin', { userLevel: 4 })
      for (const userLevel of [8, 16]) {
        const wider = await askBy(token, 'POST', url, { name: 'wider', userLevel })
        expectRefusal(wider, 400, [{ code: 2, parameter: 'userLevel' }])
      }
      const { body } = await askBy(token, 'POST', url, { name: 'heir' })
      expect(body.userLevel).toBe(4)
    })

    it('neither widen themselves nor touch a wider one', async () => {
      const token = await make('groupAdmin', { userLevel: 4 })
      const wide = await make('groupAdmin', { expiresAt: fromNow(hour) })
      const widened = await askBy(token, 'PUT', token.url, { userLevel: 8 })
      expectRefusal(widened, 400, [{ code: 2, parameter: 'userLevel' }])
      for (const body of [{ expiresAt: null }, { name: 'x' }, { userLevel: 0 }]) {
        expectRefusal(await askBy(token, 'PUT', wide.url, body), 403)
      }
      expectRefusal(await askBy(token, 'DELETE', wide.url), 403)
      expect((await askBy(wide, 'GET', `${group}admins/`)).status).toBe(200)
    })

    it('of a Department Admin’s level write no users: they have no department', async () => {
      const token = await make('groupAdmin', { userLevel: 4 })
      expect((await askBy(token, 'GET', `${group}users/`)).status).toBe(200)
      expectRefusal(await askBy(token, 'PUT', `${group}users/agent/`, { firstName: 'x' }), 403)
    })

    it('to a level that is none may no more than the one below it', async () => {
      const colleague = { userId: 'colleague', firstName: 'A', lastName: 'B' }
      await world.ask('groupAdmin', 'POST', `${group}users/`, colleague)
      const setting = `${group}users/colleague/services/call_centers/`
      for (const [person, level, status] of [
        ['departmentAdmin', 3, 404],
        ['groupAdmin', 7, 403],
      ] as const) {
        const token = await make(person)
        await run('UPDATE tokens SET level = ? WHERE token_id = ?', level, token.id)
        await expectUnchanged(world, async () => {
          expectRefusal(await askBy(token, 'PUT', setting, {}), status)
        })
      }
    })

    it('can be widened by their owner, up to the own level', async () => {
      const token = await make('groupAdmin', { userLevel: 0 })
      const session = await make('groupAdmin')
      expect((await askBy(session, 'PUT', token.url, { userLevel: 8 })).body.userLevel).toBe(8)
      expect((await askBy(token, 'GET', `${group}admins/`)).status).toBe(200)
      expectRefusal(await askBy(session, 'PUT', token.url, { userLevel: 12 }), 400, [
        { code: 2, parameter: 'userLevel' },
      ])
    })
  })

  it('follow the level of their owner down, and can still be renamed and deleted by them', async () => {
    const body = {
      userId: 'falling',
      firstName: 'Falling',
      lastName: 'Admin',
      password: 'correct horse',
    }
    await world.ask('tenantAdmin', 'POST', `${group}admins/`, body)
    const credentials = { username: 'falling@sip.netaxis.be', password: 'correct horse' }
    const { headers } = await world.ask('nobody', 'POST', '/api/v1/login/', credentials)
    const cookie = String(headers['set-cookie']).split(';', 1)[0] ?? ''
    const token = await make('nobody', { userLevel: 8 }, { cookie })
    const department = { department: { departmentName: 'Sales' } }
    await world.ask('tenantAdmin', 'PUT', `${group}admins/falling/`, department)
    expectRefusal(await askBy(token, 'GET', `${group}admins/`), 403)
    expectRefusal(await askBy(token, 'POST', url, { name: 'x', userLevel: 8 }), 400, [
      { code: 2, parameter: 'userLevel' },
    ])
    const renamed = await world.ask('nobody', 'PUT', token.url, { name: 'renamed' }, { cookie })
    expect(renamed.body).toMatchObject({ name: 'renamed', userLevel: 8 })
    expect((await world.ask('nobody', 'DELETE', token.url, undefined, { cookie })).status).toBe(200)
  })

  describe('tell when they were used', () => {
    const select = sql<{ used_at: number | null }>('SELECT used_at FROM tokens WHERE token_id = ?')

    it('to the hour, and not at all before', async () => {
      const token = await make('groupAdmin')
      expect((await world.ask('groupAdmin', 'GET', token.url)).body).not.toHaveProperty(
        'lastUsedAt',
      )
      const before = Date.now()
      await askBy(token, 'GET', group)
      const { body } = await world.ask('groupAdmin', 'GET', token.url)
      expect(body.lastUsedAt).toMatch(/T\d\d:00:00\.000Z$/)
      expect(Date.parse(body.lastUsedAt)).toBeGreaterThan(before - hour)
      expect(Date.parse(body.lastUsedAt)).toBeLessThanOrEqual(Date.now())
      const list = await world.ask('groupAdmin', 'GET', url)
      expect(list.body.tokens).toContainEqual(body)
    })

    it('once an hour: other uses write nothing', async () => {
      const token = await make('groupAdmin')
      await askBy(token, 'GET', group)
      const noted = await world.database.get(select, token.id)
      let writes = 0
      const { write } = world.database
      world.database.write = (change) => {
        writes += 1
        return write.call(world.database, change) as ReturnType<typeof change>
      }
      await askBy(token, 'GET', group)
      expect(writes).toBe(0)
      const old = (noted?.used_at ?? 0) - hour
      world.database.write = write
      await run('UPDATE tokens SET used_at = ? WHERE token_id = ?', old, token.id)
      await askBy(token, 'GET', group)
      expect(await world.database.get(select, token.id)).toEqual(noted)
    })

    it('unless the database cannot note it: the door opens all the same', async () => {
      const token = await make('groupAdmin')
      const { write } = world.database
      const failing = (error: Error) => {
        world.database.write = () => {
          world.database.write = write
          return Promise.reject(error)
        }
      }
      failing(new DatabaseUnavailable(new Error('disk full')))
      expect((await askBy(token, 'GET', group)).status).toBe(200)
      expect(await world.database.get(select, token.id)).toEqual({ used_at: null })
      failing(new Error('a fault of our own'))
      expectRefusal(await askBy(token, 'GET', group), 500)
    })

    it('by a use that was let in alone', async () => {
      const token = await make('groupAdmin', { expiresAt: fromNow(hour) })
      await run('UPDATE tokens SET expires_at = 1 WHERE token_id = ?', token.id)
      await askBy(token, 'GET', group)
      expect(await world.database.get(select, token.id)).toEqual({ used_at: null })
    })
  })
})
