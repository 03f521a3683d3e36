import Type, { type Static } from 'typebox'
import { type Reader, sql } from '../../database/database.ts'
import { defineDocument } from '../../documents/document.ts'
import { fold, withDomain } from '../../documents/normalise.ts'
import { clearable, fixed, id, text } from '../../documents/vocabulary.ts'
import { type Fault, invalid, notFound } from '../../errors.ts'
import { type GroupKey, groupKeyOf, type Place, tenantKeyOf } from '../../http/place.ts'
import { examplesOf } from '../../resources/examples.ts'
import { foldedId, words } from '../../resources/listed.ts'
import type { Completion } from '../../resources/part.ts'
import type { Collection, Resource, Site, Write } from '../../resources/resource.ts'
import { defineTable } from '../../resources/table.ts'
import { findTenant, inTenant, tenantDomain } from '../tenants/tenants.ts'
import { DefaultDomain, whereabouts, whereaboutsRules } from '../tenants/whereabouts.ts'
import { checkDomain } from './domains.ts'

const Group = Type.Object({
  groupId: fixed(id(30, { description: 'Name of the group in paths.' })),
  groupName: clearable(text(80, { description: 'Name of the group for people.' })),
  defaultDomain: DefaultDomain,
  ...whereabouts,
})

type Group = Static<typeof Group>

const table = defineTable<Group>({
  name: 'groups',
  key: ['tenant_key', 'group_key'],
  listed: {
    GroupId: foldedId('group_id', 'group_key', ({ groupId }) => groupId),
    GroupName: words('group_name', ({ groupName }) => groupName),
  },
  stored: {
    default_domain: ({ defaultDomain }) => defaultDomain,
    country: ({ country = '' }) => country,
  },
})

interface GroupFacts {
  tenant_id: string
  group_id: string
  default_domain: string
  /** '' when unknown. */
  country: string
}

const selectFacts = sql<GroupFacts>(
  `SELECT tenants.tenant_id, groups.group_id, groups.default_domain, groups.country FROM groups
   JOIN tenants ON tenants.tenant_key = groups.tenant_key
   WHERE groups.tenant_key = ? AND groups.group_key = ?`,
)

/** What other features need to know of a group; undefined when there is none. */
export function groupFacts(reader: Reader, place: Place): Promise<GroupFacts | undefined> {
  return reader.get(selectFacts, ...groupKeyOf(place))
}

/** @throws Refusal 404 when there is no such group. */
export async function requireGroup(reader: Reader, { place }: Site): Promise<void> {
  if (!(await groupFacts(reader, place))) throw notFound()
}

/** The key of a group's resources: their scope. */
export function groupScope({ place }: { place: Place }): GroupKey {
  return groupKeyOf(place)
}

/** A group's own, such as its users. */
export const inGroup: Collection = { scope: groupScope, require: requireGroup }

/** What ids without a domain get: the default one of the group, or tenant where the place is no group. */
export async function defaultDomain(reader: Reader, place: Place): Promise<string | undefined> {
  const { tenantKey, groupKey } = place
  if (tenantKey === undefined) return undefined
  if (groupKey === undefined) return tenantDomain(reader, tenantKey)
  return (await groupFacts(reader, place))?.default_domain
}

/** An id as it is kept; left as it is where there is no domain for it. */
export async function completeId(reader: Reader, place: Place, id: string): Promise<string> {
  return withDomain(id, await defaultDomain(reader, place))
}

/** A new group is where its tenant is, unless told otherwise. */
async function completeByTenant(
  value: Group,
  { reader, site, before }: Completion<Group>,
): Promise<Group> {
  if (before) return value
  const tenant = await findTenant(reader, tenantKeyOf(site.place))
  const { country, timeZone } = tenant ?? {}
  return {
    ...(country && { country }),
    ...(timeZone && { timeZone }),
    ...value,
    defaultDomain: value.defaultDomain ?? tenant?.defaultDomain ?? '',
  }
}

const selectNational = sql<{ number_key: string }>(
  `SELECT number_key FROM phone_numbers
   WHERE tenant_key = ? AND group_key = ? AND international = 0 LIMIT 1`,
)

/** National numbers were read by the country, and their uniqueness rests on that reading. */
async function checkCountry({ transaction, key, before, value }: Write<Group>): Promise<Fault[]> {
  if (!before || before.country === value.country) return []
  if (!(await transaction.get(selectNational, ...key))) return []
  const message =
    "The 'country' field cannot change while the group has phone numbers without a country code."
  return [invalid('country', message)]
}

async function check(write: Write<Group>): Promise<Fault[]> {
  const { transaction, before, value } = write
  const { defaultDomain: domain } = value
  const isNew = before?.defaultDomain !== domain
  return [
    ...(await checkCountry(write)),
    ...(isNew ? await checkDomain(transaction, write, { parameter: 'defaultDomain', domain }) : []),
  ]
}

const example = {
  groupId: 'foogroup',
  groupName: 'Foo call centre',
  defaultDomain: 'sip.netaxis.be',
  country: 'BE',
  timeZone: 'Europe/Brussels',
}

export const groups: Resource<Group> = {
  noun: 'group',
  path: '/api/v1/tenants/:tenant_id/groups/',
  id: { member: 'groupId', parameter: 'group_id', keyOf: fold },
  permissions: {
    list: 'tenant.administer',
    read: 'group.read',
    create: 'tenant.administer',
    change: 'group.provision',
    remove: 'group.provision',
  },
  document: defineDocument({
    schema: Group,
    rules: whereaboutsRules,
    filled: ['defaultDomain'],
  }),
  table,
  collection: inTenant,
  list: { member: 'groups' },
  parts: [{ complete: completeByTenant, check }],
  removal: { keptBy: 'contents', holdsMany: true },
  documentation: {
    tag: {
      name: 'Groups',
      description: 'Parts of a tenant, with people, announcements and route points of their own.',
    },
    examples: examplesOf('groups', {
      create: { groupId: example.groupId, groupName: example.groupName },
      shown: example,
      change: { timeZone: 'Europe/London' },
    }),
  },
}
