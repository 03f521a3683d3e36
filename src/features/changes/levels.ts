import type { Reader } from '../../database/database.ts'
import { levels, type Permission } from '../../http/permissions.ts'
import { groupKeyOf, memberKeyOf, type Place, tenantKeyOf } from '../../http/place.ts'
import type { Site } from '../../resources/resource.ts'
import type { Scope } from '../../writes/record.ts'
import { requireGroup } from '../groups/groups.ts'
import { routePointPath } from '../route-points/route-point.ts'
import { requireRoutePoint } from '../route-points/route-points.ts'
import { requireTenant } from '../tenants/tenants.ts'
import { readCreation } from './pages.ts'

/** Where the record of changes is shown: of everything, of a tenant, of a group, of a route point. */
export interface Level {
  /** As in `listGroupChanges`; '' of everything. */
  name: string
  words: string
  path: string
  permission: Permission
  /** Nothing bounds the record of everything. */
  scopeOf(place: Place): Scope | undefined
  /** @throws Refusal 404 where there is no such tenant, group or route point. */
  require(reader: Reader, site: Site): Promise<void>
}

const tenantPath = '/api/v1/tenants/:tenant_id/'

export const changesLevels: readonly Level[] = [
  {
    name: '',
    words: 'of the whole installation',
    path: '/api/v1/changes/',
    permission: 'installation.administer',
    scopeOf: () => undefined,
    require: async () => {},
  },
  {
    name: 'Tenant',
    words: 'of a tenant and all that is in it',
    path: `${tenantPath}changes/`,
    permission: 'tenant.administer',
    scopeOf: (place) => ({ tenantKey: tenantKeyOf(place) }),
    require: requireTenant,
  },
  {
    name: 'Group',
    words: 'of a group and all that is in it',
    path: `${tenantPath}groups/:group_id/changes/`,
    permission: 'group.administer',
    scopeOf(place) {
      const [tenantKey, groupKey] = groupKeyOf(place)
      return { tenantKey, groupKey }
    },
    require: requireGroup,
  },
  {
    name: 'RoutePoint',
    words: 'of a route point and all that belongs to it',
    path: `${routePointPath}changes/`,
    permission: 'group.administer',
    scopeOf(place) {
      const [tenantKey, groupKey, routePointKey] = memberKeyOf(place)
      return { tenantKey, groupKey, routePointKey }
    },
    require: requireRoutePoint,
  },
]

/** What a caller may see of the record of changes. */
export interface View {
  /** Everybody's changes without it. */
  scope: Scope | undefined
  /** The first position that is shown. */
  lowest: number
}

/**
 * What a request may see. An id may have been somebody else's before: only who administers the installation sees what was
 * recorded before the present tenant, group or route point was created.
 *
 * @throws Refusal 404 where there is no such tenant, group or route point.
 */
export async function viewOf(level: Level, reader: Reader, site: Site): Promise<View> {
  await level.require(reader, site)
  const scope = level.scopeOf(site.place)
  const isBounded = scope !== undefined && site.caller.level < levels.System
  return { scope, lowest: isBounded ? await readCreation(reader, scope) : 0 }
}
