import type { Reader } from '../../../database/database.ts'
import type { Place } from '../../../http/place.ts'
import type { ListQuery, Page } from '../../../resources/query.ts'
import { readPage } from '../../../resources/query-sql.ts'
import { fieldsOf } from '../../../resources/resource.ts'
import { mapInTurns } from '../../../resources/turns.ts'
import { readTree } from '../../departments/reference.ts'
import { groupFacts } from '../../groups/groups.ts'
import { users } from '../../users/users.ts'
import type { Agent } from '../dnis/agents.ts'
import type { DnisKey } from '../route-point.ts'
import { requireDnis } from './owner-tables.ts'

const columns = [
  'user_id',
  'first_name',
  'last_name',
  'phone_number',
  'extension',
  'email_address',
  'department_name',
] as const

type AgentRow = Record<Exclude<(typeof columns)[number], 'department_name'>, string> & {
  department_name: string | null
}

const agents = `users JOIN dnis_selections AS selected ON selected.tenant_key = users.tenant_key
  AND selected.group_key = users.group_key AND selected.user_key = users.user_key`

/** What agents show of the department that a row names. */
async function departmentsIn(
  reader: Reader,
  place: Place,
): Promise<(departmentName: string | null) => Agent['department']> {
  const facts = await groupFacts(reader, place)
  const tree = await readTree(reader, place)
  return (departmentName) => {
    if (departmentName === null) return ''
    return {
      tenantId: facts?.tenant_id ?? '',
      groupId: facts?.group_id ?? '',
      departmentName,
      fullPathName: tree.lineOf(departmentName).reverse().join(' \\ '),
    }
  }
}

/**
 * The users whose own call-centre setting names a DNIS.
 *
 * @throws Refusal 404 when there is no such route point, 400 when it has no such DNIS.
 */
export async function listAgents(
  reader: Reader,
  dnisKey: DnisKey,
  query: ListQuery,
): Promise<Page<Agent>> {
  await requireDnis(reader, dnisKey)
  const [tenantKey, groupKey, routePointKey, dnisName] = dnisKey
  const source = {
    from: agents,
    fields: fieldsOf(users),
    columns: columns.map((column) => `users.${column}`),
    scope: {
      'selected.tenant_key': tenantKey,
      'selected.group_key': groupKey,
      'selected.route_point_key': routePointKey,
      'selected.dnis_name': dnisName,
    },
    key: 'users.user_key',
  }
  const { rows, total } = await readPage<AgentRow>(reader, source, query)
  const departmentOf = await departmentsIn(reader, { tenantKey, groupKey })
  const shown = await mapInTurns(rows, (row) => ({
    userId: row.user_id,
    firstName: row.first_name,
    lastName: row.last_name,
    phoneNumber: row.phone_number,
    extension: row.extension,
    department: departmentOf(row.department_name),
    emailAddress: row.email_address,
  }))
  return { rows: shown, total }
}
