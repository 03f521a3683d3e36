import Type, { type Static } from 'typebox'
import type { Reader } from '../../database/database.ts'
import { defineDocument } from '../../documents/document.ts'
import { clearable, fixed, text } from '../../documents/vocabulary.ts'
import { forbidden } from '../../errors.ts'
import type { Tag } from '../../http/operation.ts'
import { type Caller, levels } from '../../http/permissions.ts'
import type { Place } from '../../http/place.ts'
import { examplesOf } from '../../resources/examples.ts'
import type { Key } from '../../resources/keeper.ts'
import { digits, foldedId, words } from '../../resources/listed.ts'
import type { Resource } from '../../resources/resource.ts'
import { defineTable } from '../../resources/table.ts'
import { findStored } from '../../resources/table-keeper.ts'
import { DepartmentReference, inDepartment, lineOf } from '../departments/reference.ts'
import { standsIn } from '../departments/stands-in.ts'
import { defaultDomain, inGroup } from '../groups/groups.ts'
import { keyOfIdentity } from '../identities/identities.ts'
import { SignInId } from '../identities/members.ts'
import { Password } from '../identities/password.ts'
import { signsIn } from '../identities/signs-in.ts'
import { answersTo } from '../numbers/answers-to.ts'
import { Extension, PhoneNumber } from '../numbers/members.ts'

const User = Type.Object({
  userId: fixed(SignInId),
  firstName: text(30, { description: 'First name.' }),
  lastName: text(30, { description: 'Last name.' }),
  phoneNumber: clearable(PhoneNumber),
  extension: clearable(Extension),
  emailAddress: clearable(
    text(80, {
      pattern: '^[^@\\s]+@[^@\\s]+$',
      expects: 'an e-mail address',
      description: 'E-mail address.',
    }),
  ),
  department: DepartmentReference,
  language: clearable(text(40, { description: 'Language that the person prefers.' })),
  password: Password,
})

export type User = Static<typeof User>

const table = defineTable<User>({
  name: 'users',
  key: ['tenant_key', 'group_key', 'user_key'],
  listed: {
    UserId: foldedId('user_id', 'user_key', (user) => user.userId),
    FirstName: words('first_name', (user) => user.firstName),
    LastName: words('last_name', (user) => user.lastName),
    PhoneNumber: digits('phone_number', (user) => user.phoneNumber),
    Extension: digits('extension', (user) => user.extension),
    EmailAddress: words('email_address', (user) => user.emailAddress),
    DepartmentName: inDepartment((user) => user.department),
  },
})

/**
 * A Department Admin writes users of the own department and of those below it.
 *
 * @throws Refusal 403 for any other user.
 */
export async function admitDepartmentAdmin(
  reader: Reader,
  { caller, place }: { caller: Caller; place: Place },
  { department }: Pick<User, 'department'>,
): Promise<void> {
  if (caller.level < levels.DepartmentAdmin || caller.level >= levels.GroupAdmin) return
  const line = department ? await lineOf(reader, place, department.departmentName) : []
  if (caller.departmentName === null || !line.includes(caller.departmentName)) throw forbidden()
}

/** The user as GET shows them, or undefined. */
export function findUser(reader: Reader, key: Key): Promise<User | undefined> {
  return findStored(users, reader, key)
}

const example = {
  userId: 'ApioUserTest1@sip.netaxis.be',
  firstName: 'Test1',
  lastName: 'Test1',
  phoneNumber: '+3225126778',
  extension: '5001',
  department: {
    tenantId: 'footenant',
    groupId: 'foogroup',
    departmentName: 'test_department_initial',
  },
}

/** Users, and what is their own. */
export const usersTag: Tag = {
  name: 'Users',
  description: 'The people of a group, agents among them.',
}

export const users: Resource<User> = {
  noun: 'user',
  path: '/api/v1/tenants/:tenant_id/groups/:group_id/users/',
  id: { member: 'userId', parameter: 'user_id', keyOf: keyOfIdentity },
  permissions: {
    list: 'directory.read',
    read: 'user.read',
    create: 'users.administer',
    change: 'user.administer',
    remove: 'user.administer',
  },
  document: defineDocument({ schema: User }),
  table,
  collection: { ...inGroup, domain: defaultDomain },
  list: { member: 'users' },
  parts: [
    signsIn({ id: 'userId', level: () => levels.EndUser }),
    { admit: admitDepartmentAdmin },
    standsIn('department'),
    answersTo(),
  ],
  documentation: {
    tag: usersTag,
    examples: examplesOf('users', {
      create: {
        ...example,
        userId: 'ApioUserTest1',
        department: { departmentName: example.department.departmentName },
        password: 'correct horse battery',
      },
      shown: example,
      change: { extension: '5002' },
    }),
  },
}
