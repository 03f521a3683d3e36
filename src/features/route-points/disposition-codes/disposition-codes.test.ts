import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { engines } from '../../../../test/engines.ts'
import {
  type Answer,
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  otherGroup,
  type Person,
  recorded,
  routePoint,
  type World,
} from '../../../../test/world.ts'
import { sql } from '../../../database/database.ts'

const path = `${routePoint}disposition_codes/`
const config = `${routePoint}disposition_codes_config/`
const groupCodes = `${group}services/call_centers_properties/disposition_codes/`
const enterpriseCodes =
  '/api/v1/tenants/othertenant/services/call_centers_properties/disposition_codes/'
const otherRoutePoint = `${otherGroup}services/route_points/otherRP@other.example/`

const inUse = 'Cannot delete or deactivate the disposition code. It is being used as default code.'

function codesOf({ body }: Answer): string[] {
  return body.disposition_codes.map(({ code }: { code: string }) => code)
}

describe.each(engines)('disposition codes of a route point on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
  })
  afterAll(() => world.close())

  const remove = (url: string, code: string) =>
    world.ask('system', 'DELETE', `${url}${encodeURIComponent(code)}/`)

  beforeEach(async () => {
    const off = {
      includeOrganizationCodes: false,
      forceUseOfCallDispositionCodes: false,
      defaultCallDispositionCode: null,
    }
    await world.ask('system', 'PUT', config, off)
    const { body } = await world.ask('system', 'GET', path)
    for (const { code, level } of body.disposition_codes) {
      await remove(level === 'Group' ? groupCodes : path, code)
    }
    await world.ask('groupAdmin', 'POST', path, { code: 'busy', description: 'Line busy' })
  })

  it.each([
    ['nobody', 401],
    ['siblingAdmin', 404],
    ['otherTenantAdmin', 404],
  ] as const)('are not shown to %s', async (person, status) => {
    expectRefusal(await world.ask(person, 'GET', path), status)
    expectRefusal(await world.ask(person, 'GET', `${path}busy/`), status)
  })

  it.each(['endUser', 'departmentAdmin', 'groupAdmin', 'tenantAdmin', 'system'] as const)(
    'are shown to %s',
    async (person) => {
      expect((await world.ask(person, 'GET', path)).status).toBe(200)
      expect((await world.ask(person, 'GET', `${path}busy/`)).status).toBe(200)
    },
  )

  it.each([
    ['nobody', 401],
    ['endUser', 403],
    ['departmentAdmin', 403],
    ['siblingAdmin', 404],
    ['otherTenantAdmin', 404],
  ] as const)('are not written by %s', async (person, status) => {
    await expectUnchanged(world, async () => {
      expectRefusal(await world.ask(person, 'POST', path, { code: 'sold' }), status)
      expectRefusal(await world.ask(person, 'PUT', `${path}busy/`, { active: false }), status)
      expectRefusal(await world.ask(person, 'DELETE', `${path}busy/`), status)
    })
  })

  it.each(['groupAdmin', 'tenantAdmin', 'system'] as const)('are written by %s', async (person) => {
    const created = await world.ask(person, 'POST', path, { code: 'sold' })
    expect([created.status, created.text]).toEqual([201, '{}'])
    expect(created.headers.location).toBe(`${path.replace('@', '%40')}sold/`)
    const changed = await world.ask(person, 'PUT', `${path}sold/`, { active: false })
    expect([changed.status, changed.text]).toEqual([200, '{}'])
    const removed = await world.ask(person, 'DELETE', `${path}sold/`)
    expect([removed.status, removed.text]).toEqual([200, '{}'])
  })

  it('are not created from a faulty body, and each faulty field is named', async () => {
    const body = { code: '..', active: 'no', description: 'x'.repeat(41), level: 'CallCenter' }
    await expectUnchanged(world, async () => {
      const answer = await world.ask('groupAdmin', 'POST', path, body)
      const parameters = answer.body.errors.map((error: { parameter: string }) => error.parameter)
      expect(parameters.sort()).toEqual(['active', 'code', 'description', 'level'])
    })
  })

  it('are not changed by a faulty body, and each faulty field is named', async () => {
    const body = { code: 'idle', active: null, description: 5, surprise: 1 }
    await expectUnchanged(world, async () => {
      const answer = await world.ask('groupAdmin', 'PUT', `${path}busy/`, body)
      const parameters = answer.body.errors.map((error: { parameter: string }) => error.parameter)
      expect(parameters.sort()).toEqual(['active', 'code', 'description', 'surprise'])
    })
  })

  it('exist once each, in the words of the reference', async () => {
    await expectUnchanged(world, async () => {
      expectRefusal(await world.ask('groupAdmin', 'POST', path, { code: 'busy' }), 400, [
        { code: 11, parameter: 'code', message: 'Disposition code name already exists.' },
      ])
    })
  })

  it('are created once, however many ask at once', async () => {
    const post = () => world.ask('groupAdmin', 'POST', path, { code: 'x' })
    const answers = await Promise.all(Array.from({ length: 50 }, post))
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 201)).toHaveLength(1)
    expect(statuses.filter((status) => status === 400)).toHaveLength(49)
  })

  it('answer 404 where there is none, but for a deletion, which has nothing to do', async () => {
    await expectUnchanged(world, async () => {
      expectRefusal(await world.ask('endUser', 'GET', `${path}none/`), 404)
      expectRefusal(await world.ask('groupAdmin', 'PUT', `${path}none/`, { active: false }), 404)
      const removed = await world.ask('groupAdmin', 'DELETE', `${path}none/`)
      expect([removed.status, removed.text]).toEqual([200, '{}'])
      const seen = { 'if-match': '*' }
      expectRefusal(await world.ask('groupAdmin', 'DELETE', `${path}none/`, undefined, seen), 412)
    })
  })

  it('are not found at an unknown route point, whatever the operation', async () => {
    const url = path.replace('APIOTestRP', 'nowhere')
    await expectUnchanged(world, async () => {
      const answers = await Promise.all([
        world.ask('groupAdmin', 'GET', url),
        world.ask('groupAdmin', 'POST', url, { code: 'x' }),
        world.ask('groupAdmin', 'GET', `${url}busy/`),
        world.ask('groupAdmin', 'PUT', `${url}busy/`, { active: true }),
        world.ask('groupAdmin', 'DELETE', `${url}busy/`),
      ])
      for (const answer of answers) expectRefusal(answer, 404)
    })
  })

  it('are shown without their code, and what GET shows changes nothing in a PUT', async () => {
    const item = `${path}busy/`
    const shown = await world.ask('endUser', 'GET', item)
    expect(shown.body).toEqual({ active: true, description: 'Line busy' })
    await expectUnchanged(world, async () => {
      const seen = { 'if-match': String(shown.headers.etag) }
      const same = await world.ask('groupAdmin', 'PUT', item, shown.body, seen)
      expect(same.status).toBe(200)
      const named = { code: 'busy', ...shown.body }
      expect((await world.ask('groupAdmin', 'PUT', item, named)).status).toBe(200)
    })
    const known = { 'if-none-match': String(shown.headers.etag) }
    expect((await world.ask('endUser', 'GET', item, undefined, known)).status).toBe(304)
  })

  it.each([null, ''])('lose their description by %j and nothing else', async (clear) => {
    await world.ask('groupAdmin', 'PUT', `${path}busy/`, { description: clear })
    const { body } = await world.ask('endUser', 'GET', `${path}busy/`)
    expect(body).toEqual({ active: true })
  })

  it('are neither changed nor deleted in a state that the client has not seen', async () => {
    const item = `${path}busy/`
    const { headers } = await world.ask('endUser', 'GET', item)
    const seen = { 'if-match': String(headers.etag) }
    await world.ask('groupAdmin', 'PUT', item, { active: false })
    await expectUnchanged(world, async () => {
      expectRefusal(await world.ask('groupAdmin', 'PUT', item, { active: true }, seen), 412)
      expectRefusal(await world.ask('groupAdmin', 'DELETE', item, undefined, seen), 412)
    })
  })

  it('are recorded with each write', async () => {
    await world.ask('groupAdmin', 'POST', path, { code: 'told', description: 'Told' })
    await world.ask('groupAdmin', 'PUT', `${path}told/`, { active: false })
    await world.ask('groupAdmin', 'DELETE', `${path}told/`)
    const select = sql<{ action: string; before_value: string; after_value: string }>(
      'SELECT action, before_value, after_value FROM changes WHERE target = ? ORDER BY action',
    )
    const on = '{"active":true,"description":"Told"}'
    const off = on.replace('true', 'false')
    expect(await world.database.all(select, `${recorded(path)}told/`)).toEqual([
      { action: 'change', before_value: on, after_value: off },
      { action: 'create', before_value: null, after_value: on },
      { action: 'delete', before_value: off, after_value: null },
    ])
  })

  it('are listed before those of the group, each by code, as the reference shows', async () => {
    for (const code of ['b2', 'A1']) await world.ask('groupAdmin', 'POST', groupCodes, { code })
    const own = { code: 'z', active: false, description: 'Last' }
    await world.ask('groupAdmin', 'POST', path, own)
    const { body, headers } = await world.ask('endUser', 'GET', path)
    expect(body).toEqual({
      disposition_codes: [
        { code: 'busy', active: true, description: 'Line busy', level: 'CallCenter' },
        { ...own, level: 'CallCenter' },
        { code: 'A1', active: true, description: '', level: 'Group' },
        { code: 'b2', active: true, description: '', level: 'Group' },
      ],
    })
    expect(Object.keys(body.disposition_codes[0])).toEqual([
      'code',
      'active',
      'description',
      'level',
    ])
    expect(headers['x-total-count']).toBe('4')
    expect(headers.etag).toBeDefined()
  })

  it('are listed before those of the enterprise, and of no other organization', async () => {
    await world.ask('groupAdmin', 'POST', groupCodes, { code: 'foreign' })
    await world.ask('otherTenantAdmin', 'POST', enterpriseCodes, { code: 'A' })
    const url = `${otherRoutePoint}disposition_codes/`
    await world.ask('otherTenantAdmin', 'POST', url, { code: 'own' })
    const { body } = await world.ask('otherTenantAdmin', 'GET', url)
    expect(body).toEqual({
      disposition_codes: [
        { code: 'own', active: true, description: '', level: 'CallCenter' },
        { code: 'A', active: true, description: '', level: 'Enterprise' },
      ],
    })
    expect(codesOf(await world.ask('endUser', 'GET', path))).toEqual(['busy', 'foreign'])
  })

  it('of the group are not among those that can be read or written one by one', async () => {
    await world.ask('groupAdmin', 'POST', groupCodes, { code: 'ours' })
    await expectUnchanged(world, async () => {
      expectRefusal(await world.ask('endUser', 'GET', `${path}ours/`), 404)
      expectRefusal(await world.ask('groupAdmin', 'PUT', `${path}ours/`, {}), 404)
      expect((await world.ask('groupAdmin', 'DELETE', `${path}ours/`)).status).toBe(200)
    })
    expect((await world.ask('groupAdmin', 'POST', path, { code: 'ours' })).status).toBe(201)
  })

  it('are listed whole, or in pages, filtered and sorted when asked', async () => {
    for (let number = 0; number < 30; number += 1) {
      await world.ask('groupAdmin', 'POST', number < 10 ? path : groupCodes, { code: `n${number}` })
    }
    const list = async (query: string) => world.ask('endUser', 'GET', `${path}?${query}`)
    const whole = codesOf(await list(''))
    expect(whole).toHaveLength(31)
    const page = await list('startIndex=10&pageSize=4')
    expect(codesOf(page)).toEqual(whole.slice(9, 13))
    expect(page.headers['x-total-count']).toBe('31')
    expect(page.headers.link).toContain('startIndex=14')
    expect(codesOf(await list('startIndex=30'))).toEqual(whole.slice(29))
    expect(codesOf(await list('insensitiveLevelEquals=group'))).toHaveLength(20)
    expect(codesOf(await list('sensitiveLevelStarts=Call&pageSize=1'))).toEqual(['busy'])
    expect(codesOf(await list('insensitiveDescriptionStarts=LINE'))).toEqual(['busy'])
    const sorted = await list('sortOrders=insensitiveDescendingCode&pageSize=2')
    expect(codesOf(sorted)).toEqual(['n9', 'n8'])
    expectRefusal(await list('sensitiveColourEquals=red'), 400, [
      { code: 2, parameter: 'sensitiveColourEquals' },
    ])
  })

  it.each([
    ['CallCenter', path, routePoint, 'groupAdmin'],
    ['Group', groupCodes, routePoint, 'groupAdmin'],
    ['Enterprise', enterpriseCodes, otherRoutePoint, 'otherTenantAdmin'],
  ] as [string, string, string, Person][])(
    'of level %s stay as they are while they are somebody’s default',
    async (level, url, owner, admin) => {
      const body = { code: 'fallback' }
      const fault = { code: 21, message: inUse }
      await world.ask(admin, 'POST', url, body)
      const choice = {
        includeOrganizationCodes: true,
        defaultCallDispositionCode: { code: 'fallback', level },
      }
      const chosen = await world.ask(admin, 'PUT', `${owner}disposition_codes_config/`, choice)
      expect(chosen.status, chosen.text).toBe(200)
      await expectUnchanged(world, async () => {
        expectRefusal(await world.ask(admin, 'DELETE', `${url}fallback/`), 400, [fault])
        const off = await world.ask(admin, 'PUT', `${url}fallback/`, { active: false })
        expectRefusal(off, 400, [{ ...fault, parameter: 'active' }])
      })
      const described = await world.ask(admin, 'PUT', `${url}fallback/`, { description: 'New' })
      expect(described.status).toBe(200)
      const none = { defaultCallDispositionCode: null }
      await world.ask(admin, 'PUT', `${owner}disposition_codes_config/`, none)
      const off = await world.ask(admin, 'PUT', `${url}fallback/`, { active: false })
      expect(off.status).toBe(200)
      expect((await world.ask(admin, 'DELETE', `${url}fallback/`)).status).toBe(200)
    },
  )

  it('of the same name at another level or route point are free while one is a default', async () => {
    const second = `${group}services/route_points/second@sip.netaxis.be/`
    const body = { serviceUserId: 'second', serviceInstanceProfile: { name: 'Second' } }
    await world.ask('groupAdmin', 'POST', `${group}services/route_points/`, body)
    const elsewhere = [groupCodes, `${second}disposition_codes/`]
    for (const url of elsewhere) await world.ask('groupAdmin', 'POST', url, { code: 'busy' })
    const choice = { defaultCallDispositionCode: { code: 'busy', level: 'CallCenter' } }
    await world.ask('groupAdmin', 'PUT', config, choice)
    for (const url of elsewhere) {
      expect((await world.ask('groupAdmin', 'DELETE', `${url}busy/`)).status).toBe(200)
    }
    expectRefusal(await world.ask('groupAdmin', 'DELETE', `${path}busy/`), 400, [{ code: 21 }])
  })
})
