import type { Reader } from '../../../database/database.ts'
import type { Members } from '../../../documents/normalise.ts'
import { foundAlone, type Key } from '../../../resources/keeper.ts'
import { rowOf, scopeOf } from '../../../resources/row-place.ts'
import type { Door } from '../../../writes/door.ts'
import { type Recorded, valueIn, valuesIn } from '../../../writes/recorded.ts'
import type { SettingKeeper } from '../backend.ts'
import type { Setting } from '../settings/define.ts'
import { settingEffect, settingNamed } from './effects.ts'
import { type OwnerTables, ownerTables } from './owner-tables.ts'
import { checkReferences, referencesGuard, saveReferences } from './references.ts'

/** A setting that was never changed has no row: it is its default. */
async function findSetting(
  reader: Reader,
  { tables, setting }: { tables: OwnerTables; setting: Setting },
  key: Key,
): Promise<string> {
  const row = await reader.get(tables.statements.find, setting.name, ...key)
  if (!row) return tables.refuseUnknown(reader, key)
  return row.value === null ? setting.defaultText : setting.document.withDefaults(row.value)
}

/** What the record tells of settings that go with their owners; nothing of those that were never changed. */
export const recordedSettings: readonly Recorded[] = Object.values(ownerTables).map((tables) => ({
  table: tables.settings,
  columns: ['value'],
  async changeOf(row) {
    const name = valueIn(row, 'setting')
    const value = valueIn(row, 'value')
    const key = valuesIn(row, tables.key)
    const setting = settingNamed(name)
    const before = setting ? setting.document.withDefaults(value) : value
    const change = settingEffect(tables, { key, setting: name })
    return { ...change, action: 'delete', before, after: null }
  },
}))

/** Keeps one setting of all owners of a kind. */
export function settingKeeper(
  door: Door,
  kept: { tables: OwnerTables; setting: Setting },
): SettingKeeper {
  const { tables, setting } = kept
  const ownGuard = referencesGuard(setting)
  return {
    read: (key) => findSetting(door.reader, kept, key),
    checkReferences: (reader, key, value) => checkReferences(reader, key, { setting, value }),

    edit: (intent, { key = [], guard, judge, answer }) =>
      door.write(intent, {
        guard: guard === 'keys' ? ownGuard : 'reads',
        async act(work) {
          const before = await findSetting(work.transaction, kept, key)
          const stored: Members = JSON.parse(before)
          const draft = await judge(work, foundAlone(stored))
          if (!draft) return answer(stored, {})
          const { write } = draft
          const after = JSON.stringify(write.value)
          await work.transaction.run(tables.statements.save, ...key, setting.name, after)
          await saveReferences(work, { tables, key }, { setting, stored, value: write.value })
          await work.record({
            scope: scopeOf(rowOf(tables.key, key)),
            kind: setting.name,
            action: write.cause.action,
            target: write.cause.resource,
            before,
            after,
          })
          return answer(write.value, {})
        },
      }),
  }
}
