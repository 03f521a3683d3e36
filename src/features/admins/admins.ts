import Type, { type Static } from 'typebox'
import { sql } from '../../database/database.ts'
import { defineDocument } from '../../documents/document.ts'
import { clearable, fixed, text } from '../../documents/vocabulary.ts'
import type { Fault } from '../../errors.ts'
import { levels, type Permission } from '../../http/permissions.ts'
import { examplesOf } from '../../resources/examples.ts'
import { foldedId, words } from '../../resources/listed.ts'
import { all, type Collection, type Resource, type Write } from '../../resources/resource.ts'
import { defineTable } from '../../resources/table.ts'
import { DepartmentReference, inDepartment } from '../departments/reference.ts'
import { standsIn } from '../departments/stands-in.ts'
import { defaultDomain, inGroup } from '../groups/groups.ts'
import { keyOfIdentity } from '../identities/identities.ts'
import { SignInId } from '../identities/members.ts'
import { Password } from '../identities/password.ts'
import { signsIn } from '../identities/signs-in.ts'
import { inTenant } from '../tenants/tenants.ts'

const person = {
  userId: fixed(SignInId),
  firstName: text(30, { description: 'First name.' }),
  lastName: text(30, { description: 'Last name.' }),
  language: clearable(text(40, { description: 'Language that the person prefers.' })),
}

const Admin = Type.Object({ ...person, password: Password })
const GroupAdmin = Type.Object({ ...person, department: DepartmentReference, password: Password })
type Admin = Static<typeof GroupAdmin>

const listed = {
  UserId: foldedId('user_id', 'user_key', (admin: Admin) => admin.userId),
  FirstName: words('first_name', (admin: Admin) => admin.firstName),
  LastName: words('last_name', (admin: Admin) => admin.lastName),
}

/** What differs between the admins of the installation, of a tenant and of a group. */
interface Rank {
  noun: string
  path: string
  permission: Permission
  level: number
  collection: Collection
  description?: string
}

const example = {
  userId: 'ApioAdmin@sip.netaxis.be',
  firstName: 'Admin',
  lastName: 'Test1',
  language: 'English',
}

function admins(rank: Rank) {
  const { noun, path, permission, level, collection, description } = rank
  return {
    noun,
    path,
    id: { member: 'userId', parameter: 'user_id', keyOf: keyOfIdentity },
    permissions: all(permission),
    collection: { ...collection, domain: defaultDomain },
    list: { member: 'admins' },
    parts: [
      signsIn<Admin>({
        id: 'userId',
        level: ({ department }) => (department ? levels.DepartmentAdmin : level),
        boundTo: ({ department }) => department?.departmentName,
      }),
      standsIn('department'),
    ],
    documentation: {
      tag: {
        name: 'Admins',
        description: 'Who administers the installation, a tenant, a group or a department.',
      },
      ...(description && { description }),
      examples: examplesOf('admins', {
        create: { ...example, userId: 'ApioAdmin', password: 'correct horse battery' },
        shown: example,
        change: { lastName: 'Test2' },
      }),
    },
  } satisfies Partial<Resource<Admin>>
}

const countSystemAdmins = sql<{ count: number }>('SELECT count(*) AS count FROM system_admins')

/** Somebody must be left who can sign in and create others. */
async function checkLast({ transaction }: Write<Admin>): Promise<Fault[]> {
  const { count } = (await transaction.get(countSystemAdmins)) ?? { count: 0 }
  const message = 'Cannot delete the last system admin.'
  return count > 1 ? [] : [{ code: 21, message }]
}

const ofSystem = admins({
  noun: 'systemAdmin',
  path: '/api/v1/admins/',
  permission: 'installation.administer',
  level: levels.System,
  collection: { scope: () => [] },
})

export const systemAdmins: Resource<Admin> = {
  ...ofSystem,
  document: defineDocument({ schema: Admin }),
  table: defineTable({ name: 'system_admins', key: ['user_key'], listed }),
  parts: [...ofSystem.parts, { checkRemoval: checkLast }],
}

export const tenantAdmins: Resource<Admin> = {
  ...admins({
    noun: 'tenantAdmin',
    path: '/api/v1/tenants/:tenant_id/admins/',
    permission: 'tenant.administer',
    level: levels.TenantAdmin,
    collection: inTenant,
  }),
  document: defineDocument({ schema: Admin }),
  table: defineTable({ name: 'tenant_admins', key: ['tenant_key', 'user_key'], listed }),
}

export const groupAdmins: Resource<Admin> = {
  ...admins({
    noun: 'groupAdmin',
    path: '/api/v1/tenants/:tenant_id/groups/:group_id/admins/',
    permission: 'group.administer',
    level: levels.GroupAdmin,
    collection: inGroup,
    description: 'A group admin with a department is a Department Admin.',
  }),
  document: defineDocument({ schema: GroupAdmin }),
  table: defineTable<Admin>({
    name: 'group_admins',
    key: ['tenant_key', 'group_key', 'user_key'],
    listed: { ...listed, DepartmentName: inDepartment((admin) => admin.department) },
  }),
}
