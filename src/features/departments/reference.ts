import Type, { type Static } from 'typebox'
import { type Reader, sql } from '../../database/database.ts'
import { clearable, id, name, named } from '../../documents/vocabulary.ts'
import type { Place } from '../../http/place.ts'
import type { Listed } from '../../resources/listed.ts'

const key = Type.Object(
  {
    tenantId: Type.Optional(id(30, { description: 'The tenant’s; it may be left out.' })),
    groupId: Type.Optional(id(30, { description: 'The group’s; it may be left out.' })),
    departmentName: name(50, { description: 'Its name, exactly.' }),
  },
  {
    whole: true,
    refersTo: 'department',
    additionalProperties: false,
    description: 'A department of the same group.',
  },
)

/** A department of the same group, as members of other resources name it. */
export const DepartmentReference = clearable(named('DepartmentReference', key))
export type DepartmentReference = Static<typeof key>

/** The department by its name; '' where there is none, since engines sort NULL differently. */
export function inDepartment<Document>(
  read: (document: Document) => DepartmentReference | undefined,
): Listed<Document> {
  return {
    columns: { department_name: (document) => read(document)?.departmentName ?? null },
    fieldIn(table) {
      const on = ['tenant_key', 'group_key', 'department_name']
        .map((column) => `named.${column} = ${table}.${column}`)
        .join(' AND ')
      return {
        column: `coalesce(${table}.department_name, '')`,
        folded: "coalesce(named.department_name_key, '')",
        join: `LEFT JOIN departments AS named ON ${on}`,
      }
    },
  }
}

/**
 * The most levels of departments, the topmost included. An earlier version took more: of what lies deeper only the
 * nearest so many levels are looked at.
 */
export const departmentLevelsMax = 20

// CROSS JOIN keeps SQLite from reading the whole group at each level: it looks each department up by its key.
const selectAncestors = sql<{ department_name: string }>(
  `WITH RECURSIVE line (department_name, parent_name, level) AS (
     SELECT department_name, parent_name, 1 FROM departments
     WHERE tenant_key = ? AND group_key = ? AND department_name = ?
     UNION ALL
     SELECT above.department_name, above.parent_name, line.level + 1
     FROM line CROSS JOIN departments AS above
     WHERE above.tenant_key = ? AND above.group_key = ?
       AND above.department_name = line.parent_name AND line.level < ${departmentLevelsMax}
   )
   SELECT department_name FROM line ORDER BY level`,
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

const selectParents = sql<{ department_name: string; parent_name: string | null }>(
  'SELECT department_name, parent_name FROM departments WHERE tenant_key = ? AND group_key = ?',
)

/** All departments of a group at once, for whoever needs many of them. */
export interface DepartmentTree {
  names: readonly string[]
  /** As `lineOf()`. */
  lineOf(departmentName: string): string[]
}

export async function readTree(
  reader: Reader,
  { tenantKey = '', groupKey = '' }: Place,
): Promise<DepartmentTree> {
  const rows = await reader.all(selectParents, tenantKey, groupKey)
  const parents = new Map(rows.map((row) => [row.department_name, row.parent_name]))
  return {
    names: [...parents.keys()],
    lineOf(departmentName) {
      const line: string[] = []
      let at: string | null = departmentName
      while (at !== null && line.length < departmentLevelsMax) {
        line.push(at)
        at = parents.get(at) ?? null
      }
      return line
    },
  }
}
