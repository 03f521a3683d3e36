import type { FastifyInstance } from 'fastify'
import Type from 'typebox'
import type { Reader } from '../../../database/database.ts'
import { fold } from '../../../documents/normalise.ts'
import { named } from '../../../documents/vocabulary.ts'
import { addOperation } from '../../../http/operation.ts'
import { groupKeyOf } from '../../../http/place.ts'
import { queryIn } from '../../../http/query.ts'
import { listParameters, pageAnswer, pageSizeMax, readListQuery } from '../../../resources/query.ts'
import { pageOf, type RowSource } from '../../../resources/query-rows.ts'
import { siteOf } from '../../../resources/resource.ts'
import { requireGroup } from '../../groups/groups.ts'
import { exampleAgent, readAgents, ShownAgent } from '../agents/agents.ts'
import { callsTag } from './calls.ts'

const path = '/api/v1/tenants/:tenant_id/groups/:group_id/services/call_agents/'

const source: RowSource<ShownAgent> = {
  fields: {
    Agent: ({ agent }) => agent,
    State: ({ state }) => state,
    UnavailableCode: ({ unavailableCode = '' }) => unavailableCode,
    RoutePoint: ({ routePoint = '' }) => routePoint,
  },
  key: ({ agent }) => fold(agent),
}

/** Serves what the agents of a group do now. */
export function addCallAgents(app: FastifyInstance, { reader }: { reader: Reader }): void {
  const fields = Object.keys(source.fields)
  addOperation(app, {
    method: 'GET',
    path,
    id: 'listCallAgents',
    summary: 'List the agents of a group, with what they do now',
    description:
      'Users whose state was ever set, or to whom a call has come. Users set it themselves, as admins do for them, by `agentState` of `users/{user_id}/services/call_centers/`.',
    tag: callsTag,
    permission: 'group.administer',
    query: listParameters(fields, true),
    answer: named(
      'CallAgentList',
      Type.Object({ agents: Type.Array(ShownAgent, { description: 'The agents of this page.' }) }),
      'A page of a list.',
    ),
    example: { response: { agents: [exampleAgent] } },
    async handler(request) {
      const query = readListQuery(queryIn(request), fields, pageSizeMax)
      const site = siteOf(request)
      await requireGroup(reader, site)
      const page = pageOf(await readAgents(reader, groupKeyOf(site.place)), source, query)
      const rows = page.rows.map((agent) => JSON.stringify(agent))
      return pageAnswer(request, { query, page: { ...page, rows } }, { member: 'agents' })
    },
  })
}
