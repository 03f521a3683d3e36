import { type Reader, sql } from '../../../database/database.ts'
import { defineLog } from '../../../writes/log.ts'
import { pruneLog } from '../../../writes/prune.ts'

/** An event as it is kept. */
export interface KeptEvent {
  position: number
  /** Null of a group that is no more. */
  tenant_key: string | null
  group_key: string | null
  /** '' of events of the group. */
  route_point_key: string
  kind: string
  value: string
}

/** What happens to calls. Whoever routes waits for it, so it is looked more often than for changes. */
export const callEventsLog = defineLog<KeptEvent>({
  table: 'call_events',
  columns: 'position, tenant_key, group_key, route_point_key, kind, value',
  bytes: 'octet_length(value)',
  bytesOf: ({ value }) => value.length,
  lookMilliseconds: 100,
  restMilliseconds: 10,
  recentMax: { rows: 20_000, bytes: 16_000_000 },
})

const selectEnds = sql<{ first: number | null; last: number | null }>(
  `SELECT (SELECT min(position) FROM call_events) AS first,
     (SELECT max(position) FROM call_events) AS last`,
)

/** Whether all that happened behind a position is kept: it may be too old, or of a database that was brought back from a backup. */
export async function isKeptBehind(reader: Reader, position: number): Promise<boolean> {
  const { first, last } = (await reader.get(selectEnds)) ?? {}
  return position >= (first ?? 1) - 1 && position <= (last ?? 0)
}

export const pruneCallEvents = pruneLog({ table: 'call_events', moment: 'happened_at' })
