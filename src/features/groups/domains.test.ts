import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../../test/engines.ts'
import {
  type Answer,
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  otherGroup,
  type Person,
  siblingGroup,
  type World,
} from '../../../test/world.ts'
import { domainKey } from './domains.ts'

describe('domains are compared', () => {
  it.each([
    ['without case', 'SIP.Netaxis.BE'],
    ['without final dots', 'sip.netaxis.be..'],
    ['without port and parameters', 'sip.netaxis.be:5060;transport=tcp'],
    ['in other forms of the same letters', 'ｓｉｐ．netaxis.be'],
    ['with spaces around them', ' sip.netaxis.be '],
  ])('%s', (_, domain) => {
    expect(domainKey(domain)).toBe('sip.netaxis.be')
  })

  it('as DNS has them where they are no ASCII', () => {
    expect(domainKey('Bücher.example')).toBe('xn--bcher-kva.example')
    expect(domainKey('1')).toBe('1')
  })
})

const person = { firstName: 'A', lastName: 'B' }

/** Every write that brings a new id, with who may do it in the group or tenant. */
const creations: [kind: string, who: Person, path: string, parameter: string, rest: object][] = [
  ['users', 'groupAdmin', `${group}users/`, 'userId', person],
  [
    'users of a department',
    'departmentAdmin',
    `${group}users/`,
    'userId',
    { ...person, department: { departmentName: 'Sales' } },
  ],
  [
    'route points',
    'groupAdmin',
    `${group}services/route_points/`,
    'serviceUserId',
    { serviceInstanceProfile: { name: 'x' } },
  ],
  ['group admins', 'groupAdmin', `${group}admins/`, 'userId', person],
  ['tenant admins', 'tenantAdmin', '/api/v1/tenants/footenant/admins/', 'userId', person],
]

