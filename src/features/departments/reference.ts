import Type, { type Static } from 'typebox'
import { type Reader, sql } from '../../database/database.ts'
import { fold } from '../../documents/normalise.ts'
import { clearable, id, name } from '../../documents/vocabulary.ts'
import { type Fault, invalid } from '../../errors.ts'
import type { Place } from '../../http/permissions.ts'
import type { ListField } from '../../resources/list.ts'
import { groupFacts } from '../groups/groups.ts'

const key = Type.Object(
  {
    tenantId: Type.Optional(id(30)),
    groupId: Type.Optional(id(30)),
    departmentName: name(50),
  },
  { whole: true, additionalProperties: false },
)

/** A department of the same group, as members of other resources name it. */
export const DepartmentReference = clearable(key)
export type DepartmentReference = Static<typeof key>

/** The department as a field of the lists of `table`; '' where there is none, on which engines sort NULL differently. */
export function departmentField(table: string): ListField {
  const join = ['tenant_key', 'group_key', 'department_name']
    .map((column) => `named.${column} = ${table}.${column}`)
    .join(' AND ')
  const folded = `SELECT department_name_key FROM departments AS named WHERE ${join}`
  return { column: `coalesce(${table}.department_name, '')`, folded: `coalesce((${folded}), '')` }
}

const selectDepartment = sql<{ department_name: string }>(
  `SELECT department_name FROM departments
   WHERE tenant_key = ? AND group_key = ? AND department_name = ?`,
)

/** The reference with the ids of the group, which it may leave out, as they were created. */
export async function completeDepartment<Reference extends DepartmentReference | undefined>(
  reader: Reader,
  place: Place,
  reference: Reference,
): Promise<Reference> {
  const facts = reference && (await groupFacts(reader, place))
  if (!reference || !facts) return reference
  const isOf = (given: string | undefined, own: string) => !given || fold(given) === fold(own)
  return {
    tenantId: isOf(reference.tenantId, facts.tenant_id) ? facts.tenant_id : reference.tenantId,
    groupId: isOf(reference.groupId, facts.group_id) ? facts.group_id : reference.groupId,
    departmentName: reference.departmentName,
  } as Reference
}

/** What stands against a reference: another group, or no such department. */
export async function checkDepartment(
  reader: Reader,
  place: Place,
  reference: DepartmentReference | undefined,
  parameter = 'department',
): Promise<Fault[]> {
  if (!reference) return []
  const { tenantKey = '', groupKey = '' } = place
  const { tenantId, groupId, departmentName } = reference
  if (tenantId !== undefined && fold(tenantId) !== tenantKey) {
    return [invalid(`${parameter}.tenantId`, 'The department must be one of the same group.')]
  }
  if (groupId !== undefined && fold(groupId) !== groupKey) {
    return [invalid(`${parameter}.groupId`, 'The department must be one of the same group.')]
  }
  const found = await reader.get(selectDepartment, tenantKey, groupKey, departmentName)
  const message = `There is no department '${departmentName}' in the group.`
  return found ? [] : [invalid(`${parameter}.departmentName`, message)]
}

const selectAncestors = sql<{ department_name: string }>(
  `WITH RECURSIVE line (department_name, parent_name, depth) AS (
     SELECT department_name, parent_name, 0 FROM departments
     WHERE tenant_key = ? AND group_key = ? AND department_name = ?
     UNION ALL
     SELECT departments.department_name, departments.parent_name, depth + 1
     FROM departments JOIN line ON departments.department_name = line.parent_name
     WHERE departments.tenant_key = ? AND departments.group_key = ?
   )
   SELECT department_name FROM line ORDER BY depth`,
)

/** A department and those above it, nearest first. */
export async function lineOf(
  reader: Reader,
  { tenantKey = '', groupKey = '' }: Place,
  departmentName: string,
): Promise<string[]> {
  const place = [tenantKey, groupKey]
  const rows = await reader.all(selectAncestors, ...place, departmentName, ...place)
  return rows.map((row) => row.department_name)
}
