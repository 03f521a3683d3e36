import { type Reader, sql, type Transaction } from '../../database/database.ts'
import { isObject } from '../../documents/normalise.ts'
import type { RoutePointKey } from '../route-points/route-point.ts'
import type { Call, Ending } from './call.ts'

interface CallRow {
  tenant_key: string
  call_id: string
  group_key: string
  route_point_key: string
  value: string
}

// A write whose answer was lost is done again: what is there already was written by it.
const columns = 'tenant_key, call_id, group_key, route_point_key, value'
const insertCall = sql(
  `INSERT INTO calls (tenant_key, call_id, group_key, route_point_key, engine, agent_key, value)
   VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant_key, call_id) DO NOTHING`,
)
const updateCall = sql(
  `UPDATE calls SET tenant_key = ?, group_key = ?, route_point_key = ?, agent_key = ?, value = ?
   WHERE tenant_key = ? AND call_id = ?`,
)
const deleteCall = sql('DELETE FROM calls WHERE tenant_key = ? AND call_id = ?')
const insertRecord = sql(
  `INSERT INTO call_records (tenant_key, call_id, group_key, route_point_key, ended_at, outcome, value)
   VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant_key, call_id) DO NOTHING`,
)
const selectOfEngine = sql<CallRow>(`SELECT ${columns} FROM calls WHERE engine = ?`)
const selectOfAgent = sql<{ call_id: string }>('SELECT call_id FROM calls WHERE agent_key = ?')
const selectOfRoutePoint = sql<CallRow>(
  `SELECT ${columns} FROM calls
   WHERE tenant_key = ? AND group_key = ? AND route_point_key = ?`,
)

/** Whom a call is offered to or has been taken by, as long as it is. */
export function agentOf({ phase }: Call): string | null {
  if (phase.name === 'offered') return phase.offer.agent
  if (phase.name === 'connected') return phase.offer?.agent ?? null
  return null
}

/** What is kept of a call that is over. */
function recordOf(call: Call, { outcome, reason, at, dispositionCodes }: Ending): object {
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

async function saveRecord(transaction: Transaction, call: Call, ending: Ending): Promise<void> {
  const [tenantKey, ...others] = call.routePoint
  const text = JSON.stringify(recordOf(call, ending))
  const { at, outcome } = ending
  await transaction.run(insertRecord, tenantKey, call.id, ...others, at, outcome, text)
}

/**
 * Keeps a call as it has become. It is recorded when it ends, and its row goes when the engine has let go of the caller.
 *
 * @param before undefined for a call that has just come.
 */
export async function saveCall(
  transaction: Transaction,
  before: Call | undefined,
  call: Call,
): Promise<void> {
  const { phase, routePoint } = call
  const ending = phase.name === 'ended' ? phase.ending : undefined
  if (ending && before?.phase.name !== 'ended') await saveRecord(transaction, call, ending)
  if (ending?.isGone) {
    if (before) await transaction.run(deleteCall, before.routePoint[0], call.id)
    return
  }
  const text = JSON.stringify(call)
  const [tenantKey, ...others] = routePoint
  if (before) {
    const key = [before.routePoint[0], call.id]
    await transaction.run(updateCall, ...routePoint, agentOf(call), text, ...key)
  } else {
    const values = [...others, call.engine, agentOf(call), text]
    await transaction.run(insertCall, tenantKey, call.id, ...values)
  }
}

/** The call that somebody speaks or is rung at by. */
export async function readCallOfAgent(
  reader: Reader,
  agentKey: string,
): Promise<string | undefined> {
  return (await reader.get(selectOfAgent, agentKey))?.call_id
}

/** A call that its row no longer tells: whoever finds it treats its caller as one who has just come. */
export interface DamagedCall {
  routePoint: RoutePointKey
  id: string
}

function callIn({ value }: CallRow): Call | undefined {
  try {
    const call: unknown = JSON.parse(value)
    const isWhole =
      isObject(call) &&
      typeof call.leg === 'string' &&
      isObject(call.phase) &&
      isObject(call.timers)
    // What has its parts was written by us.
    return isWhole ? (call as unknown as Call) : undefined
  } catch {
    return undefined
  }
}

function read(rows: readonly CallRow[]): { calls: Call[]; damaged: DamagedCall[] } {
  const calls: Call[] = []
  const damaged: DamagedCall[] = []
  for (const row of rows) {
    const call = callIn(row)
    if (call) calls.push(call)
    else {
      const routePoint = [row.tenant_key, row.group_key, row.route_point_key] as const
      damaged.push({ routePoint, id: row.call_id })
    }
  }
  return { calls, damaged }
}

/** The calls that an engine carries. */
export async function readCallsOfEngine(reader: Reader, engine: string) {
  return read(await reader.all(selectOfEngine, engine))
}

/** The calls of a route point that are not over, in no order. */
export async function readCallsOf(reader: Reader, routePoint: RoutePointKey): Promise<Call[]> {
  const { calls } = read(await reader.all(selectOfRoutePoint, ...routePoint))
  return calls.filter(({ phase }) => phase.name !== 'ended')
}

/** Records a call that can no longer be read as failed, and forgets it. */
export async function recordDamaged(
  transaction: Transaction,
  { routePoint, id }: DamagedCall,
  now: number,
): Promise<void> {
  const [tenantKey, ...others] = routePoint
  const reason = 'What was kept of it was damaged.'
  const text = JSON.stringify({ callId: id, endedAt: now, outcome: 'failed', reason })
  await transaction.run(insertRecord, tenantKey, id, ...others, now, 'failed', text)
  await transaction.run(deleteCall, tenantKey, id)
}