describe.each(engines)('domains of other tenants on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
    const tenants = '/api/v1/tenants/'
    const third = { tenantId: 'third', type: 'Enterprise', defaultDomain: 'Xn--Bcher-kva.Example' }
    await world.ask('system', 'POST', tenants, third)
    const inside = { groupId: 'inside', defaultDomain: 'inside.third.example' }
    await world.ask('system', 'POST', `${tenants}third/groups/`, inside)
    const elsewhere = { userId: 'someone@unowned.example', ...person }
    await world.ask('system', 'POST', `${otherGroup}users/`, elsewhere)
    await world.ask('system', 'POST', `${otherGroup}users/`, { ...person, userId: 'holder' })
  })
  afterAll(() => world.close())

  async function remove(answer: Answer): Promise<void> {
    expect(answer.status, answer.text).toBe(201)
    await world.ask('system', 'DELETE', String(answer.headers.location))
  }

  it.each(creations)('are closed to new %s, whether or not the id exists there', async (...one) => {
    const [, who, path, parameter, rest] = one
    const told: unknown[] = []
    await expectUnchanged(world, async () => {
      for (const name of ['holder', 'nobody', 'otherRP', 'otheradmin']) {
        const body = { ...rest, [parameter]: `${name}@other.example` }
        const answer = await world.ask(who, 'POST', path, body)
        expectRefusal(answer, 400, [{ code: 2, parameter }])
        told.push(answer.body.errors)
      }
      for (const domain of [
        'OTHER.example',
        'other.example.',
        'other.example:5060',
        'other.example;lr',
        'ｏther。example',
        'bücher.example',
        'BÜCHER.EXAMPLE',
        'xn--bcher-kva.example',
        'inside.third.example',
      ]) {
        const answer = await world.ask(who, 'POST', path, { ...rest, [parameter]: `x@${domain}` })
        expectRefusal(answer, 400, [{ code: 2, parameter }])
      }
    })
    expect(new Set(told.map((errors) => JSON.stringify(errors))).size).toBe(1)
  })

  it.each(creations)(
    'do not concern new %s in domains of the own tenant, or nobody’s',
    async (...one) => {
      const [, who, path, parameter, rest] = one
      await world.ask('system', 'PUT', siblingGroup, { defaultDomain: 'Sibling.Example' })
      for (const id of [
        'x',
        'x@sip.netaxis.be',
        'x@SIBLING.example',
        'x@free.example',
        'x@sub.other.example',
      ]) {
        await remove(await world.ask(who, 'POST', path, { ...rest, [parameter]: id }))
      }
      const taken = { ...rest, [parameter]: 'someone@unowned.example' }
      expectRefusal(await world.ask(who, 'POST', path, taken), 400, [{ code: 11, parameter }])
      await world.ask('system', 'PUT', siblingGroup, { defaultDomain: 'sip.netaxis.be' })
    },
  )

  it.each(creations)('are open to System for new %s', async (...one) => {
    const [, , path, parameter, rest] = one
    await remove(
      await world.ask('system', 'POST', path, { ...rest, [parameter]: 'x@other.example' }),
    )
  })

  it('are no default domain of a group, unless System says so; then they are the tenant’s own as well', async () => {
    const groups = '/api/v1/tenants/footenant/groups/'
    const faults = [{ code: 2, parameter: 'defaultDomain' }]
    await expectUnchanged(world, async () => {
      for (const defaultDomain of ['other.example', 'Other.Example', 'inside.third.example']) {
        const created = await world.ask('tenantAdmin', 'POST', groups, {
          groupId: 'new',
          defaultDomain,
        })
        expectRefusal(created, 400, faults)
        const changed = await world.ask('tenantAdmin', 'PUT', siblingGroup, { defaultDomain })
        expectRefusal(changed, 400, faults)
      }
    })
    const own = { groupId: 'new', defaultDomain: 'new.footenant.example' }
    await remove(await world.ask('tenantAdmin', 'POST', groups, own))
    const shared = { defaultDomain: 'other.example' }
    expect((await world.ask('system', 'PUT', siblingGroup, shared)).status).toBe(200)
    // What stays as it is is not judged, and what is shared is each tenant’s own.
    const named = { ...shared, groupName: 'Sibling' }
    expect((await world.ask('tenantAdmin', 'PUT', siblingGroup, named)).status).toBe(200)
    const user = { ...person, userId: 'x@other.example' }
    await remove(await world.ask('groupAdmin', 'POST', `${group}users/`, user))
    await remove(await world.ask('otherTenantAdmin', 'POST', `${otherGroup}users/`, user))
    const taken = { ...person, userId: 'holder@other.example' }
    const answer = await world.ask('groupAdmin', 'POST', `${group}users/`, taken)
    expectRefusal(answer, 400, [{ code: 11, parameter: 'userId' }])
    await world.ask('system', 'PUT', siblingGroup, { defaultDomain: 'sip.netaxis.be' })
  })

  it('leave what is there as it is when another tenant takes the domain of its ids', async () => {
    const body = { ...person, userId: 'early@late.example' }
    const early = await world.ask('groupAdmin', 'POST', `${group}users/`, body)
    const item = String(early.headers.location)
    const late = { tenantId: 'late', type: 'Enterprise', defaultDomain: 'late.example' }
    expect((await world.ask('system', 'POST', '/api/v1/tenants/', late)).status).toBe(201)
    expect((await world.ask('groupAdmin', 'PUT', item, { lastName: 'C' })).status).toBe(200)
    const another = { ...person, userId: 'other@late.example' }
    const refused = await world.ask('groupAdmin', 'POST', `${group}users/`, another)
    expectRefusal(refused, 400, [{ code: 2, parameter: 'userId' }])
    expect((await world.ask('groupAdmin', 'DELETE', item)).status).toBe(200)
  })

  it('are as closed to a token of System that has a lower level', async () => {
    const token = await world.ask('system', 'POST', '/api/v1/tokens/', {
      name: 'low',
      userLevel: 12,
    })
    const headers = { authorization: `Bearer ${token.body.token}` }
    const body = { ...person, userId: 'x@other.example' }
    const answer = await world.ask('nobody', 'POST', `${group}users/`, body, headers)
    expectRefusal(answer, 400, [{ code: 2, parameter: 'userId' }])
  })
})
