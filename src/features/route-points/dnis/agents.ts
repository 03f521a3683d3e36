import Type, { type Static } from 'typebox'
import type { Api } from '../../../api.ts'
import { named } from '../../../documents/vocabulary.ts'
import { addOperation } from '../../../http/operation.ts'
import { queryIn } from '../../../http/query.ts'
import { listParameters, pageAnswer, readListQuery } from '../../../resources/query.ts'
import { fieldsOf } from '../../../resources/resource.ts'
import { mapInTurns } from '../../../resources/turns.ts'
import { users } from '../../users/users.ts'
import type { RoutePointBackend } from '../backend.ts'
import { dnisKeyOf, routePointPath } from '../route-point.ts'
import { dnisTag } from './dnis.ts'

const Department = Type.Object({
  tenantId: Type.String({ description: 'The tenant’s.' }),
  groupId: Type.String({ description: 'The group’s.' }),
  departmentName: Type.String({ description: 'Its name, exactly.' }),
  fullPathName: Type.String({ description: 'From the topmost level down, as in `A \\ B`.' }),
})

const Agent = named(
  'Agent',
  Type.Object({
    userId: Type.String({ description: 'Id of the user.' }),
    firstName: Type.String({ description: 'First name.' }),
    lastName: Type.String({ description: 'Last name.' }),
    phoneNumber: Type.String({ description: "'' when there is none." }),
    extension: Type.String({ description: "'' when there is none." }),
    department: Type.Union([Department, Type.Literal('')], {
      description: "'' when there is none.",
    }),
    emailAddress: Type.String({ description: "'' when there is none." }),
  }),
  'A user who calls out with a DNIS.',
)

/** A user who calls out with a DNIS. */
export type Agent = Static<typeof Agent>

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
export function addAgents({ app }: Api, backend: RoutePointBackend): void {
  const answer = named(
    'AgentList',
    Type.Object({ agents: Type.Array(Agent, { description: 'The agents of this page.' }) }),
    'A page of a list.',
  )
  const fields = Object.keys(fieldsOf(users))
  addOperation(app, {
    method: 'GET',
    path: `${routePointPath}dnis/:instance_name/agents/`,
    id: 'listAgents',
    summary: 'List the agents who call out with a DNIS',
    tag: dnisTag,
    permission: 'group.administer',
    query: listParameters(fields, false),
    answer,
    example: { response: example },
    async handler(request) {
      const parameters = queryIn(request)
      const query = readListQuery(parameters, fields, undefined)
      const page = await backend.agents(dnisKeyOf(request), query)
      const items = await mapInTurns(page.rows, (agent) => JSON.stringify(agent))
      return pageAnswer(request, { query, page: { ...page, rows: items } }, { member: 'agents' })
    },
  })
}
