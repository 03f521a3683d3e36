import Type, { type Static } from 'typebox'
import { type Reader, sql } from '../../../database/database.ts'
import { named } from '../../../documents/vocabulary.ts'
import type { GroupKey } from '../../../http/place.ts'
import {
  agentStates,
  callJoin,
  type StateRow,
  settableStates,
  stateColumns,
  stateJoins,
  stateOf,
} from '../../agents/states.ts'

const time = (description: string) =>
  Type.Optional(Type.String({ format: 'date-time', description }))

/** An agent as routing systems see them. */
export const ShownAgent = named(
  'CallAgent',
  Type.Object({
    agent: Type.String({ description: 'Id of the user.' }),
    state: Type.Enum([...agentStates], {
      description:
        '`Available` agents can be offered a call; `On-Call` ones have one, which rings or in which they speak.',
    }),
    nextState: Type.Optional(
      Type.Enum([...settableStates], {
        description: 'Of `On-Call`: what is set for when the call is over.',
      }),
    ),
    unavailableCode: Type.Optional(
      Type.String({ description: 'Why they are unavailable, or will be.' }),
    ),
    since: time('Since when they are so; absent where nothing was ever set and no call came.'),
    until: time('When a wrap-up ends by itself: from then on they are `Available`.'),
    callId: Type.Optional(
      Type.String({ description: 'Of the call that they have, where it is one of the group’s.' }),
    ),
    routePoint: Type.Optional(
      Type.String({ description: 'Id of the route point of that call, in lower case.' }),
    ),
  }),
  'An agent, and what they do.',
)

export type ShownAgent = Static<typeof ShownAgent>

/** An agent with their state and their call. */
export interface AgentRow extends StateRow {
  user_id: string
  tenant_key: string
  group_key: string
  call_group_key: string | null
  call_route_point_key: string | null
}

/** What `shownIn()` takes, in this order. */
export const agentColumns = `users.user_id, users.tenant_key, users.group_key, ${stateColumns}, agent_calls.group_key AS call_group_key,
  agent_calls.route_point_key AS call_route_point_key`

/** An agent as they are shown at a moment, in milliseconds since 1970. */
export function shownIn(row: AgentRow, now: number): ShownAgent {
  const { user_id: agent, group_key, call_id, call_group_key, call_route_point_key } = row
  // Of calls of another group nothing is told but that there is one.
  const isOwn = call_group_key === group_key && call_id !== null && call_route_point_key !== null
  const call = isOwn && { callId: call_id, routePoint: call_route_point_key }
  return { agent, ...stateOf(row, now), ...call }
}

/** Users of a group whose state was ever set, or to whom a call has come. */
export const agentsOfGroup = `agent_states AS states
   JOIN users ON users.tenant_key = states.tenant_key AND users.group_key = states.group_key
     AND users.user_key = states.user_key
   ${callJoin}
   WHERE states.tenant_key = ? AND states.group_key = ?`

const selectAgents = sql<AgentRow>(`SELECT ${agentColumns} FROM ${agentsOfGroup}`)

/** The agents of a group, in no order. */
export async function readAgents(reader: Reader, group: GroupKey): Promise<ShownAgent[]> {
  const now = Date.now()
  return (await reader.all(selectAgents, ...group)).map((row) => shownIn(row, now))
}

const selectAgent = sql<AgentRow>(
  `SELECT ${agentColumns} FROM users ${stateJoins} WHERE users.user_key = ?`,
)

/** An agent, and the group whose they are; undefined where there is no such user. */
export async function findAgent(
  reader: Reader,
  agentKey: string,
): Promise<{ group: GroupKey; agent: ShownAgent } | undefined> {
  const row = await reader.get(selectAgent, agentKey)
  return row && { group: [row.tenant_key, row.group_key], agent: shownIn(row, Date.now()) }
}

/** An agent as OpenAPI shows them. */
export const exampleAgent: ShownAgent = {
  agent: 'ApioUserTest1@sip.netaxis.be',
  state: 'Unavailable',
  unavailableCode: 'LUNCH',
  since: '2026-11-29T11:30:00.000Z',
}
