import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { engines } from '../../../../test/engines.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  otherGroup,
  recorded,
  routePoint,
  type World,
} from '../../../../test/world.ts'
import { sql } from '../../../database/database.ts'

const path = `${routePoint}disposition_codes_config/`
const alias = `${group}route_points/call_centers/APIOTestRP@sip.netaxis.be/disposition_codes_config/`
const own = `${routePoint}disposition_codes/`
const shelf = 'services/call_centers_properties/disposition_codes/'
const groupCodes = `${group}${shelf}`
const enterpriseCodes = `/api/v1/tenants/othertenant/${shelf}`
const otherRoutePoint = `${otherGroup}services/route_points/otherRP@other.example/`

const off = {
  enableCallDispositionCodes: false,
  includeOrganizationCodes: false,
  forceUseOfCallDispositionCodes: false,
}
const invalidCode = {
  code: 2,
  parameter: 'defaultCallDispositionCode',
  message: 'Invalid disposition code.',
}
const missingCode = {
  code: 9,
  parameter: 'defaultCallDispositionCode',
  message:
    'When "forceUseOfCallDispositionCodes" is enabled, a default call disposition code must be provided.',
}

describe.each(engines)('disposition codes configuration on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
    await world.ask('groupAdmin', 'POST', own, { code: '123456' })
    await world.ask('groupAdmin', 'POST', own, { code: 'asleep', active: false })
    await world.ask('groupAdmin', 'POST', groupCodes, { code: 'shared' })
    await world.ask('groupAdmin', 'POST', groupCodes, { code: 'dormant', active: false })
    await world.ask('otherTenantAdmin', 'POST', enterpriseCodes, { code: 'company' })
  })
  afterAll(() => world.close())

  const put = (body: unknown, url = path) => world.ask('groupAdmin', 'PUT', url, body)
  const choose = (code: string, level: string) => ({ defaultCallDispositionCode: { code, level } })

  beforeEach(async () => {
    const { body } = await put({ ...off, defaultCallDispositionCode: null })
    expect(body).toEqual(off)
  })

  it.each([
    ['nobody', 401],
    ['endUser', 403],
    ['departmentAdmin', 403],
    ['siblingAdmin', 404],
    ['otherTenantAdmin', 404],
  ] as const)('is closed to %s', async (person, status) => {
    await expectUnchanged(world, async () => {
      expectRefusal(await world.ask(person, 'GET', path), status)
      for (const url of [path, alias]) {
        const body = { enableCallDispositionCodes: true }
        expectRefusal(await world.ask(person, 'PUT', url, body), status)
      }
    })
  })

  it.each(['groupAdmin', 'tenantAdmin', 'system'] as const)('is open to %s', async (person) => {
    expect((await world.ask(person, 'GET', path)).status).toBe(200)
    const body = { enableCallDispositionCodes: true }
    expect((await world.ask(person, 'PUT', path, body)).body).toMatchObject(body)
  })

  it('tells everything wrong with a body at once and writes nothing', async () => {
    const body = {
      enableCallDispositionCodes: 'yes',
      includeOrganizationCodes: null,
      forceUseOfCallDispositionCodes: 1,
      defaultCallDispositionCode: { code: '12345678901', level: 'Planet', colour: 'red' },
      surprise: 1,
    }
    await expectUnchanged(world, async () => {
      const { body: answer } = await put(body)
      expect(answer.errors.map(({ parameter }: { parameter: string }) => parameter).sort()).toEqual(
        [
          'defaultCallDispositionCode.code',
          'defaultCallDispositionCode.colour',
          'defaultCallDispositionCode.level',
          'enableCallDispositionCodes',
          'forceUseOfCallDispositionCodes',
          'includeOrganizationCodes',
          'surprise',
        ],
      )
    })
  })

  it.each(['code', 'level'])(
    'takes a default whole: without its %s it is refused',
    async (member) => {
      await put(choose('123456', 'CallCenter'))
      const { [member]: _, ...part }: Record<string, string> = {
        code: '123456',
        level: 'CallCenter',
      }
      await expectUnchanged(world, async () => {
        expectRefusal(await put({ defaultCallDispositionCode: part }), 400, [
          { code: 2, parameter: `defaultCallDispositionCode.${member}` },
        ])
      })
    },
  )

  it('needs a default to force the use of codes, in the words of the reference', async () => {
    await expectUnchanged(world, async () => {
      expectRefusal(await put({ forceUseOfCallDispositionCodes: true }), 400, [missingCode])
    })
    const force = { forceUseOfCallDispositionCodes: true, ...choose('123456', 'CallCenter') }
    expect((await put(force)).status).toBe(200)
    await expectUnchanged(world, async () => {
      expectRefusal(await put({ defaultCallDispositionCode: null }), 400, [missingCode])
    })
  })

  it.each([
    ['does not exist', 'none', 'CallCenter'],
    ['differs in case', 'Shared', 'Group'],
    ['is not active', 'asleep', 'CallCenter'],
    ['is not active in the group', 'dormant', 'Group'],
    ['is of another level', '123456', 'Group'],
    ['is the group’s, not the route point’s', 'shared', 'CallCenter'],
    ['is of a level that a service provider has not', 'company', 'Enterprise'],
  ])('refuses a default that %s', async (_, code, level) => {
    await expectUnchanged(world, async () => {
      const body = { includeOrganizationCodes: true, ...choose(code, level) }
      expectRefusal(await put(body), 400, [invalidCode])
    })
  })

  it('refuses a default of the organization unless its codes are included', async () => {
    await expectUnchanged(world, async () => {
      expectRefusal(await put(choose('shared', 'Group')), 400, [invalidCode])
    })
    const included = { includeOrganizationCodes: true, ...choose('shared', 'Group') }
    expect((await put(included)).body).toEqual({ ...off, ...included })
    await expectUnchanged(world, async () => {
      expectRefusal(await put({ includeOrganizationCodes: false }), 400, [invalidCode])
    })
    const back = { includeOrganizationCodes: false, ...choose('123456', 'CallCenter') }
    expect((await put(back)).status).toBe(200)
  })

  it('takes a default of the enterprise in an enterprise, and none of a group', async () => {
    const url = `${otherRoutePoint}disposition_codes_config/`
    const ask = (body: object) => world.ask('otherTenantAdmin', 'PUT', url, body)
    await expectUnchanged(world, async () => {
      const body = { includeOrganizationCodes: true, ...choose('company', 'Group') }
      expectRefusal(await ask(body), 400, [invalidCode])
    })
    const body = { includeOrganizationCodes: true, ...choose('company', 'Enterprise') }
    expect((await ask(body)).body).toMatchObject(body)
  })

  it('is never told of another route point’s codes', async () => {
    const url = `${group}services/route_points/`
    const profile = { serviceUserId: 'third', serviceInstanceProfile: { name: 'Third' } }
    await world.ask('groupAdmin', 'POST', url, profile)
    const third = `${url}third/disposition_codes_config/`
    await expectUnchanged(world, async () => {
      expectRefusal(await put(choose('123456', 'CallCenter'), third), 400, [invalidCode])
    })
  })

  it('changes only what a PUT names, and not at all by what GET shows', async () => {
    const body = { enableCallDispositionCodes: true, ...choose('123456', 'CallCenter') }
    const changed = await put(body)
    expect(changed.body).toEqual({ ...off, ...body })
    const { text } = await world.ask('groupAdmin', 'GET', path)
    expect(text).toBe(changed.text)
    await expectUnchanged(world, async () => {
      expect((await put(changed.body)).text).toBe(changed.text)
    })
    const { body: left } = await put({ defaultCallDispositionCode: null })
    expect(left).toEqual({ ...off, enableCallDispositionCodes: true })
  })

  it('is not changed in a state that the client has not seen', async () => {
    const { headers } = await world.ask('groupAdmin', 'GET', path)
    await put({ enableCallDispositionCodes: true })
    await expectUnchanged(world, async () => {
      const seen = { 'if-match': String(headers.etag) }
      const body = { enableCallDispositionCodes: false }
      expectRefusal(await world.ask('groupAdmin', 'PUT', path, body, seen), 412)
    })
  })

  it('is changed at the path that the reference prints, and recorded at its own', async () => {
    const select = sql<{ count: number }>(
      'SELECT count(*) AS count FROM changes WHERE target = ? AND after_value = ?',
    )
    const body = { ...off, enableCallDispositionCodes: true, includeOrganizationCodes: true }
    const timesRecorded = async () =>
      (await world.database.get(select, recorded(path), JSON.stringify(body)))?.count
    expect(await timesRecorded()).toBe(0)
    const { body: answer } = await put(body, alias)
    expect(answer).toEqual(body)
    expect(await timesRecorded()).toBe(1)
  })

  it('never names an inactive default, however choices and deactivations meet', async () => {
    const choice = choose('123456', 'CallCenter')
    for (let round = 0; round < 20; round += 1) {
      const deactivate = () => world.ask('groupAdmin', 'PUT', `${own}123456/`, { active: false })
      const acts =
        round % 2 === 0 ? [() => put(choice), deactivate] : [deactivate, () => put(choice)]
      const statuses = (await Promise.all(acts.map((act) => act()))).map(({ status }) => status)
      expect(statuses.sort()).toEqual([200, 400])
      const { body } = await world.ask('groupAdmin', 'GET', path)
      const { body: code } = await world.ask('groupAdmin', 'GET', `${own}123456/`)
      expect(body.defaultCallDispositionCode !== undefined).toBe(code.active)
      await put({ defaultCallDispositionCode: null })
      await world.ask('groupAdmin', 'PUT', `${own}123456/`, { active: true })
    }
  })

  it('goes with its route point, group or tenant, default and all', async () => {
    const tenant = '/api/v1/tenants/shortlived/'
    const remaining = sql('SELECT group_key FROM route_point_default_codes WHERE tenant_key = ?')
    const points = ['', '?deleteNonEmpty=1', '?deleteNonEmpty=1']
    for (const type of ['ServiceProvider', 'Enterprise']) {
      for (const [depth, query] of points.entries()) {
        const domain = { defaultDomain: 'short.example' }
        const ask = async (method: string, url: string, body?: object) => {
          const answer = await world.ask('system', method, url, body)
          expect(answer.status, `${method} ${url} ${answer.text}`).toBeLessThan(300)
        }
        await ask('POST', '/api/v1/tenants/', { tenantId: 'shortlived', type, ...domain })
        await ask('POST', `${tenant}groups/`, { groupId: 'g' })
        const [shelfPath, organization] =
          type === 'Enterprise'
            ? [`${tenant}${shelf}`, 'Enterprise']
            : [`${tenant}groups/g/${shelf}`, 'Group']
        await ask('POST', shelfPath, { code: 'a' })
        for (const [serviceUserId, level] of [
          ['one', 'CallCenter'],
          ['two', organization],
        ]) {
          const rp = `${tenant}groups/g/services/route_points/`
          const serviceInstanceProfile = { name: 'Short' }
          await ask('POST', rp, { serviceUserId, serviceInstanceProfile })
          await ask('POST', `${rp}${serviceUserId}/disposition_codes/`, { code: 'a' })
          await ask('PUT', `${rp}${serviceUserId}/disposition_codes_config/`, {
            includeOrganizationCodes: true,
            ...choose('a', String(level)),
          })
          if (depth === 0) await ask('DELETE', `${rp}${serviceUserId}/`)
        }
        if (depth === 1) await ask('DELETE', `${tenant}groups/g/${query}`)
        if (depth < 2) expect(await world.database.all(remaining, 'shortlived')).toEqual([])
        await ask('DELETE', `${tenant}?deleteNonEmpty=1`)
        expect(await world.database.all(remaining, 'shortlived')).toEqual([])
      }
    }
  })
})
