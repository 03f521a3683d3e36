import { type Reader, sql } from '../../database/database.ts'
import { fold } from '../../documents/normalise.ts'
import { type Fault, invalid } from '../../errors.ts'
import type { Place } from '../../http/place.ts'
import type { MemberPart } from '../../resources/part.ts'
import type { Write } from '../../resources/resource.ts'
import { groupFacts } from '../groups/groups.ts'
import type { DepartmentReference } from './reference.ts'

const selectDepartment = sql<{ department_name: string }>(
  `SELECT department_name FROM departments
   WHERE tenant_key = ? AND group_key = ? AND department_name = ?`,
)

/** The reference with the ids of the group, which it may leave out, as they were created. */
async function completeDepartment(
  reader: Reader,
  place: Place,
  reference: DepartmentReference,
): Promise<DepartmentReference> {
  const facts = await groupFacts(reader, place)
  if (!facts) return reference
  const ownOr = (own: string, given: string | undefined) =>
    given && fold(given) !== fold(own) ? given : own
  return {
    tenantId: ownOr(facts.tenant_id, reference.tenantId),
    groupId: ownOr(facts.group_id, reference.groupId),
    departmentName: reference.departmentName,
  }
}

/** What stands against a reference: another group, or no such department. */
async function checkDepartment(
  { transaction, place }: { transaction: Reader; place: Place },
  parameter: string,
  reference: DepartmentReference,
): Promise<Fault[]> {
  const { tenantKey = '', groupKey = '' } = place
  const { tenantId, groupId, departmentName } = reference
  if (tenantId !== undefined && fold(tenantId) !== tenantKey) {
    return [invalid(`${parameter}.tenantId`, 'The department must be one of the same group.')]
  }
  if (groupId !== undefined && fold(groupId) !== groupKey) {
    return [invalid(`${parameter}.groupId`, 'The department must be one of the same group.')]
  }
  const found = await transaction.get(selectDepartment, tenantKey, groupKey, departmentName)
  const message = `There is no department '${departmentName}' in the group.`
  return found ? [] : [invalid(`${parameter}.departmentName`, message)]
}

/** A document with a department under `Member`. */
type InDepartment<Member extends string> = { [member in Member]?: DepartmentReference }

/**
 * Stands in a department of its group, which its `member` names.
 *
 * @param checkFurther what else can stand against a department that is there.
 */
export function standsIn<Member extends string, Value extends InDepartment<Member>>(
  member: Member,
  checkFurther?: (write: Write<Value>, reference: DepartmentReference) => Promise<Fault[]>,
): MemberPart<Value> {
  return {
    async complete(value, { reader, site }) {
      const reference = value[member]
      if (!reference) return value
      return { ...value, [member]: await completeDepartment(reader, site.place, reference) }
    },
    async check(write) {
      const reference = write.value[member]
      if (!reference) return []
      const faults = await checkDepartment(write, member, reference)
      return faults.length > 0 ? faults : ((await checkFurther?.(write, reference)) ?? [])
    },
  }
}
