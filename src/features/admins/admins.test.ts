import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { engines } from '../../../test/engines.ts'
import { describeResource, type ResourceCase, refusing } from '../../../test/resource-suite.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  otherGroup,
  password,
  siblingGroup,
  type World,
} from '../../../test/world.ts'

const names = { good: ['x', '😀'.repeat(30), ['  x ', 'x']], bad: ['', '😀'.repeat(31), 5, 'a\tb'] }
const passwords = { good: [], bad: ['', 'x'.repeat(7), 'x'.repeat(129), 12345678, null] }
const least = { userId: 'new', firstName: 'New', lastName: 'Admin' }
const full = { userId: 'Full Name', firstName: 'Full', lastName: 'Admin', language: 'Dutch' }

function adminsOf(
  place: Pick<ResourceCase, 'plural' | 'collection' | 'present' | 'refused'> & {
    absentCollection?: string
    domain: string
  },
): ResourceCase {
  const { domain, ...rest } = place
  const at = (id: string) => `${id}${domain}`
  return {
    ...rest,
    idMember: 'userId',
    absent: 'nobody',
    listed: 'admins',
    least,
    leastShown: { ...least, userId: at('new') },
    full: { ...full, password },
    fullShown: { ...full, userId: at('Full Name') },
    limits: {
      userId: {
        good: [
          ['x', at('x')],
          'x@elsewhere.example',
          ['😀'.repeat(161 - domain.length), at('😀'.repeat(161 - domain.length))],
          [' Caf\u0065\u0301 ', at('Caf\u00e9')],
          `${'x'.repeat(159)}@y`,
          ['a/b?c#d%e', at('a/b?c#d%e')],
        ],
        bad: ['', '😀'.repeat(162 - domain.length), '.', '..', 'a@b@c', '@b', 'a@', 5, 'a\u0000b'],
      },
      firstName: names,
      lastName: names,
      language: { good: ['x'.repeat(40)], bad: ['x'.repeat(41), 5] },
      password: passwords,
    },
    clearable: ['language'],
    fixed: { userId: { altered: 'other', equal: ['FULL NAME', at('full name')] } },
    change: { lastName: 'Changed' },
    wrong: {
      body: { firstName: '', lastName: 5, language: {}, password: 'short', surprise: 1 },
      parameters: ['firstName', 'language', 'lastName', 'password', 'surprise', 'userId'],
    },
  }
}

function only(refused: ReturnType<typeof refusing>): ResourceCase['refused'] {
  return { list: refused, read: refused, create: refused, change: refused, remove: refused }
}

describeResource(
  adminsOf({
    plural: 'system admins',
    collection: '/api/v1/admins/',
    present: 'ADMIN',
    domain: '',
    refused: only(
      refusing({
        endUser: 403,
        departmentAdmin: 403,
        groupAdmin: 403,
        tenantAdmin: 403,
        siblingAdmin: 403,
        otherTenantAdmin: 403,
      }),
    ),
  }),
)

describeResource(
  adminsOf({
    plural: 'tenant admins',
    collection: '/api/v1/tenants/footenant/admins/',
    absentCollection: '/api/v1/tenants/nowhere/admins/',
    present: 'tenantadmin',
    domain: '@sip.netaxis.be',
    refused: only(
      refusing({
        endUser: 403,
        departmentAdmin: 403,
        groupAdmin: 403,
        siblingAdmin: 403,
        otherTenantAdmin: 404,
      }),
    ),
  }),
)

const groupAdmins = adminsOf({
  plural: 'group admins',
  collection: `${group}admins/`,
  absentCollection: '/api/v1/tenants/footenant/groups/nowhere/admins/',
  present: 'GROUPADMIN@sip.netaxis.be',
  domain: '@sip.netaxis.be',
  refused: only(
    refusing({ endUser: 403, departmentAdmin: 403, siblingAdmin: 404, otherTenantAdmin: 404 }),
  ),
})
const sales = { tenantId: 'footenant', groupId: 'foogroup', departmentName: 'Sales' }

describeResource({
  ...groupAdmins,
  full: { ...groupAdmins.full, department: sales },
  fullShown: { ...groupAdmins.fullShown, department: sales },
  clearable: [...groupAdmins.clearable, 'department'],
  limits: {
    ...groupAdmins.limits,
    department: { good: [[{ departmentName: 'Sales' }, sales]], bad: ['Sales', 1] },
    'department.departmentName': { good: [], bad: ['Nowhere', '', 5] },
  },
})

