import { describeResource, refusing } from '../../../test/resource-suite.ts'
import { group, password } from '../../../test/world.ts'

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
