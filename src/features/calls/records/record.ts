import { sql, type Transaction } from '../../../database/database.ts'
import type { RoutePointKey } from '../../route-points/route-point.ts'
import type { Call, Ending, Outcome } from '../call.ts'

// A write whose answer was lost is done again: what is there already was written by it. What is left of a group that was deleted
// while its calls went on is not kept.
const insert = sql(
  `INSERT INTO call_records (tenant_key, call_id, group_key, route_point_key, ended_at, outcome, value)
   SELECT tenant_key, ?, group_key, ?, ?, ?, ? FROM groups WHERE tenant_key = ? AND group_key = ?
   ON CONFLICT (tenant_key, call_id) DO NOTHING`,
)

/** What is kept of a call that is over. */
export function recordOf(
  call: Call,
  { outcome, reason, at, dispositionCodes }: Omit<Ending, 'cause' | 'isGone'>,
): object {
  const { id, caller, dialled, dnis, arrivedAt, waitingSince, taken, hops, offers, isBounced } =
    call
  return {
    callId: id,
    caller,
    dialled,
    dnis,
    arrivedAt,
    waitingSince,
    answeredAt: taken?.at ?? null,
    agent: taken?.agent ?? null,
    endedAt: at,
    outcome,
    reason,
    hops,
    offers,
    isBounced,
    dispositionCodes,
  }
}

/** A record in the making. */
interface NewRecord {
  routePoint: RoutePointKey
  callId: string
  endedAt: number
  outcome: Outcome
  value: object
}

/** Keeps what is known of a call that is over, unless it is kept already. @returns whether it was not. */
export async function insertRecord(
  transaction: Transaction,
  { routePoint, callId, endedAt, outcome, value }: NewRecord,
): Promise<boolean> {
  const [tenantKey, groupKey, routePointKey] = routePoint
  const text = JSON.stringify(value)
  const values = [callId, routePointKey, endedAt, outcome, text]
  return (await transaction.run(insert, ...values, tenantKey, groupKey)) > 0
}

/** Records how a call has ended. */
export async function saveRecord(
  transaction: Transaction,
  call: Call,
  ending: Ending,
): Promise<void> {
  const { at: endedAt, outcome } = ending
  const value = recordOf(call, ending)
  await insertRecord(transaction, {
    routePoint: call.routePoint,
    callId: call.id,
    endedAt,
    outcome,
    value,
  })
}
