import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Reader, sql } from '../../../database/database.ts'
import type { GroupKey } from '../../../http/place.ts'
import {
  type AgentRow,
  agentColumns,
  agentsOfGroup,
  type ShownAgent,
  shownIn,
} from '../agents/agents.ts'
import { type CallRow, callsIn } from '../rows.ts'
import { showCalls } from '../shown.ts'
import type { StandingCall } from './event.ts'

/** One of three: an agent has a `user_id`, an event a `position` above 0, and a call neither. */
type StandingRow = Omit<AgentRow, 'user_id' | 'call_id'> &
  CallRow & { user_id: string | null; position: number }

// One statement, so that all is as it is at one moment. The agents stand first: of what the others lack the types are theirs.
const selectStanding = sql<StandingRow>(
  `SELECT ${agentColumns}, '' AS route_point_key, '' AS value, 0 AS position
   FROM ${agentsOfGroup}
   UNION ALL
   SELECT NULL, tenant_key, group_key, NULL, NULL, NULL, NULL, NULL, call_id, NULL, NULL, route_point_key, value, 0
   FROM calls WHERE tenant_key = ? AND group_key = ?
   UNION ALL
   SELECT NULL, '', '', NULL, NULL, NULL, NULL, NULL, '', NULL, NULL, '', '', position
   FROM call_events WHERE tenant_key = ? AND group_key = ? AND position > ?`,
)

/** The calls and agents that there are at one moment. */
export interface Standing {
  calls: StandingCall[]
  agents: ShownAgent[]
  /** Events above the position that was asked for which they already show, by their positions, in order. */
  shown: number[]
}

/**
 * Reads the calls of a group in the order in which they are shown, route point by route point, and its agents by their ids.
 *
 * @param after a position up to which all events are shown: one that is final.
 * @param isChosen which route points are looked at.
 */
export async function readStanding(
  reader: Reader,
  group: GroupKey,
  { after, isChosen }: { after: number; isChosen: (routePointKey: string) => boolean },
): Promise<Standing> {
  const all = await reader.all(selectStanding, ...group, ...group, ...group, after)
  const shown = all.flatMap(({ position }) => (position > 0 ? [position] : []))
  const now = Date.now()
  const agents = all.flatMap(({ user_id, ...row }) =>
    user_id === null ? [] : [shownIn({ user_id, ...row }, now)],
  )
  const rows = all.filter(
    ({ user_id, position, route_point_key: key }) =>
      user_id === null && position === 0 && isChosen(key),
  )
  const byRoutePoint = Map.groupBy(rows, ({ route_point_key }) => route_point_key)
  const calls: StandingCall[] = []
  for (const [routePoint, own] of [...byRoutePoint].sort(([one], [other]) =>
    one < other ? -1 : 1,
  )) {
    await nextTurn()
    for (const call of showCalls(callsIn(own))) calls.push({ routePoint, ...call })
  }
  agents.sort((one, other) => (one.agent < other.agent ? -1 : 1))
  return { calls, agents, shown: shown.sort((one, other) => one - other) }
}
