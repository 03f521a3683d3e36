import { describeResource, refusing } from '../../../test/resource-suite.ts'
import { group, password } from '../../../test/world.ts'

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
