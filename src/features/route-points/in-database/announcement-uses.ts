import { sql, type Value, whereEqual } from '../../../database/database.ts'
import { mapMarked } from '../../../documents/marks.ts'
import type { Members } from '../../../documents/normalise.ts'
import type { Schema } from '../../../documents/vocabulary.ts'
import { busy } from '../../../errors.ts'
import { nextTurn } from '../../../resources/turns.ts'
import { valuesIn } from '../../../writes/recorded.ts'
import { rowsPerStep } from '../../../writes/steps.ts'
import type { AnnouncementHolder, Usage } from '../../announcements/holders.ts'
import { settingEffect, settingNamed } from './effects.ts'
import type { OwnerTables } from './owner-tables.ts'

type SlotRow = Record<string, Value> & {
  announcement_name: string
  service_user_id: string
  dnis_name?: string
  setting: string
}

/** A setting with its owner's key. */
type SettingRow = Record<string, string> & { setting: string; value: string }

/** Slots that are read in one turn of the event loop. */
const slotsPerTurn = 2_000

function usageIn(row: SlotRow): Usage & { name: string } {
  return {
    name: row.announcement_name,
    serviceUserId: row.service_user_id,
    ...(row.dnis_name !== undefined && { dnisName: row.dnis_name }),
    setting: row.setting,
  }
}

/**
 * A setting before and after an announcement in it gets a new name.
 *
 * @throws Refusal 503 for one that only another version of the program knows: a node of that version can do it.
 */
function renameIn(row: SettingRow, rename: { before: string; after: string }) {
  const setting = settingNamed(row.setting)
  if (!setting) {
    throw busy(`The setting '${row.setting}' is of another version; wait until all have it.`, 10)
  }
  const before = setting.document.withDefaults(row.value)
  const value: Members = JSON.parse(before)
  const renamed = (name: unknown) => (name === rename.before ? rename.after : name)
  const isName = ({ refersTo }: Schema) => refersTo === 'announcement'
  const after = mapMarked(setting.document.schemas.shown, value, isName, renamed)
  return { before, after: JSON.stringify(after) }
}

/** The statements about the settings of one kind of owner. */
function statementsOf({ files, settings, key }: OwnerTables) {
  const columns = [...key, 'setting']
  const [, , routePointKey] = key
  const shared = ['tenant_key', 'group_key', routePointKey]
  const equal = (one: string, other: string, names: readonly (string | undefined)[]) =>
    names.map((column) => `${one}.${column} = ${other}.${column}`).join(' AND ')
  const inGroup = 'files.tenant_key = ? AND files.group_key = ?'
  /** Where a slot is in its group; slots are read in this order, so that one part goes on where another ended. */
  const place = [...columns.slice(2), 'position']

  function selectSlots({ isOfOne, isNext }: { isOfOne: boolean; isNext: boolean }) {
    const slot = place.map((column) => `files.${column}`).join(', ')
    return sql<SlotRow>(
      `SELECT files.announcement_name, route_points.service_user_id, ${slot}
       FROM ${files} AS files JOIN route_points ON ${equal('route_points', 'files', shared)}
       WHERE ${inGroup}${isOfOne ? ' AND files.announcement_name = ?' : ''}
         ${isNext ? `AND (${slot}) > (${place.map(() => '?').join(', ')})` : ''}
       ORDER BY ${slot} LIMIT ${slotsPerTurn}`,
    )
  }

  const selectNaming = sql<SettingRow>(
    `SELECT ${columns.map((column) => `kept.${column}`).join(', ')}, kept.value
     FROM ${files} AS files JOIN ${settings} AS kept ON ${equal('kept', 'files', columns)}
     WHERE ${inGroup} AND files.announcement_name = ? LIMIT ${rowsPerStep}`,
  )
  const ofOwner = whereEqual(columns)
  const updateDocument = sql(`UPDATE ${settings} SET value = ? WHERE ${ofOwner}`)
  const updateFiles = sql(
    `UPDATE ${files} SET announcement_name = ? WHERE ${ofOwner} AND announcement_name = ?`,
  )
  return { columns, place, selectSlots, selectNaming, updateDocument, updateFiles }
}

/** The settings of one kind of owner, as documents that name announcements. */
export function announcementUses(tables: OwnerTables): AnnouncementHolder {
  const statements = statementsOf(tables)
  const { columns, place, selectSlots, selectNaming, updateDocument, updateFiles } = statements
  return {
    async findUsages(reader, group, name) {
      const usages = new Map<string, Usage & { name: string }>()
      const bound = name === undefined ? group : [...group, name]
      for (let after: Value[] = []; ; ) {
        const select = selectSlots({ isOfOne: name !== undefined, isNext: after.length > 0 })
        const rows = await reader.all(select, ...bound, ...after)
        for (const row of rows) {
          const usage = usageIn(row)
          // An announcement that stands in several slots of a setting is used by it once.
          usages.set(Object.values(usage).join('\n'), usage)
        }
        const last = rows.at(-1)
        if (rows.length < slotsPerTurn || !last) return [...usages.values()]
        after = valuesIn(last, place)
        await nextTurn()
      }
    },
    async carry({ transaction, cause, record }, group, rename) {
      for (;;) {
        const rows = await transaction.all(selectNaming, ...group, rename.before)
        // A setting that has it in several slots is found as often.
        const owners = new Map(rows.map((row) => [valuesIn(row, columns).join('\n'), row]))
        for (const row of owners.values()) {
          const texts = renameIn(row, rename)
          const owner = valuesIn(row, columns)
          await transaction.run(updateDocument, texts.after, ...owner)
          await transaction.run(updateFiles, rename.after, ...owner, rename.before)
          await record({
            ...settingEffect(tables, { key: valuesIn(row, tables.key), setting: row.setting }),
            ...texts,
            because: cause,
          })
        }
        if (rows.length < rowsPerStep) return
      }
    },
  }
}
