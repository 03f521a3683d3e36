import { silence } from './wave.ts'

/** Everybody's password; the demo listens on the loopback address alone. */
export const password = 'demo password'

const tenant = '/api/v1/tenants/footenant/'
export const group = `${tenant}groups/foogroup/`
const routePoint = `${group}services/route_points/APIOTestRP@sip.netaxis.be/`
const agent = `${group}users/ApioUserTest1@sip.netaxis.be/`
const enterprise = '/api/v1/tenants/barenterprise/'
const enterpriseGroup = `${enterprise}groups/bargroup/`

/** Who signs in at each level, highest first, and a path to show them. */
export const people = [
  { level: 'System', username: 'admin', path: '/api/v1/tenants/' },
  { level: 'Tenant Admin', username: 'tenantadmin@sip.netaxis.be', path: `${tenant}groups/` },
  {
    level: 'Group Admin',
    username: 'groupadmin@sip.netaxis.be',
    path: `${routePoint}forced_forwarding/`,
  },
  {
    level: 'Department Admin',
    username: 'departmentadmin@sip.netaxis.be',
    path: `${group}users/`,
  },
  {
    level: 'End User',
    username: 'ApioUserTest1@sip.netaxis.be',
    path: `${routePoint}disposition_codes/`,
  },
] as const

export type Step = [method: 'POST' | 'PUT', path: string, body: object]

const person = { firstName: 'Test1', lastName: 'Test1', password }

const directory: Step[] = [
  [
    'POST',
    '/api/v1/tenants/',
    {
      tenantId: 'footenant',
      type: 'ServiceProvider',
      defaultDomain: 'sip.netaxis.be',
      country: 'BE',
      timeZone: 'Europe/Brussels',
    },
  ],
  ['POST', `${tenant}admins/`, { userId: 'tenantadmin', ...person }],
  ['POST', `${tenant}groups/`, { groupId: 'foogroup', groupName: 'Foo' }],
  ['POST', `${group}admins/`, { userId: 'groupadmin', ...person }],
  ['POST', `${group}departments/`, { departmentName: 'test_department_parent_1' }],
  [
    'POST',
    `${group}departments/`,
    {
      departmentName: 'test_department_initial',
      parentDepartment: { departmentName: 'test_department_parent_1' },
    },
  ],
  [
    'POST',
    `${group}admins/`,
    {
      userId: 'departmentadmin',
      ...person,
      department: { departmentName: 'test_department_parent_1' },
    },
  ],
  [
    'POST',
    `${group}users/`,
    {
      userId: 'ApioUserTest1',
      ...person,
      phoneNumber: '+3225126778',
      extension: '5001',
      department: { departmentName: 'test_department_initial' },
    },
  ],
  [
    'POST',
    `${group}services/route_points/`,
    {
      serviceUserId: 'APIOTestRP',
      serviceInstanceProfile: { name: 'APIO Test RP', extension: '5000' },
      queueLength: 20,
    },
  ],
]

const sound = silence(1).toString('base64')

const repository: Step[] = [
  ['POST', `${group}announcements/`, { name: 'APIO Test Announcement', content: sound }],
  ['POST', `${group}announcements/`, { name: 'APIO Group Test Announcement', content: sound }],
]

const settings: Step[] = [
  ['PUT', `${routePoint}bounced_call/`, { active: true, numberOfRingsBeforeBouncingCall: 5 }],
  [
    'PUT',
    `${routePoint}distinctive_ringing/`,
    { ringPatternForRoutePoint: 'Short-Long-Short', forceDeliveryRingPattern: 'Short-Long-Short' },
  ],
  ['PUT', `${routePoint}dnis_config/`, { displayDNISNumber: true, displayDNISName: true }],
  [
    'PUT',
    `${routePoint}forced_forwarding/`,
    {
      active: true,
      forwardToPhoneNumber: '+3225126779',
      playAnnouncementBeforeForwarding: true,
      audioMessageSelection: 'File',
      audioFileList: [{ name: 'APIO Group Test Announcement' }],
    },
  ],
]

const dnis: Step[] = [
  ['POST', `${routePoint}dnis/`, { name: 'fooDnisName', allowOutgoingACDCall: true }],
  [
    'PUT',
    `${agent}services/call_centers/`,
    { outgoingCallDNIS: { serviceUserId: 'APIOTestRP@sip.netaxis.be', name: 'fooDnisName' } },
  ],
]

const description = 'Test Call Disposition Code'

const codes: Step[] = [
  ['POST', `${routePoint}disposition_codes/`, { code: '123456', description }],
  ['POST', `${routePoint}disposition_codes/`, { code: 'fooCode', description }],
  [
    'POST',
    `${group}services/call_centers_properties/disposition_codes/`,
    { code: '5678876', description: 'Test Call Disposition Code from Group' },
  ],
  [
    'PUT',
    `${routePoint}disposition_codes_config/`,
    {
      enableCallDispositionCodes: true,
      includeOrganizationCodes: true,
      forceUseOfCallDispositionCodes: true,
      defaultCallDispositionCode: { code: '123456', level: 'CallCenter' },
    },
  ],
]

/** A second tenant, of the other type: out of reach for everybody above but the system admin. */
const secondTenant: Step[] = [
  [
    'POST',
    '/api/v1/tenants/',
    { tenantId: 'barenterprise', type: 'Enterprise', defaultDomain: 'bar.example', country: 'NL' },
  ],
  ['POST', `${enterprise}admins/`, { userId: 'tenantadmin', ...person }],
  ['POST', `${enterprise}groups/`, { groupId: 'bargroup' }],
  [
    'POST',
    `${enterpriseGroup}services/route_points/`,
    { serviceUserId: 'BarRP', serviceInstanceProfile: { name: 'Bar', extension: '5000' } },
  ],
  [
    'POST',
    `${enterprise}services/call_centers_properties/disposition_codes/`,
    { code: '100', description: 'Sold' },
  ],
]

/** What the demo holds, in the order of its making: as many of the reference's examples as fit in one state. */
export const steps: readonly Step[] = [
  ...directory,
  ...repository,
  ...settings,
  ...dnis,
  ...codes,
  ...secondTenant,
]
