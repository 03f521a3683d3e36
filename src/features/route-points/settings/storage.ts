import { type Reader, type Statement, sql, type Transaction } from '../../../database/database.ts'
import type { Members } from '../../../documents/normalise.ts'
import type { Owner, OwnerTables, Setting } from './define.ts'

/** Where the settings of route points are kept. */
export const routePointTables: OwnerTables = {
  owners: 'route_points',
  settings: 'route_point_settings',
  files: 'route_point_setting_files',
  ownerKey: ['tenant_key', 'group_key', 'route_point_key'],
  key: ['tenant_key', 'group_key', 'route_point_key'],
}

interface Statements {
  find: Statement<{ value: string | null }>
  save: Statement<never>
}

const statements = new Map<OwnerTables, Statements>()

function statementsOf(tables: OwnerTables): Statements {
  const known = statements.get(tables)
  if (known) return known
  const { owners, settings, ownerKey, key } = tables
  const columns = [...key, 'setting']
  const on = key.map((column, index) => `kept.${column} = owners.${ownerKey[index]}`).join(' AND ')
  const where = ownerKey.map((column) => `owners.${column} = ?`).join(' AND ')
  const made: Statements = {
    find: sql(
      `SELECT kept.value FROM ${owners} AS owners
       LEFT JOIN ${settings} AS kept ON ${on} AND kept.setting = ? WHERE ${where}`,
    ),
    save: sql(
      `INSERT INTO ${settings} (${columns.join(', ')}, value)
       VALUES (${columns.map(() => '?').join(', ')}, ?)
       ON CONFLICT (${columns.join(', ')}) DO UPDATE SET value = excluded.value`,
    ),
  }
  statements.set(tables, made)
  return made
}

/** The setting's text as GET answers it, its default included; undefined when there is no such owner. */
export async function findSetting(
  reader: Reader,
  { tables, key }: Owner,
  setting: Setting,
): Promise<string | undefined> {
  const row = await reader.get(statementsOf(tables).find, setting.name, ...key)
  if (!row) return undefined
  return row.value === null ? setting.defaultText : setting.document.withDefaults(row.value)
}

/** Keeps a setting, and a row for each thing that it names. */
export async function saveSetting(
  transaction: Transaction,
  owner: Owner,
  { setting, value }: { setting: Setting; value: Members },
): Promise<void> {
  const { name, references } = setting
  const text = JSON.stringify(value)
  await transaction.run(statementsOf(owner.tables).save, ...owner.key, name, text)
  for (const reference of references) {
    await reference.save(transaction, owner, { setting: name, value })
  }
}
