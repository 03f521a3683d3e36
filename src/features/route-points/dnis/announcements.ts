import { dnisKeyOf, routePointPath } from '../route-point.ts'
import { defineAnnouncements } from '../settings/announcements.ts'
import type { OwnerKind } from '../settings/define.ts'
import { requireDnis } from './dnis.ts'

/** DNIS as owners of settings; their settings' paths end with their name. */
export const dnisOwners: OwnerKind = {
  noun: 'DNIS',
  tag: 'DNIS',
  tables: {
    owners: 'dnis',
    settings: 'dnis_settings',
    files: 'dnis_setting_files',
    ownerKey: ['tenant_key', 'group_key', 'route_point_key', 'name'],
    key: ['tenant_key', 'group_key', 'route_point_key', 'dnis_name'],
    requireOwner: requireDnis,
  },
  pathOf: (setting) => `${routePointPath}${setting}/:instance_name/`,
  keyOf: dnisKeyOf,
}

export const dnisAnnouncements = defineAnnouncements(
  'dnis_announcements',
  'announcement configuration',
)
