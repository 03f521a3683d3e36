import type { Holder } from '../../../resources/holders.ts'

const table = 'route_point_default_codes'

function defaultsBy(...columns: string[]): Holder {
  return { plural: 'defaults', table, columns }
}

/** The defaults that keep a code of each level from being deleted or deactivated. */
export const routePointCodeDefaults = defaultsBy(
  'tenant_key',
  'group_key',
  'route_point_key',
  'route_point_code',
)
export const groupCodeDefaults = defaultsBy('tenant_key', 'group_key', 'group_code')
export const enterpriseCodeDefaults = defaultsBy('tenant_key', 'enterprise_code')
