import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../../test/engines.ts'
import { describeResource, refusing } from '../../../test/resource-suite.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  password,
  routePoint,
  siblingGroup,
  type World,
} from '../../../test/world.ts'
import { sql } from '../../database/database.ts'

const read = refusing({ endUser: 403, siblingAdmin: 404, otherTenantAdmin: 404 })
const write = { ...read, departmentAdmin: 403 }
const sales = { tenantId: 'footenant', groupId: 'foogroup', departmentName: 'Sales' }
const boolean = { good: [true, false], bad: ['true', 1, null, ''] }
const profile = {
  name: 'Full',
  phoneNumber: '+3225126780',
  extension: '6780',
  department: sales,
  cliFirstName: 'Full',
  cliLastName: 'Name',
  cliPhoneNumber: '025126780',
  language: 'Dutch',
  timeZone: 'Europe/Amsterdam',
}
const defaults = {
  active: true,
  queueLength: 0,
  noAnswerTimeoutRings: 5,
  playRingingWhenOfferingCall: false,
  overrideAgentWrapUpTime: false,
  wrapUpSeconds: 0,
  enableAutomaticStateChangeForAgents: false,
  forceDeliveryOfCalls: false,
  allowCallsToAgentsInWrapUp: false,
}
const full = {
  serviceUserId: 'FullRP',
  serviceInstanceProfile: profile,
  active: false,
  queueLength: 525,
  noAnswerTimeoutRings: 20,
  playRingingWhenOfferingCall: true,
  overrideAgentWrapUpTime: true,
  wrapUpSeconds: 3600,
  enableAutomaticStateChangeForAgents: true,
  agentStateAfterCall: 'Unavailable',
  agentUnavailableCode: '12',
  forceDeliveryOfCalls: true,
  forceDeliveryWaitTimeSeconds: 10,
  allowCallsToAgentsInWrapUp: true,
}

function integer(least: number, most: number) {
  return { good: [least, most], bad: [least - 1, most + 1, least + 0.5, `${least}`, true] }
}

function text(most: number) {
  return { good: ['x', '😀'.repeat(most)], bad: ['x'.repeat(most + 1), 5, 'a\nb'] }
}

const name = 'serviceInstanceProfile'

describeResource({
  plural: 'route points',
  collection: `${group}services/route_points/`,
  absentCollection: '/api/v1/tenants/footenant/groups/nowhere/services/route_points/',
  idMember: 'serviceUserId',
  present: 'apiotestrp',
  absent: 'nobody',
  wrapper: 'routePointInstance',
  listed: 'route_points',
  refused: { list: read, read, create: write, change: write, remove: write },
  least: { serviceUserId: 'new', serviceInstanceProfile: { name: 'New' } },
  leastShown: {
    serviceUserId: 'new@sip.netaxis.be',
    serviceInstanceProfile: { name: 'New' },
    ...defaults,
  },
  full: { ...full, serviceInstanceProfile: { ...profile, password } },
  fullShown: { ...full, serviceUserId: 'FullRP@sip.netaxis.be' },
  limits: {
    serviceUserId: {
      good: ['x@elsewhere.example', ['😀'.repeat(146), `${'😀'.repeat(146)}@sip.netaxis.be`]],
      bad: ['', '😀'.repeat(147), '.', '..', 'a@b@c', '@b', 'a@', 5],
    },
    [name]: { good: [], bad: ['x', [], 5] },
    [`${name}.name`]: { ...text(30), bad: ['', 'x'.repeat(31), 5] },
    [`${name}.phoneNumber`]: { good: ['1'], bad: ['1'.repeat(24), '02/5126780'] },
    [`${name}.extension`]: { good: ['12'], bad: ['1', '1'.repeat(21)] },
    [`${name}.department`]: { good: [[{ departmentName: 'Sales' }, sales]], bad: [5, 'Sales'] },
    [`${name}.department.departmentName`]: { good: [], bad: ['Nowhere', ''] },
    [`${name}.cliFirstName`]: text(30),
    [`${name}.cliLastName`]: text(30),
    [`${name}.cliPhoneNumber`]: {
      good: ['1', ['+32 2-3', '+3223']],
      bad: ['1'.repeat(24), 'x'],
    },
    [`${name}.language`]: text(40),
    [`${name}.timeZone`]: { good: ['UTC'], bad: ['Mars/Base', 5] },
    [`${name}.password`]: { good: [], bad: ['', 'x'.repeat(7), 'x'.repeat(129), null] },
    active: boolean,
    queueLength: integer(0, 525),
    noAnswerTimeoutRings: integer(2, 20),
    playRingingWhenOfferingCall: boolean,
    overrideAgentWrapUpTime: boolean,
    wrapUpSeconds: integer(0, 3_600),
    enableAutomaticStateChangeForAgents: boolean,
    agentStateAfterCall: { good: ['Available', 'Unavailable', 'Wrap-Up'], bad: ['available', 5] },
    forceDeliveryOfCalls: boolean,
    forceDeliveryWaitTimeSeconds: integer(1, 10),
    allowCallsToAgentsInWrapUp: boolean,
  },
  clearable: [
    ...['phoneNumber', 'extension', 'department', 'cliFirstName', 'cliLastName'].map(
      (member) => `${name}.${member}`,
    ),
    ...['cliPhoneNumber', 'language', 'timeZone'].map((member) => `${name}.${member}`),
    'agentUnavailableCode',
    'forceDeliveryWaitTimeSeconds',
  ],
  fixed: { serviceUserId: { altered: 'other', equal: ['FULLRP', 'fullrp@SIP.netaxis.be'] } },
  change: { serviceInstanceProfile: { name: 'Fuller' }, queueLength: 7 },
  wrong: {
    body: {
      serviceInstanceProfile: { name: 5, phoneNumber: 'x', timeZone: 'x', surprise: 1 },
      active: 'x',
      queueLength: -1,
      agentUnavailableCode: '1',
      surprise: 1,
    },
    parameters: [
      'active',
      'agentStateAfterCall',
      'enableAutomaticStateChangeForAgents',
      'queueLength',
      'serviceInstanceProfile.name',
      'serviceInstanceProfile.phoneNumber',
      'serviceInstanceProfile.surprise',
      'serviceInstanceProfile.timeZone',
      'serviceUserId',
      'surprise',
    ],
  },
})