describe.each(engines)('levels of admins on $name', (engine) => {
  let world: World
  beforeEach(async () => {
    world = await createWorld(engine)
  })
  afterEach(() => world.close())

  async function signIn(username: string): Promise<{ cookie: string; level: number }> {
    const answer = await world.ask('nobody', 'POST', '/api/v1/login/', { username, password })
    const cookie = String(answer.headers['set-cookie']).split(';', 1)[0] ?? ''
    return { cookie, level: answer.body?.profile.user_level }
  }

  it('follow the department at once, for sessions that are open', async () => {
    const { cookie, level } = await signIn('departmentadmin@sip.netaxis.be')
    expect(level).toBe(4)
    const admin = `${group}admins/departmentadmin/`
    const statuses = async () => {
      const list = await world.ask('nobody', 'GET', `${group}admins/`, undefined, { cookie })
      const write = await world.ask('nobody', 'PUT', `${group}users/agent/`, {}, { cookie })
      return [list.status, write.status]
    }
    expect(await statuses()).toEqual([403, 200])
    await world.ask('groupAdmin', 'PUT', admin, { department: null })
    expect(await statuses()).toEqual([200, 200])
    expect((await signIn('departmentadmin@sip.netaxis.be')).level).toBe(8)
    await world.ask('groupAdmin', 'PUT', admin, { department: { departmentName: 'Inside Sales' } })
    expect(await statuses()).toEqual([403, 403])
  })

  it('set no password of their own without the old one, and that of others', async () => {
    const own = `${group}admins/groupadmin/`
    await expectUnchanged(world, async () => {
      const answer = await world.ask('groupAdmin', 'PUT', own, { password: 'taken over' })
      expectRefusal(answer, 400, [{ code: 2, parameter: 'password' }])
    })
    expect((await world.ask('groupAdmin', 'PUT', own, { lastName: 'New' })).status).toBe(200)
    expect((await world.ask('tenantAdmin', 'PUT', own, { password: 'another one' })).status).toBe(
      200,
    )
    expect((await world.ask('groupAdmin', 'GET', own)).status).toBe(401)
  })

  it('fall at once for tokens, which never rise above what they were made for', async () => {
    const admin = `${group}admins/groupadmin/`
    expect((await world.ask('groupAdmin', 'GET', `${group}admins/`)).status).toBe(200)
    await world.ask('system', 'PUT', admin, { department: { departmentName: 'Sales' } })
    expectRefusal(await world.ask('groupAdmin', 'GET', `${group}admins/`), 403)
    expect((await world.ask('groupAdmin', 'PUT', `${group}users/agent/`, {})).status).toBe(200)
    await world.ask('system', 'PUT', admin, { department: null })
    expect((await world.ask('groupAdmin', 'GET', `${group}admins/`)).status).toBe(200)
    await world.ask('system', 'PUT', `${group}admins/departmentadmin/`, { department: null })
    expectRefusal(await world.ask('departmentAdmin', 'GET', `${group}admins/`), 403)
  })

  it('end with the admin, for sessions and tokens alike', async () => {
    const { cookie } = await signIn('groupadmin@sip.netaxis.be')
    await world.ask('system', 'DELETE', `${group}admins/groupadmin/`)
    expectRefusal(await world.ask('groupAdmin', 'GET', group), 401)
    expectRefusal(await world.ask('nobody', 'GET', group, undefined, { cookie }), 401)
    expectRefusal(
      await world.ask('nobody', 'POST', '/api/v1/login/', {
        username: 'groupadmin@sip.netaxis.be',
        password,
      }),
      401,
    )
  })

  it('reach no admin by the path of another tenant or group', async () => {
    await expectUnchanged(world, async () => {
      for (const item of [
        '/api/v1/tenants/othertenant/admins/tenantadmin@sip.netaxis.be/',
        `${siblingGroup}admins/groupadmin@sip.netaxis.be/`,
        `${otherGroup}admins/groupadmin@sip.netaxis.be/`,
        '/api/v1/admins/groupadmin@sip.netaxis.be/',
        `${group}admins/tenantadmin@sip.netaxis.be/`,
        `${group}admins/agent@sip.netaxis.be/`,
      ]) {
        for (const method of ['GET', 'PUT', 'DELETE']) {
          const body = method === 'PUT' ? { lastName: 'X' } : undefined
          expectRefusal(await world.ask('system', method, item, body), 404)
        }
      }
    })
  })

  it('have an id that nothing else in the installation has', async () => {
    const places = ['/api/v1/', '/api/v1/tenants/othertenant/', siblingGroup]
    const ids = ['agent@SIP.netaxis.be', 'APIOTESTRP@sip.netaxis.be', 'otheradmin@other.example']
    await expectUnchanged(world, async () => {
      for (const place of places) {
        for (const userId of ids) {
          const answer = await world.ask('system', 'POST', `${place}admins/`, { ...least, userId })
          expectRefusal(answer, 400, [{ code: 11, parameter: 'userId' }])
        }
      }
    })
  })

  it('keep the last system admin', async () => {
    await expectUnchanged(world, async () => {
      const answer = await world.ask('system', 'DELETE', '/api/v1/admins/admin/')
      expectRefusal(answer, 400, [{ code: 21 }])
    })
    const second = { userId: 'second', firstName: 'A', lastName: 'B', password }
    await world.ask('system', 'POST', '/api/v1/admins/', second)
    const both = ['admin', 'second'].map((id) =>
      world.ask('system', 'DELETE', `/api/v1/admins/${id}/`),
    )
    const statuses = (await Promise.all(both)).map(({ status }) => status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
  })
})
