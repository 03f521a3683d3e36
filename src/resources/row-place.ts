import type { Scope } from '../writes/record.ts'
import { type KeptRow, valueIn } from '../writes/recorded.ts'
import type { Key } from './keeper.ts'

/** The parameter of a path that each column of a key fills. */
const parameters: Readonly<Record<string, string>> = {
  tenant_key: 'tenant_id',
  group_key: 'group_id',
  user_key: 'user_id',
  route_point_key: 'route_point_user_id',
  dnis_name: 'instance_name',
}

/**
 * A row of which only the key is known.
 *
 * @throws Error when the key has another length.
 */
export function rowOf(columns: readonly string[], key: Key): KeptRow {
  if (key.length !== columns.length) throw new Error(`The key has no ${columns.join(', ')}.`)
  return Object.fromEntries(key.map((value, index) => [columns[index], value]))
}

/** The parameters of paths that a row's key fills: so what is recorded of it stands under the same path as its own writes. */
export function parametersOf(row: KeptRow): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parameters).flatMap(([column, parameter]) => {
      const value = row[column]
      return value === undefined ? [] : [[parameter, value]]
    }),
  )
}

/** Whose a row is. */
export function scopeOf(row: KeptRow): Scope {
  const { group_key: groupKey, route_point_key: routePointKey } = row
  return { tenantKey: valueIn(row, 'tenant_key'), groupKey, routePointKey }
}
