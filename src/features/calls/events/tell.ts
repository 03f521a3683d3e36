import { type Statement, sql, type Transaction } from '../../../database/database.ts'
import type { GroupKey } from '../../../http/place.ts'

/** What is to be told to those who follow a group's events. */
export interface NewEvent {
  group: GroupKey
  /** '' for what is the group's. */
  routePointKey: string
  /** Such as `call.queued`. */
  kind: string
  /** Milliseconds since 1970. */
  at: number
  /** What the event says besides its type, its moment and its route point. */
  body: object
  /** Of an event of a call: its number among those of the call. Under one number a kind is told once. */
  ofCall?: { id: string; number: number }
}

/** What is written of one event, where its group is not deleted meanwhile. */
const selectOne = `SELECT tenant_key, group_key, CAST(? AS TEXT), CAST(? AS TEXT), CAST(? AS INTEGER), CAST(? AS BIGINT),
    CAST(? AS TEXT), CAST(? AS TEXT)
  FROM groups WHERE tenant_key = ? AND group_key = ?`

const insertions = new Map<number, Statement<never>>()

/** Adds so many at once. What is told already was told by the same write, whose answer was lost. */
function insertionOf(count: number): Statement<never> {
  const known = insertions.get(count)
  if (known) return known
  const made = sql(
    `INSERT INTO call_events (tenant_key, group_key, route_point_key, call_id, number, happened_at, kind, value)
     ${Array(count).fill(selectOne).join(' UNION ALL ')} ON CONFLICT DO NOTHING`,
  )
  insertions.set(count, made)
  return made
}

/** Tells events, in their order, when the transaction is committed. */
export async function tellEvents(
  transaction: Transaction,
  events: readonly NewEvent[],
): Promise<void> {
  if (events.length === 0) return
  const values = events.flatMap(({ group, routePointKey, kind, at, body, ofCall }) => {
    const routePoint = routePointKey === '' ? {} : { routePoint: routePointKey }
    const value = { type: kind, at: new Date(at).toISOString(), ...routePoint, ...body }
    const { id, number } = ofCall ?? { id: '', number: 0 }
    return [routePointKey, id, number, at, kind, JSON.stringify(value), ...group]
  })
  await transaction.run(insertionOf(events.length), ...values)
}
