import { describeResource, type ResourceCase, refusing } from '../../../test/resource-suite.ts'
import { group, password } from '../../../test/world.ts'

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
