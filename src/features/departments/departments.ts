import Type, { type Static } from 'typebox'
import type { Reader } from '../../database/database.ts'
import { defineDocument } from '../../documents/document.ts'
import { name } from '../../documents/vocabulary.ts'
import { type Fault, invalid } from '../../errors.ts'
import type { Place } from '../../http/place.ts'
import { examplesOf } from '../../resources/examples.ts'
import { exactName } from '../../resources/listed.ts'
import type { Resource, Write } from '../../resources/resource.ts'
import { defineTable } from '../../resources/table.ts'
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

export const departments: Resource<Department> = {
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
  parts: [standsIn('parentDepartment', checkParent)],
  removal: { keptBy: 'names' },
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