const selectHash = sql<{ password_hash: string | null }>(
  'SELECT password_hash FROM identities WHERE identity_key = ?',
)

describe.each(engines)('route points in particular on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
  })
  afterAll(() => world.close())

  const put = (body: object) => world.ask('groupAdmin', 'PUT', routePoint, body)

  it('are listed in short, with empty texts for what is absent', async () => {
    const { body } = await world.ask('departmentAdmin', 'GET', `${group}services/route_points/`)
    const absent = { phoneNumber: '', extension: '', department: '' }
    const serviceUserId = 'APIOTestRP@sip.netaxis.be'
    const item = { serviceUserId, name: 'Hotline', ...absent, active: true }
    expect(body).toEqual({ route_points: [item] })
  })

  it('need two settings before an unavailable code, and keep them as long as it is there', async () => {
    const code = { agentUnavailableCode: '12' }
    const settings = { enableAutomaticStateChangeForAgents: true, agentStateAfterCall: 'Available' }
    const faults = Object.keys(settings).map((parameter) => ({ code: 9, parameter }))
    await expectUnchanged(world, async () => {
      expectRefusal(await put(code), 400, faults)
    })
    expect((await put({ ...code, ...settings })).status).toBe(200)
    await expectUnchanged(world, async () => {
      const off = { enableAutomaticStateChangeForAgents: false, agentStateAfterCall: null }
      expectRefusal(await put(off), 400, faults)
    })
    await put({ agentUnavailableCode: null, enableAutomaticStateChangeForAgents: false })
  })

  it('merge their profile member by member, and take it wrapped or not', async () => {
    const profile = { name: 'Hotline', cliFirstName: 'Hot', cliLastName: 'Line' }
    await put({ serviceInstanceProfile: profile })
    const body = { serviceInstanceProfile: { cliFirstName: 'Cold' } }
    const answer = await put({ routePointInstance: body })
    expect(answer.body.routePointInstance.serviceInstanceProfile).toEqual({
      ...profile,
      cliFirstName: 'Cold',
    })
    await put({ serviceInstanceProfile: { cliFirstName: null, cliLastName: '' } })
    await expectUnchanged(world, async () => {
      expectRefusal(await put({ routePointInstance: body, surprise: 1 }), 400, [
        { code: 2, parameter: 'routePointInstance' },
        { code: 2, parameter: 'surprise' },
      ])
    })
  })

  it('are told all that stands against them in one order: the id, the department, the numbers', async () => {
    const user = { userId: 'holder', firstName: 'Has', lastName: 'Numbers' }
    const numbers = { phoneNumber: '+3225126799', extension: '6799' }
    await world.ask('groupAdmin', 'POST', `${group}users/`, { ...user, ...numbers })
    const department = { departmentName: 'Nowhere' }
    const body = {
      serviceInstanceProfile: { ...numbers, department, name: 'Hotline' },
      serviceUserId: 'agent',
    }
    await expectUnchanged(world, async () => {
      const answer = await world.ask('groupAdmin', 'POST', `${group}services/route_points/`, body)
      expectRefusal(answer, 400, [
        { code: 11, parameter: 'serviceUserId' },
        { code: 2, parameter: 'serviceInstanceProfile.department.departmentName' },
        { code: 11, parameter: 'serviceInstanceProfile.phoneNumber' },
        { code: 11, parameter: 'serviceInstanceProfile.extension' },
      ])
    })
  })

  it('keep a password although the rest of its update becomes right only meanwhile', async () => {
    const key = 'apiotestrp@sip.netaxis.be'
    expect((await world.database.get(selectHash, key))?.password_hash).toBeNull()
    const settings = { enableAutomaticStateChangeForAgents: true, agentStateAfterCall: 'Available' }
    const [, second] = await Promise.all([
      put(settings),
      put({ agentUnavailableCode: '12', serviceInstanceProfile: { password } }),
    ])
    const isKept = (await world.database.get(selectHash, key))?.password_hash !== null
    expect(isKept).toBe(second.status === 200)
  })

  it('cannot sign in, whatever password they have', async () => {
    await put({ serviceInstanceProfile: { password } })
    const credentials = { username: 'APIOTestRP@sip.netaxis.be', password }
    expectRefusal(await world.ask('nobody', 'POST', '/api/v1/login/', credentials), 401)
  })

  it('are reached by the path of their own group only', async () => {
    const item = `${siblingGroup}services/route_points/APIOTestRP@sip.netaxis.be/`
    await expectUnchanged(world, async () => {
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const body = method === 'PUT' ? { active: false } : undefined
        expectRefusal(await world.ask('tenantAdmin', method, item, body), 404)
      }
    })
  })
})
