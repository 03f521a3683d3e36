import { sql } from '../../../database/database.ts'
import type { AnnouncementHolder } from '../../announcements/holders.ts'
import { renameFile } from './audio.ts'
import type { OwnerTables } from './define.ts'

interface UsageRow {
  announcement_name: string
  service_user_id: string
  dnis_name: string | null
  setting: string
}

/** The settings of one kind of owner, as documents that name announcements. */
export function announcementUses({ files, settings, key }: OwnerTables): AnnouncementHolder {
  const columns = [...key, 'setting']
  const [, , routePointKey, dnisName] = key
  const shared = ['tenant_key', 'group_key', routePointKey]
  const inGroup = 'files.tenant_key = ? AND files.group_key = ?'
  const usages = `
    SELECT DISTINCT files.announcement_name, route_points.service_user_id,
      ${dnisName ? `files.${dnisName}` : 'NULL'} AS dnis_name, files.setting
    FROM ${files} AS files
    JOIN route_points ON ${shared.map((column) => `route_points.${column} = files.${column}`).join(' AND ')}
    WHERE ${inGroup}`
  // By place: another table may have a column of the same name one day.
  const order = 'ORDER BY 2, 3, 4'
  const selectAll = sql<UsageRow>(`${usages} ${order}`)
  const selectOf = sql<UsageRow>(`${usages} AND files.announcement_name = ? ${order}`)
  const selectNaming = sql<Record<string, string>>(
    `SELECT DISTINCT ${columns.map((column) => `kept.${column}`).join(', ')}, kept.value
     FROM ${settings} AS kept
     JOIN ${files} AS files ON ${columns.map((column) => `kept.${column} = files.${column}`).join(' AND ')}
     WHERE ${inGroup} AND files.announcement_name = ?`,
  )
  const update = sql(
    `UPDATE ${settings} SET value = ? WHERE ${columns.map((column) => `${column} = ?`).join(' AND ')}`,
  )

  return {
    async findUsages(reader, group, name) {
      const rows =
        name === undefined
          ? await reader.all(selectAll, ...group)
          : await reader.all(selectOf, ...group, name)
      return rows.map((row) => ({
        name: row.announcement_name,
        serviceUserId: row.service_user_id,
        ...(row.dnis_name !== null && { dnisName: row.dnis_name }),
        setting: row.setting,
      }))
    },
    async rewrite(transaction, group, rename) {
      for (const row of await transaction.all(selectNaming, ...group, rename.after)) {
        const value = renameFile(JSON.parse(row.value ?? '{}'), rename)
        const owner = columns.map((column) => row[column] ?? '')
        await transaction.run(update, JSON.stringify(value), ...owner)
      }
    },
  }
}
