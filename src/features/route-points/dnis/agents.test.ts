import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../../../test/engines.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  routePoint,
  siblingGroup,
  type World,
} from '../../../../test/world.ts'

const path = `${routePoint}dnis/fooDnisName/agents/`
const person = { firstName: 'Test', lastName: 'Person', password: 'correct horse battery' }

/** As the reference shows one. */
const referenceAgent = {
  userId: 'ApioUserTest1@sip.netaxis.be',
  firstName: 'Test1',
  lastName: 'Test1',
  phoneNumber: '+3225126778',
  extension: '5001',
  department: {
    tenantId: 'footenant',
    groupId: 'foogroup',
    departmentName: 'test_department_initial',
    fullPathName: 'test_department_parent_1 \\ test_department_initial',
  },
  emailAddress: '',
}

describe.each(engines)('the agents of a DNIS on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
    const post = async (list: string, body: object) => {
      const answer = await world.ask('system', 'POST', `${group}${list}`, body)
      expect(answer.status, answer.text).toBe(201)
    }
    await post('departments/', { departmentName: 'test_department_parent_1' })
    await post('departments/', {
      departmentName: 'test_department_initial',
      parentDepartment: { departmentName: 'test_department_parent_1' },
    })
    const { userId, firstName, lastName, phoneNumber, extension } = referenceAgent
    const password = 'correct horse battery'
    const department = { departmentName: 'test_department_initial' }
    const numbers = { phoneNumber, extension }
    await post('users/', { userId, firstName, lastName, password, department, ...numbers })
    await post('users/', { userId: 'Plain', ...person, emailAddress: 'plain@example.org' })
    await post('users/', {
      userId: 'deep',
      ...person,
      department: { departmentName: 'Inside Sales' },
    })
    await post('users/', { userId: 'undecided', ...person })
    for (const name of ['fooDnisName', 'other', 'lonely']) {
      await post('services/route_points/APIOTestRP/dnis/', { name, allowOutgoingACDCall: true })
    }
    for (const [user, name] of [
      ['apiousertest1', 'fooDnisName'],
      ['plain', 'fooDnisName'],
      ['deep', 'fooDnisName'],
      ['agent', 'other'],
    ]) {
      const url = `${group}users/${user}/services/call_centers/`
      const body = { outgoingCallDNIS: { serviceUserId: 'APIOTestRP', name } }
      expect((await world.ask('system', 'PUT', url, body)).status).toBe(200)
    }
  })
  afterAll(() => world.close())

  const ids = async (url: string) => {
    const answer = await world.ask('groupAdmin', 'GET', url)
    expect(answer.status, answer.text).toBe(200)
    return answer.body.agents.map(({ userId }: { userId: string }) => userId.split('@')[0])
  }

  it.each([
    ['nobody', 401],
    ['endUser', 403],
    ['departmentAdmin', 403],
    ['siblingAdmin', 404],
    ['otherTenantAdmin', 404],
  ] as const)('are hidden from %s', async (who, status) => {
    expectRefusal(await world.ask(who, 'GET', path), status)
  })

  it('are a bad parameter away when the route point has no such DNIS', async () => {
    await expectUnchanged(world, async () => {
      for (const name of ['nowhere', 'foodnisname']) {
        const message = `The route point has no DNIS '${name}'.`
        expectRefusal(await world.ask('system', 'GET', `${routePoint}dnis/${name}/agents/`), 400, [
          { code: 2, parameter: 'instance_name', message },
        ])
      }
    })
  })

  it.each([
    `${group}services/route_points/nobody/`,
    `${group}services/route_points/siblingRP/`,
    `${siblingGroup}services/route_points/APIOTestRP/`,
  ])('are 404 when there is no such route point: %s', async (rp) => {
    expectRefusal(await world.ask('system', 'GET', `${rp}dnis/fooDnisName/agents/`), 404)
  })

  it.each(['colour=red', 'pageSize=0', 'sensitiveDnisNameEquals=x'])('refuse %s', async (query) => {
    const [parameter = ''] = query.split('=')
    const answer = await world.ask('groupAdmin', 'GET', `${path}?${query}`)
    expectRefusal(answer, 400, [{ code: 2, parameter }])
  })

  it.each(['groupAdmin', 'tenantAdmin', 'system'] as const)('are shown to %s', async (who) => {
    expect((await world.ask(who, 'GET', path)).body.agents).toHaveLength(3)
  })

  it('are the users who chose it, whole, in the shape of the reference', async () => {
    expect((await world.ask('groupAdmin', 'GET', path)).body).toEqual({
      agents: [
        referenceAgent,
        {
          userId: 'deep@sip.netaxis.be',
          firstName: 'Test',
          lastName: 'Person',
          phoneNumber: '',
          extension: '',
          department: {
            tenantId: 'footenant',
            groupId: 'foogroup',
            departmentName: 'Inside Sales',
            fullPathName: 'Sales \\ Inside Sales',
          },
          emailAddress: '',
        },
        {
          userId: 'Plain@sip.netaxis.be',
          firstName: 'Test',
          lastName: 'Person',
          phoneNumber: '',
          extension: '',
          department: '',
          emailAddress: 'plain@example.org',
        },
      ],
    })
    expect((await world.ask('groupAdmin', 'GET', `${routePoint}dnis/lonely/agents/`)).text).toBe(
      '{"agents":[]}',
    )
  })

  it.each([
    ['sortOrders=insensitiveDescendingUserId', ['Plain', 'deep', 'ApioUserTest1']],
    ['insensitiveUserIdStarts=PLAIN', ['Plain']],
    ['sensitiveDepartmentNameEquals=Inside%20Sales', ['deep']],
    ['sensitiveExtensionEquals=5001', ['ApioUserTest1']],
    ['pageSize=1&startIndex=2', ['deep']],
  ])('take %s', async (query, expected) => {
    expect(await ids(`${path}?${query}`)).toEqual(expected)
  })

  it('tell how many there are and where the next page is', async () => {
    const first = await world.ask('groupAdmin', 'GET', `${path}?pageSize=2`)
    expect(first.headers['x-total-count']).toBe('3')
    const [, next = ''] = /<(.*)>; rel="next"/.exec(String(first.headers.link)) ?? []
    expect(await ids(next)).toEqual(['Plain'])
  })

  it('take as many statements as ever, however many departments they are in', async () => {
    const { database } = world
    const ask = async () => {
      const { all, get } = database
      let statements = 0
      Object.assign(database, {
        all: (...asked: Parameters<typeof all>) => {
          statements += 1
          return all.apply(database, asked)
        },
        get: (...asked: Parameters<typeof get>) => {
          statements += 1
          return get.apply(database, asked)
        },
      })
      const { body } = await world.ask('groupAdmin', 'GET', `${routePoint}dnis/many/agents/`)
      Object.assign(database, { all, get })
      return { statements, agents: body.agents }
    }
    const post = (list: string, body: object) =>
      world.ask('system', 'POST', `${group}${list}`, body)
    await post('services/route_points/APIOTestRP/dnis/', {
      name: 'many',
      allowOutgoingACDCall: true,
    })
    const before = await ask()
    const levels = 19
    for (let level = 1; level <= levels; level += 1) {
      const above = level === 1 ? 'Sales' : `Line ${level - 1}`
      const parentDepartment = { departmentName: above }
      await post('departments/', { departmentName: `Line ${level}`, parentDepartment })
      const userId = `line${level}`
      const department = { departmentName: `Line ${level}` }
      await post('users/', { userId, firstName: 'In', lastName: 'Line', department })
      const url = `${group}users/${userId}/services/call_centers/`
      await world.ask('system', 'PUT', url, {
        outgoingCallDNIS: { serviceUserId: 'APIOTestRP', name: 'many' },
      })
    }
    const after = await ask()
    expect(after.agents).toHaveLength(levels)
    const names = Array.from({ length: levels }, (_, index) => `Line ${index + 1}`)
    const deepest = after.agents.find(({ userId }: { userId: string }) =>
      userId.startsWith(`line${levels}@`),
    )
    expect(deepest.department.fullPathName).toBe(['Sales', ...names].join(' \\ '))
    expect(after.statements).toBe(before.statements)
  })

  it('stay when the DNIS gets another name', async () => {
    const rename = (from: string, name: string) =>
      world.ask('groupAdmin', 'PUT', `${routePoint}dnis/${from}/`, { name })
    await rename('fooDnisName', 'renamed')
    expect(await ids(`${routePoint}dnis/renamed/agents/`)).toHaveLength(3)
    await rename('renamed', 'fooDnisName')
    expect(await ids(path)).toHaveLength(3)
  })

  it('go when the DNIS no longer allows outgoing calls', async () => {
    const other = `${routePoint}dnis/other/`
    expect(await ids(`${other}agents/`)).toEqual(['agent'])
    await world.ask('groupAdmin', 'PUT', other, { allowOutgoingACDCall: false })
    await world.ask('groupAdmin', 'PUT', other, { allowOutgoingACDCall: true })
    expect(await ids(`${other}agents/`)).toEqual([])
  })
})
