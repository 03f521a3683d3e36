import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { engines } from '../../../test/engines.ts'
import { describeResource, refusing } from '../../../test/resource-suite.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  otherGroup,
  type Person,
  password,
  siblingGroup,
  type World,
} from '../../../test/world.ts'

const outside = { siblingAdmin: 404, otherTenantAdmin: 404 }
const sales = { tenantId: 'footenant', groupId: 'foogroup', departmentName: 'Sales' }
const names = { good: ['x', '😀'.repeat(30)], bad: ['', '😀'.repeat(31), 5, 'a\tb'] }
const own = refusing({ endUser: 403, ...outside })
const full = {
  userId: 'Full.Name',
  firstName: 'Full',
  lastName: 'Name',
  phoneNumber: '+3225126780',
  extension: '6780',
  emailAddress: 'full.name@example.org',
  department: sales,
  language: 'Dutch',
}

describeResource({
  plural: 'users',
  collection: `${group}users/`,
  absentCollection: '/api/v1/tenants/footenant/groups/nowhere/users/',
  idMember: 'userId',
  present: 'Agent',
  absent: 'nobody',
  listed: 'users',
  refused: {
    list: refusing({ endUser: 403, ...outside }),
    read: refusing(outside),
    create: own,
    change: own,
    remove: own,
  },
  least: { userId: 'new', firstName: 'New', lastName: 'User' },
  leastShown: { userId: 'new@sip.netaxis.be', firstName: 'New', lastName: 'User' },
  full: { ...full, password },
  fullShown: { ...full, userId: 'Full.Name@sip.netaxis.be' },
  limits: {
    userId: {
      good: ['x@elsewhere.example', ['😀'.repeat(146), `${'😀'.repeat(146)}@sip.netaxis.be`]],
      bad: ['', '😀'.repeat(147), '.', '..', 'a@b@c', '@b', 'a@', 5],
    },
    firstName: names,
    lastName: names,
    phoneNumber: {
      good: ['1', '+3225126781', '1'.repeat(23), ['+32 2 512-67--8 1', '+3225126781']],
      bad: ['1'.repeat(24), '+', '02/5126780', '(02)5126780', 'a', '1+2', '-1', 32, '٣٢'],
    },
    extension: { good: ['12', '1'.repeat(20)], bad: ['1', '1'.repeat(21), '1a', '+12', '1 2', 12] },
    emailAddress: {
      good: ['a@b', `${'😀'.repeat(78)}@b`],
      bad: [`${'x'.repeat(79)}@b`, 'x', 'a@b@c', 'a b@c', 5],
    },
    department: { good: [[{ departmentName: 'Sales' }, sales]], bad: ['Sales', 1] },
    'department.departmentName': { good: [], bad: ['Nowhere', '', 5, 'sales'] },
    language: { good: ['x'.repeat(40)], bad: ['x'.repeat(41), 5] },
    password: { good: [], bad: ['', 'x'.repeat(7), 'x'.repeat(129), 12345678, null] },
  },
  clearable: ['phoneNumber', 'extension', 'emailAddress', 'department', 'language'],
  fixed: { userId: { altered: 'other', equal: ['FULL.name', 'full.name@SIP.netaxis.be'] } },
  change: { department: { departmentName: 'Inside Sales' }, lastName: 'Changed' },
  wrong: {
    body: {
      firstName: '',
      lastName: 5,
      phoneNumber: 'x',
      extension: 'x',
      emailAddress: 'x',
      department: { groupId: 'siblinggroup', departmentName: 'Sales' },
      language: {},
      password: 'short',
      surprise: 1,
    },
    parameters: [
      'department.groupId',
      'emailAddress',
      'extension',
      'firstName',
      'language',
      'lastName',
      'password',
      'phoneNumber',
      'surprise',
      'userId',
    ],
  },
})

