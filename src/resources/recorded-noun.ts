import type { Members } from '../documents/normalise.ts'
import type { Recorded } from '../writes/recorded.ts'
import { pathOf, present } from './presentation.ts'
import type { Resource } from './resource.ts'

/** The parameter of a path that each column of a key fills. */
const parameters: Readonly<Record<string, string>> = {
  tenant_key: 'tenant_id',
  group_key: 'group_id',
  route_point_key: 'route_point_user_id',
}

/** What the record tells of a noun's rows; nothing of those that are of no tenant, which go with nothing else. */
export function recordedNoun<Value extends Members>(resource: Resource<Value>): Recorded[] {
  const { name, key } = resource.table.definition
  if (key[0] !== 'tenant_key') return []
  return [
    {
      table: name,
      columns: ['value'],
      async changeOf(row) {
        const value: Value = JSON.parse(resource.document.withDefaults(row.value ?? '{}'))
        const above = Object.entries(row).map(([column, one]) => [parameters[column], one])
        const { tenant_key = '', group_key, route_point_key } = row
        return {
          scope: { tenantKey: tenant_key, groupKey: group_key, routePointKey: route_point_key },
          action: 'delete',
          kind: resource.noun,
          target: pathOf(resource, Object.fromEntries(above), value),
          before: present(resource, value),
          after: null,
        }
      },
    },
  ]
}
