import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Reader, sql } from '../../../database/database.ts'
import type { GroupKey } from '../../../http/place.ts'
import { type CallRow, callsIn } from '../rows.ts'
import { showCalls } from '../shown.ts'
import type { StandingCall } from './event.ts'

// One statement, so that all is as it is at one moment.
const selectStanding = sql<CallRow & { position: number }>(
  `SELECT tenant_key, call_id, group_key, route_point_key, value, 0 AS position
   FROM calls WHERE tenant_key = ? AND group_key = ?
   UNION ALL
   SELECT '', '', '', '', '', position
   FROM call_events WHERE tenant_key = ? AND group_key = ? AND position > ?`,
)

/** The calls that there are at one moment. */
export interface Standing {
  calls: StandingCall[]
  /** Events above the position that was asked for which they already show, by their positions, in order. */
  shown: number[]
}

/**
 * Reads the calls of a group in the order in which they are shown, route point by route point.
 *
 * @param after a position up to which all events are shown: one that is final.
 * @param isChosen which route points are looked at.
 */
export async function readStanding(
  reader: Reader,
  group: GroupKey,
  { after, isChosen }: { after: number; isChosen: (routePointKey: string) => boolean },
): Promise<Standing> {
  const all = await reader.all(selectStanding, ...group, ...group, after)
  const shown = all.flatMap(({ position }) => (position > 0 ? [position] : []))
  const rows = all.filter((row) => row.position === 0 && isChosen(row.route_point_key))
  const byRoutePoint = Map.groupBy(rows, ({ route_point_key }) => route_point_key)
  const calls: StandingCall[] = []
  for (const [routePoint, own] of [...byRoutePoint].sort(([one], [other]) =>
    one < other ? -1 : 1,
  )) {
    await nextTurn()
    for (const call of showCalls(callsIn(own))) calls.push({ routePoint, ...call })
  }
  return { calls, shown: shown.sort((one, other) => one - other) }
}
