import Type, { type Static } from 'typebox'
import { type Reader, sql } from '../../database/database.ts'
import { defineDocument } from '../../documents/document.ts'
import { fold } from '../../documents/normalise.ts'
import { clearable, fixed, id, text } from '../../documents/vocabulary.ts'
import { notFound } from '../../errors.ts'
import { tenantKeyOf } from '../../http/place.ts'
import { examplesOf } from '../../resources/examples.ts'
import { choice, foldedId, words } from '../../resources/listed.ts'
import type { Collection, Resource, Site } from '../../resources/resource.ts'
import { defineTable } from '../../resources/table.ts'
import { findStored } from '../../resources/table-keeper.ts'
import { DefaultDomain, whereabouts, whereaboutsRules } from './whereabouts.ts'

const Tenant = Type.Object({
  tenantId: fixed(id(30, { description: 'Name of the tenant in paths.' })),
  type: fixed(
    Type.Enum(['ServiceProvider', 'Enterprise'], {
      description:
        'A service provider’s disposition codes belong to its groups, an enterprise’s to itself.',
    }),
  ),
  name: clearable(text(80, { description: 'Name of the tenant for people.' })),
  defaultDomain: DefaultDomain,
  ...whereabouts,
})

type Tenant = Static<typeof Tenant>

const table = defineTable<Tenant>({
  name: 'tenants',
  key: ['tenant_key'],
  listed: {
    TenantId: foldedId('tenant_id', 'tenant_key', ({ tenantId }) => tenantId),
    Name: words('name', ({ name }) => name),
    Type: choice('type', ({ type }) => type),
  },
  stored: { default_domain: ({ defaultDomain }) => defaultDomain },
})

/** @throws Refusal 404 when there is no such tenant. */
export async function requireTenant(reader: Reader, { place }: Site): Promise<void> {
  if ((await table.find(reader, [tenantKeyOf(place)])) === undefined) throw notFound()
}

/** A tenant's own, such as its groups. */
export const inTenant: Collection = {
  scope: ({ place }) => [tenantKeyOf(place)],
  require: requireTenant,
}

/** The tenant as GET shows it, or undefined. */
export function findTenant(reader: Reader, tenantKey: string): Promise<Tenant | undefined> {
  return findStored(tenants, reader, [tenantKey])
}

const selectDomain = sql<{ default_domain: string }>(
  'SELECT default_domain FROM tenants WHERE tenant_key = ?',
)

/** Domain of a tenant admin's id that has none; undefined when there is no such tenant. */
export async function tenantDomain(reader: Reader, tenantKey: string): Promise<string | undefined> {
  return (await reader.get(selectDomain, tenantKey))?.default_domain
}

const example = {
  tenantId: 'footenant',
  type: 'ServiceProvider',
  name: 'Foo Telecom',
  defaultDomain: 'sip.netaxis.be',
  country: 'BE',
  timeZone: 'Europe/Brussels',
}

export const tenants: Resource<Tenant> = {
  noun: 'tenant',
  path: '/api/v1/tenants/',
  id: { member: 'tenantId', parameter: 'tenant_id', keyOf: fold },
  permissions: {
    list: 'installation.administer',
    read: 'tenant.read',
    create: 'installation.administer',
    change: 'tenant.provision',
    remove: 'tenant.provision',
  },
  document: defineDocument({ schema: Tenant, rules: whereaboutsRules }),
  table,
  collection: { scope: () => [] },
  list: { member: 'tenants' },
  parts: [],
  removal: { keptBy: 'contents', holdsMany: true },
  documentation: {
    tag: {
      name: 'Tenants',
      description:
        'Customers of the installation: enterprises, and service providers whose groups are enterprises.',
    },
    examples: examplesOf('tenants', {
      create: example,
      shown: example,
      change: { name: 'Foo Communications' },
    }),
  },
}
