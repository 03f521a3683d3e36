import Type, { type Static } from 'typebox'
import { type Reader, sql } from '../../database/database.ts'
import { defineDocument } from '../../documents/document.ts'
import { isObject, type Members } from '../../documents/normalise.ts'
import { name } from '../../documents/vocabulary.ts'
import { type Fault, invalid } from '../../errors.ts'
import type { Place } from '../../http/place.ts'
import { examplesOf } from '../../resources/examples.ts'
import { checkEmpty, type Holder } from '../../resources/holders.ts'
import { exactName } from '../../resources/listed.ts'
import type { Part } from '../../resources/part.ts'
import type { Resource, Write } from '../../resources/resource.ts'
import { defineTable } from '../../resources/table.ts'
import type { Work } from '../../writes/door.ts'
import { rowsPerStep } from '../../writes/steps.ts'
import { inGroup } from '../groups/groups.ts'
import { DepartmentReference, departmentLevelsMax, lineOf, readTree } from './reference.ts'
import { standsIn } from './stands-in.ts'

const Department = Type.Object({
  departmentName: name(50, { description: 'Unique in the group.' }),
  parentDepartment: DepartmentReference,
})

type Department = Static<typeof Department>

const table = defineTable<Department>({
  name: 'departments',
  key: ['tenant_key', 'group_key', 'department_name'],
  listed: { DepartmentName: exactName('department_name', (one) => one.departmentName) },
  stored: { parent_name: (one) => one.parentDepartment?.departmentName ?? null },
})

export const departmentHolder: Holder = {
  plural: 'departments',
  table: 'departments',
  columns: ['tenant_key', 'group_key'],
}

/** Rows that belong to a department and name it in their documents. */
export interface DepartmentMember extends Holder {
  /** The key of a row. */
  key: readonly string[]
  /** Where the reference stands in the document. */
  path: readonly string[]
}

export const subdepartments: DepartmentMember = {
  plural: 'departments',
  table: 'departments',
  columns: ['tenant_key', 'group_key', 'parent_name'],
  key: table.definition.key,
  path: ['parentDepartment'],
}

function renameIn(value: Members, path: readonly string[], departmentName: string): Members {
  const [member, ...rest] = path
  if (member === undefined) return { ...value, departmentName }
  const inner = value[member]
  return isObject(inner) ? { ...value, [member]: renameIn(inner, rest, departmentName) } : value
}

/** Moves what belongs to a department to its new name, row by row, since each document is rewritten. */
async function carryMember(
  { transaction }: Work,
  departmentKey: readonly string[],
  { departmentName, member }: { departmentName: string; member: DepartmentMember },
): Promise<void> {
  const { table: from, columns, key, path } = member
  const where = (names: readonly string[]) => names.map((column) => `${column} = ?`).join(' AND ')
  const select = sql<Record<string, string>>(
    `SELECT ${key.join(', ')}, value FROM ${from} WHERE ${where(columns)} LIMIT ${rowsPerStep}`,
  )
  const update = sql(`UPDATE ${from} SET ${columns.at(-1)} = ?, value = ? WHERE ${where(key)}`)
  for (;;) {
    const rows = await transaction.all(select, ...departmentKey)
    for (const row of rows) {
      const value = renameIn(JSON.parse(row.value ?? '{}'), path, departmentName)
      const keyValues = key.map((column) => row[column] ?? '')
      await transaction.run(update, departmentName, JSON.stringify(value), ...keyValues)
    }
    if (rows.length < rowsPerStep) return
  }
}

/** Levels of a department and those below it. */
async function heightOf(reader: Reader, place: Place, departmentName: string): Promise<number> {
  const tree = await readTree(reader, place)
  let height = 1
  for (const name of tree.names) {
    height = Math.max(height, tree.lineOf(name).indexOf(departmentName) + 1)
  }
  return height
}

async function checkParent(
  { transaction, place, before }: Write<Department>,
  { departmentName }: DepartmentReference,
): Promise<Fault[]> {
  // What lies deeper since an earlier version may still get another name.
  if (before?.parentDepartment?.departmentName === departmentName) return []
  const line = await lineOf(transaction, place, departmentName)
  if (before && line.includes(before.departmentName)) {
    const message = 'A department cannot stand below itself.'
    return [invalid('parentDepartment.departmentName', message)]
  }
  const height = before ? await heightOf(transaction, place, before.departmentName) : 1
  if (line.length + height <= departmentLevelsMax) return []
  const message = `Departments have at most ${departmentLevelsMax} levels; there they would have more.`
  return [invalid('parentDepartment', message)]
}

/** A new name is taken over by its members; none may be left when it is deleted. */
function isNamedBy(members: readonly DepartmentMember[]): Part<Department> {
  return {
    async carry(write) {
      const { key, value } = write
      const { departmentName } = value
      for (const member of members) await carryMember(write, key, { departmentName, member })
    },
    checkRemoval: ({ transaction, key }) => checkEmpty(transaction, 'department', key, members),
  }
}

/** @param members whatever belongs to a department, keyed by `tenant_key`, `group_key` and the department's name. */
export function departments(members: readonly DepartmentMember[]): Resource<Department> {
  return {
    noun: 'department',
    path: '/api/v1/tenants/:tenant_id/groups/:group_id/departments/',
    id: { member: 'departmentName', parameter: 'instance_name' },
    permissions: {
      list: 'directory.read',
      read: 'directory.read',
      create: 'group.administer',
      change: 'group.administer',
      remove: 'group.administer',
    },
    document: defineDocument({ schema: Department }),
    table,
    collection: inGroup,
    list: { member: 'departments' },
    parts: [standsIn('parentDepartment', checkParent), isNamedBy(members)],
    documentation: {
      tag: {
        name: 'Departments',
        description:
          'Parts of a group, one below the other. A Department Admin sees to the people of one.',
      },
      examples: examplesOf('departments', {
        create: {
          departmentName: 'test_department_initial',
          parentDepartment: { departmentName: 'test_department_parent_1' },
        },
        shown: {
          departmentName: 'test_department_initial',
          parentDepartment: {
            tenantId: 'footenant',
            groupId: 'foogroup',
            departmentName: 'test_department_parent_1',
          },
        },
        change: { departmentName: 'test_department' },
      }),
    },
  }
}
