import { fillPath } from '../../../http/operation.ts'
import type { Key } from '../../../resources/keeper.ts'
import { parametersOf, rowOf, scopeOf } from '../../../resources/row-place.ts'
import type { Change } from '../../../writes/record.ts'
import { dnisSettings } from '../dnis/announcements.ts'
import type { Setting } from '../settings/define.ts'
import { settings } from '../settings/index.ts'
import type { OwnerTables } from './owner-tables.ts'

/** A setting by its name; undefined for one that only another version of the program knows. */
export function settingNamed(name: string): Setting | undefined {
  return [...settings, ...dnisSettings].find((setting) => setting.name === name)
}

/** What the record tells of a setting that a write of something else has changed, but for the texts. */
export function settingEffect(
  { key: columns, pathOf }: Pick<OwnerTables, 'key' | 'pathOf'>,
  { key, setting }: { key: Key; setting: string },
): Pick<Change, 'scope' | 'action' | 'kind' | 'target'> {
  const row = rowOf(columns, key)
  return {
    scope: scopeOf(row),
    action: 'change',
    kind: setting,
    target: fillPath(pathOf(setting), parametersOf(row)),
  }
}
