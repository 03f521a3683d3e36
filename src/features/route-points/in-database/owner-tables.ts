import { type Reader, type Statement, sql, whereEqual } from '../../../database/database.ts'
import { invalid, notFound, Refusal } from '../../../errors.ts'
import { type DnisKey, dnisKeyIn, dnisSettingPath, settingPath } from '../route-point.ts'
import type { SettingOwner } from '../settings/define.ts'

interface Definition {
  owners: string
  settings: string
  files: string
  /** Columns of the owner's key in `owners`, and in the other two, tenant and group first. */
  ownerKey: readonly string[]
  key: readonly string[]
  /** Path of a setting. */
  pathOf(setting: string): string
  /** @throws Refusal that tells why there is no such owner. */
  refuseUnknown(reader: Reader, key: readonly string[]): Promise<never>
}

/** The tables that keep the settings of one kind of owner. */
export interface OwnerTables extends Definition {
  statements: {
    find: Statement<{ value: string | null }>
    save: Statement<never>
    removeFiles: Statement<never>
    insertFile: Statement<never>
  }
}

function places(columns: readonly string[]): string {
  return columns.map(() => '?').join(', ')
}

function defineOwnerTables(definition: Definition): OwnerTables {
  const { owners, settings, files, ownerKey, key } = definition
  const columns = [...key, 'setting']
  const fileColumns = [...columns, 'position', 'announcement_name']
  const on = key.map((column, index) => `kept.${column} = owners.${ownerKey[index]}`).join(' AND ')
  return {
    ...definition,
    statements: {
      find: sql(
        `SELECT kept.value FROM ${owners} AS owners
         LEFT JOIN ${settings} AS kept ON ${on} AND kept.setting = ?
         WHERE ${whereEqual(ownerKey, 'owners')}`,
      ),
      save: sql(
        `INSERT INTO ${settings} (${columns.join(', ')}, value) VALUES (${places(columns)}, ?)
         ON CONFLICT (${columns.join(', ')}) DO UPDATE SET value = excluded.value`,
      ),
      removeFiles: sql(`DELETE FROM ${files} WHERE ${whereEqual(columns)}`),
      insertFile: sql(
        `INSERT INTO ${files} (${fileColumns.join(', ')}) VALUES (${places(fileColumns)})`,
      ),
    },
  }
}

const selectDnisName = sql<{ name: string | null }>(
  `SELECT dnis.name FROM route_points AS owners
   LEFT JOIN dnis ON dnis.tenant_key = owners.tenant_key AND dnis.group_key = owners.group_key
     AND dnis.route_point_key = owners.route_point_key AND dnis.name = ?
   WHERE owners.tenant_key = ? AND owners.group_key = ? AND owners.route_point_key = ?`,
)

function unknownDnis(dnisName: string): Refusal {
  return new Refusal([invalid('instance_name', `The route point has no DNIS '${dnisName}'.`)])
}

/**
 * For paths in which a DNIS's name is a parameter rather than the resource itself.
 *
 * @throws Refusal 404 when there is no such route point, 400 when it has no such DNIS.
 */
export async function requireDnis(
  reader: Reader,
  [tenantKey, groupKey, routePointKey, dnisName]: DnisKey,
): Promise<void> {
  const row = await reader.get(selectDnisName, dnisName, tenantKey, groupKey, routePointKey)
  if (!row) throw notFound()
  if (row.name === null) throw unknownDnis(dnisName)
}

const ownRoutePoint = ['tenant_key', 'group_key', 'route_point_key']

export const ownerTables: Readonly<Record<SettingOwner, OwnerTables>> = {
  'route point': defineOwnerTables({
    owners: 'route_points',
    settings: 'route_point_settings',
    files: 'route_point_setting_files',
    ownerKey: ownRoutePoint,
    key: ownRoutePoint,
    pathOf: settingPath,
    async refuseUnknown() {
      throw notFound()
    },
  }),
  DNIS: defineOwnerTables({
    owners: 'dnis',
    settings: 'dnis_settings',
    files: 'dnis_setting_files',
    ownerKey: [...ownRoutePoint, 'name'],
    key: [...ownRoutePoint, 'dnis_name'],
    pathOf: dnisSettingPath,
    async refuseUnknown(reader, key) {
      await requireDnis(reader, dnisKeyIn(key))
      throw notFound()
    },
  }),
}
