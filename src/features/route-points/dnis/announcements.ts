import { pathParameterOf } from '../../../resources/path-parameter.ts'
import { dnisKeyOf, dnisSettingPath } from '../route-point.ts'
import { defineAnnouncements } from '../settings/announcements.ts'
import type { OwnerKind } from '../settings/owners.ts'
import { dnis, dnisTag } from './dnis.ts'

/** DNIS as owners of settings; their settings' paths end with their name. */
export const dnisOwners: OwnerKind = {
  noun: 'DNIS',
  tag: dnisTag,
  names: pathParameterOf(dnis),
  permissions: { read: 'group.administer', write: 'group.administer' },
  pathOf: dnisSettingPath,
  keyOf: dnisKeyOf,
}

export const dnisAnnouncements = defineAnnouncements(
  'dnis_announcements',
  'announcement configuration',
)

/** All that can be set of a DNIS. */
export const dnisSettings = [dnisAnnouncements]