describe.each(engines)('rights over users on $name', (engine) => {
  let world: World
  const users = `${group}users/`
  const names = { firstName: 'New', lastName: 'User' }
  const inside = { departmentName: 'Inside Sales' }

  beforeEach(async () => {
    world = await createWorld(engine)
    const support = { departmentName: 'Support' }
    await world.ask('groupAdmin', 'POST', `${group}departments/`, support)
    const below = { userId: 'below', ...names, department: inside }
    for (const user of [below, { userId: 'supporter', ...names, department: support }]) {
      await world.ask('groupAdmin', 'POST', users, user)
    }
    await world.ask('groupAdmin', 'POST', users, { userId: 'free', ...names })
  })
  afterEach(() => world.close())

  const asDepartmentAdmin = (method: string, url: string, body?: object) =>
    world.ask('departmentAdmin', method, url, body)

  it('let a department admin read the directory of the group', async () => {
    const readable = [
      ...['users/', 'users/supporter/', 'departments/', 'departments/Support/'],
      ...['services/route_points/', 'services/route_points/APIOTestRP/'],
    ]
    for (const path of readable) {
      expect((await asDepartmentAdmin('GET', `${group}${path}`)).status, path).toBe(200)
      const elsewhere = await asDepartmentAdmin('GET', `${siblingGroup}${path}`)
      expectRefusal(elsewhere, 404)
    }
    expect((await asDepartmentAdmin('GET', users)).body.users).toHaveLength(4)
    for (const path of ['admins/', 'admins/groupadmin/']) {
      expectRefusal(await asDepartmentAdmin('GET', `${group}${path}`), 403)
    }
  })

  it('let a department admin write users of the department and those below it', async () => {
    for (const department of [sales, inside]) {
      const created = await asDepartmentAdmin('POST', users, {
        userId: 'new',
        ...names,
        department,
      })
      expect(created.status).toBe(201)
      const item = String(created.headers.location)
      expect((await asDepartmentAdmin('PUT', item, { lastName: 'X' })).status).toBe(200)
      for (const other of [inside, sales]) {
        expect((await asDepartmentAdmin('PUT', item, { department: other })).status).toBe(200)
      }
      expect((await asDepartmentAdmin('DELETE', item)).status).toBe(200)
    }
  })

  it('let a department admin write no other user, nor move one in or out', async () => {
    await expectUnchanged(world, async () => {
      for (const department of [
        undefined,
        { departmentName: 'Support' },
        { departmentName: '?' },
      ]) {
        const body = { userId: 'new', ...names, department }
        expectRefusal(await asDepartmentAdmin('POST', users, body), 403)
        // The right is judged before the rest of the body.
        const faulty = { department, surprise: 1 }
        expectRefusal(await asDepartmentAdmin('POST', users, faulty), 403)
      }
      for (const user of ['supporter', 'free']) {
        for (const body of [{}, { lastName: 'X' }, { department: sales }, { surprise: 1 }]) {
          expectRefusal(await asDepartmentAdmin('PUT', `${users}${user}/`, body), 403)
        }
        expectRefusal(await asDepartmentAdmin('DELETE', `${users}${user}/`), 403)
      }
      for (const department of [null, { departmentName: 'Support' }, { departmentName: '?' }]) {
        expectRefusal(await asDepartmentAdmin('PUT', `${users}below/`, { department }), 403)
      }
      expectRefusal(await asDepartmentAdmin('PUT', `${users}below/`, { department: 5 }), 400, [
        { code: 2, parameter: 'department' },
      ])
      expectRefusal(await asDepartmentAdmin('PUT', `${users}nobody/`, {}), 404)
      expectRefusal(await asDepartmentAdmin('DELETE', `${users}nobody/`), 404)
    })
  })

  it('let an admin of a department below write no user above', async () => {
    await world.ask('groupAdmin', 'PUT', `${group}admins/departmentadmin/`, { department: inside })
    expect((await asDepartmentAdmin('PUT', `${users}below/`, { lastName: 'X' })).status).toBe(200)
    expectRefusal(await asDepartmentAdmin('PUT', `${users}agent/`, { lastName: 'X' }), 403)
  })

  it('let an end user read the own record, tenant and group, and nothing of others', async () => {
    const get = (url: string) => world.ask('endUser', 'GET', url)
    for (const url of ['agent/', 'AGENT@sip.netaxis.be/', 'agent@SIP.netaxis.be']) {
      expect((await get(`${users}${url}`)).body.userId).toBe('agent@sip.netaxis.be')
    }
    for (const url of ['/api/v1/tenants/footenant/', group]) {
      expect((await get(url)).status).toBe(200)
    }
    const absent = await get(`${users}nobody/`)
    for (const url of [
      `${users}below/`,
      `${siblingGroup}users/agent@sip.netaxis.be/`,
      `${otherGroup}users/agent@sip.netaxis.be/`,
      '/api/v1/tenants/othertenant/',
      siblingGroup,
    ]) {
      const answer = await get(url)
      expectRefusal(answer, 404)
      expect(answer.body.errors).toEqual(absent.body.errors)
    }
    await expectUnchanged(world, async () => {
      expectRefusal(await world.ask('endUser', 'PUT', `${users}below/`, { lastName: 'X' }), 404)
      expectRefusal(await world.ask('endUser', 'DELETE', `${users}below/`), 404)
    })
  })

  it('never reach a user by the path of another group', async () => {
    await expectUnchanged(world, async () => {
      for (const place of [siblingGroup, otherGroup]) {
        const item = `${place}users/agent@sip.netaxis.be/`
        for (const method of ['GET', 'PUT', 'DELETE']) {
          const body = method === 'PUT' ? { lastName: 'X' } : undefined
          expectRefusal(await world.ask('system', method, item, body), 404)
        }
      }
    })
  })

  it('refuse an id that anything in the installation has, wherever it is', async () => {
    const ids: [Person, string[]][] = [
      ['groupAdmin', ['agent', 'apiotestrp', 'groupadmin', 'siblingRP@SIP.netaxis.be']],
      ['system', ['OTHERADMIN@other.example', 'otherRP@other.example']],
    ]
    await expectUnchanged(world, async () => {
      for (const [who, some] of ids) {
        for (const userId of some) {
          const answer = await world.ask(who, 'POST', users, { userId, ...names })
          expectRefusal(answer, 400, [{ code: 11, parameter: 'userId' }])
          expect(answer.body.errors[0].message).not.toMatch(/tenant|group |route point/)
        }
      }
    })
  })
})
