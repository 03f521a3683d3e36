import type { Reader } from '../../database/database.ts'
import { type ErrorCode, Refusal } from '../../errors.ts'
import type { Tag } from '../../http/operation.ts'
import { tenantKeyOf } from '../../http/place.ts'
import type { Site } from '../../resources/resource.ts'
import { groupScope, requireGroup } from '../groups/groups.ts'
import { findTenant, inTenant, requireTenant } from '../tenants/tenants.ts'
import { dispositionCodes } from './disposition-code.ts'

const tag: Tag = {
  name: 'Disposition codes',
  description: 'Codes of a group or an enterprise with which agents tag calls.',
}

/** @throws Refusal with `code` in a tenant of another type. */
async function requireTenantType(
  reader: Reader,
  { place }: Site,
  { type, code }: { type: 'ServiceProvider' | 'Enterprise'; code: ErrorCode },
): Promise<void> {
  const tenant = await findTenant(reader, tenantKeyOf(place))
  if (tenant?.type === type) return
  const level = type === 'Enterprise' ? 'Enterprise' : 'Group'
  const message = `${level} disposition codes are only available in tenants of type '${type}'.`
  throw new Refusal([{ code, message }])
}

export const groupCodes = dispositionCodes({
  noun: 'groupDispositionCode',
  tag,
  path: '/api/v1/tenants/:tenant_id/groups/:group_id/services/call_centers_properties/disposition_codes/',
  permissions: { read: 'group.administer', write: 'group.administer' },
  table: 'group_disposition_codes',
  scopeColumns: ['tenant_key', 'group_key'],
  collection: {
    scope: groupScope,
    async require(reader, site) {
      await requireGroup(reader, site)
      await requireTenantType(reader, site, { type: 'ServiceProvider', code: 2 })
    },
  },
})

export const enterpriseCodes = dispositionCodes({
  noun: 'enterpriseDispositionCode',
  tag,
  path: '/api/v1/tenants/:tenant_id/services/call_centers_properties/disposition_codes/',
  permissions: { read: 'tenant.administer', write: 'tenant.administer' },
  table: 'enterprise_disposition_codes',
  scopeColumns: ['tenant_key'],
  collection: {
    scope: inTenant.scope,
    async require(reader, site) {
      await requireTenant(reader, site)
      await requireTenantType(reader, site, { type: 'Enterprise', code: 42 })
    },
  },
})
