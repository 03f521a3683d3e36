import type { Reader } from '../database/database.ts'
import { forbidden, notFound } from '../errors.ts'
import type { Place } from './place.ts'

/** What somebody may do, rising; the numbers are those of `user_level` in the API. */
export const levels = {
  EndUser: 0,
  DepartmentAdmin: 4,
  GroupAdmin: 8,
  TenantAdmin: 12,
  System: 16,
} as const

/**
 * Every right there is: the least level, and what the path speaks of. A route declares exactly one of
 * them, which OpenAPI shows as `x-permission`.
 */
export const permissions = {
  public: { level: levels.EndUser, reach: 'nobody' },
  oneself: { level: levels.EndUser, reach: 'oneself' },
  'installation.administer': { level: levels.System, reach: 'installation' },
  'tenant.read': { level: levels.EndUser, reach: 'tenant' },
  'tenant.administer': { level: levels.TenantAdmin, reach: 'tenant' },
  'tenant.provision': { level: levels.System, reach: 'tenant' },
  'group.read': { level: levels.EndUser, reach: 'group' },
  'group.provision': { level: levels.TenantAdmin, reach: 'group' },
  /** Of a call that is the caller's own, or of any for a Group Admin: whose it is only the operation can tell. */
  'call.tag': { level: levels.EndUser, reach: 'group' },
  'group.administer': { level: levels.GroupAdmin, reach: 'group' },
  'directory.read': { level: levels.DepartmentAdmin, reach: 'group' },
  'users.administer': { level: levels.DepartmentAdmin, reach: 'group' },
  'user.read': { level: levels.EndUser, reach: 'user' },
  'user.write': { level: levels.EndUser, reach: 'user' },
  'user.administer': { level: levels.DepartmentAdmin, reach: 'user' },
} as const satisfies Record<string, { level: number; reach: string }>

export type Permission = keyof typeof permissions

/** Who is asking. `tenantKey` and `groupKey` bound the scope; null is unbounded. */
export interface Caller {
  identityKey: string
  /** Of this account alone, and not of one that has its id later. */
  accountKey: string
  identityId: string
  level: number
  tenantKey: string | null
  groupKey: string | null
  departmentName: string | null
  /** The name of the token that was sent; null for a sign-in. */
  tokenName: string | null
  /** What that token allows at most, and until when in milliseconds; null for a sign-in. */
  token: { level: number; expiresAt: number | null } | null
  /**
   * Asked inside each write: a body may arrive long after the headers by which its sender was identified.
   *
   * @throws Refusal 401 when what was sent no longer lets anybody in, 403 when anything of what it gave has changed.
   */
  confirm(reader: Reader): Promise<void>
}

function isInside(caller: Caller, permission: Permission, place: Place): boolean {
  const { tenantKey, groupKey, identityKey } = place
  if (caller.tenantKey !== null && tenantKey !== undefined && tenantKey !== caller.tenantKey) {
    return false
  }
  if (caller.groupKey !== null && groupKey !== undefined && groupKey !== caller.groupKey) {
    return false
  }
  const ownOnly = permissions[permission].reach === 'user' && caller.level < levels.DepartmentAdmin
  return !ownOnly || identityKey === caller.identityKey
}

/**
 * Lets a caller pass whose scope holds the place and whose level suffices.
 *
 * @throws Refusal 404 outside the scope, 403 inside it with too low a level.
 */
export function authorize(caller: Caller, permission: Permission, place: Place): void {
  if (!isInside(caller, permission, place)) throw notFound()
  if (caller.level < permissions[permission].level) throw forbidden()
}
