import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Reader } from '../../../database/database.ts'
import type { Schema } from '../../../documents/vocabulary.ts'
import { sendText } from '../../../http/etag.ts'
import { addOperation } from '../../../http/operation.ts'
import type { Place } from '../../../http/place.ts'
import type { Query } from '../../../http/query.ts'
import {
  addPageHeaders,
  type ListQuery,
  listParameters,
  type Page,
  readListQuery,
} from '../../../resources/query.ts'
import { readPage } from '../../../resources/query-sql.ts'
import { fieldsOf } from '../../../resources/resource.ts'
import { mapInTurns } from '../../../resources/turns.ts'
import { readTree } from '../../departments/reference.ts'
import { groupFacts } from '../../groups/groups.ts'
import { users } from '../../users/users.ts'
import { type DnisKey, dnisKeyOf, routePointPath } from '../route-point.ts'
import type { RoutePointData } from '../route-point-data.ts'
import { requireDnis } from './dnis.ts'

const Department = Type.Object({
  tenantId: Type.String(),
  groupId: Type.String(),
  departmentName: Type.String(),
  fullPathName: Type.String({ description: 'From the topmost level down, as in `A \\ B`.' }),
})

const Agent = Type.Object({
  userId: Type.String(),
  firstName: Type.String(),
  lastName: Type.String(),
  phoneNumber: Type.String({ description: "'' when there is none." }),
  extension: Type.String({ description: "'' when there is none." }),
  department: Type.Union([Department, Type.Literal('')]),
  emailAddress: Type.String({ description: "'' when there is none." }),
})

/** A user who calls out with a DNIS. */
export type Agent = Static<typeof Agent>

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

/** An agent is found by what a user is found by. */
const fields = fieldsOf(users)

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
    columns: columns.map((column) => `users.${column}`),
    fields,
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

const example = {
  agents: [
    {
      userId: 'ApioUserTest1@sip.netaxis.be',
      firstName: 'Test1',
      lastName: 'Test1',
      phoneNumber: '+3225126778',
      extension: '5001',
      department: {
        tenantId: 'ApioSpTest',
        groupId: 'ApioGrpTest',
        departmentName: 'test_department_initial',
        fullPathName: 'test_department_parent_1 \\ test_department_initial',
      },
      emailAddress: '',
    },
  ],
}

/** Serves the list of the agents of a DNIS. */
export function addAgents(app: FastifyInstance, data: RoutePointData): void {
  const answer = Type.Object({ agents: Type.Array(Agent) })
  addOperation(app, {
    method: 'GET',
    path: `${routePointPath}dnis/:instance_name/agents/`,
    id: 'listAgents',
    summary: 'List the agents who call out with a DNIS',
    tag: 'DNIS',
    permission: 'group.administer',
    query: listParameters(Object.keys(fields), false),
    answer: answer as unknown as Schema,
    example: { response: example },
    async handler(request: FastifyRequest, reply: FastifyReply) {
      const parameters = request.query as Query
      const query = readListQuery(parameters, Object.keys(fields), undefined)
      const page = await data.listAgents(dnisKeyOf(request), query)
      addPageHeaders(request, reply, query, page)
      const items = await mapInTurns(page.rows, (agent) => JSON.stringify(agent))
      return sendText(request, reply, `{"agents":[${items.join(',')}]}`)
    },
  })
}
