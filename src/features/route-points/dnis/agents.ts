import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Reader } from '../../../database/database.ts'
import type { Schema } from '../../../documents/vocabulary.ts'
import { sendText } from '../../../http/etag.ts'
import { addOperation } from '../../../http/operation.ts'
import type { Place } from '../../../http/permissions.ts'
import {
  addPageHeaders,
  type ListQuery,
  listParameters,
  type Page,
  readListQuery,
  readPage,
} from '../../../resources/list.ts'
import { lineOf } from '../../departments/reference.ts'
import { groupFacts } from '../../groups/groups.ts'
import { users } from '../../users/users.ts'
import type { RoutePointData } from '../route-point-data.ts'
import { routePointPath } from '../settings/routes.ts'
import { type DnisKey, dnisKeyOf, requireDnis } from './dnis.ts'

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

const agents = `users JOIN dnis_selections AS selected ON selected.tenant_key = users.tenant_key
  AND selected.group_key = users.group_key AND selected.user_key = users.user_key`

/** The departments with these names, as agents show them. */
async function departmentsOf(
  reader: Reader,
  place: Place,
  names: ReadonlySet<string>,
): Promise<Map<string, Static<typeof Department>>> {
  const facts = await groupFacts(reader, place)
  const entries = [...names].map(async (departmentName) => {
    const line = await lineOf(reader, place, departmentName)
    const department = {
      tenantId: facts?.tenant_id ?? '',
      groupId: facts?.group_id ?? '',
      departmentName,
      fullPathName: line.reverse().join(' \\ '),
    }
    return [departmentName, department] as const
  })
  return new Map(await Promise.all(entries))
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
    scope: {
      'selected.tenant_key': tenantKey,
      'selected.group_key': groupKey,
      'selected.route_point_key': routePointKey,
      'selected.dnis_name': dnisName,
    },
    key: 'users.user_key',
  }
  const { rows, total } = await readPage<AgentRow>(reader, source, query)
  const names = new Set(rows.flatMap((row) => row.department_name ?? []))
  const departments = await departmentsOf(reader, { tenantKey, groupKey }, names)
  const shown = rows.map((row) => ({
    userId: row.user_id,
    firstName: row.first_name,
    lastName: row.last_name,
    phoneNumber: row.phone_number,
    extension: row.extension,
    department: departments.get(row.department_name ?? '') ?? ('' as const),
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
    query: listParameters(users.fields, false),
    refusals: [400],
    answer: answer as unknown as Schema,
    example: { response: example },
    async handler(request: FastifyRequest, reply: FastifyReply) {
      const parameters = request.query as Record<string, string | string[]>
      const query = readListQuery(parameters, users.fields, undefined)
      const page = await data.listAgents(dnisKeyOf(request), query)
      addPageHeaders(request, reply, query, page)
      return sendText(request, reply, JSON.stringify({ agents: page.rows }))
    },
  })
}
