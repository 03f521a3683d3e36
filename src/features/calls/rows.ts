import { type Reader, sql, type Transaction } from '../../database/database.ts'
import { isObject } from '../../documents/normalise.ts'
import type { RoutePointKey } from '../route-points/route-point.ts'
import { noteAgents, noteLeft } from './agents/changes.ts'
import { agentOf, type Call, isSameKey, type Told } from './call.ts'
import { tellCall, tellLost } from './events/told.ts'
import { type Keeping, saveRecord, saveRecordOfDamaged } from './records/record.ts'

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
const selectCall = sql<CallRow>(`SELECT ${columns} FROM calls WHERE tenant_key = ? AND call_id = ?`)
const selectOfEngine = sql<CallRow>(`SELECT ${columns} FROM calls WHERE engine = ?`)
const selectEngines = sql<{ engine: string }>('SELECT DISTINCT engine FROM calls')
const selectOfRoutePoint = sql<CallRow>(
  `SELECT ${columns} FROM calls
   WHERE tenant_key = ? AND group_key = ? AND route_point_key = ?`,
)

/** What has become of a call. */
export interface Becoming {
  /** Undefined for a call that has just come. */
  before: Call | undefined
  call: Call
  told: readonly Told[]
}

async function saveRow(
  transaction: Transaction,
  { before, call }: Pick<Becoming, 'before' | 'call'>,
): Promise<void> {
  const { phase, routePoint } = call
  if (phase.name === 'ended' && phase.ending.isGone) {
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

/** Keeps a call as it has become, and tells it. It is recorded when it ends, and its row goes when the engine has let go of the caller. */
export async function saveCall(
  transaction: Transaction,
  { before, call, told }: Becoming,
  keeping: Keeping,
): Promise<void> {
  const { phase } = call
  if (phase.name === 'ended' && before?.phase.name !== 'ended') {
    await saveRecord(transaction, call, { ending: phase.ending, keeping })
  }
  await tellCall(transaction, told)
  await saveRow(transaction, { before, call })
  await noteAgents(transaction, { before, call })
}

/** A call that nobody can treat any more; whoever finds its caller treats them as one who has just come. */
export interface LostCall {
  routePoint: RoutePointKey
  id: string
  why: string
  /** Undefined where its row no longer tells. */
  call?: Call
}

/** What other parts of a call rest on, by the names of its phases. */
const partsOfPhases: Record<string, (phase: Record<string, unknown>) => boolean> = {
  arriving: () => true,
  announced: () => true,
  waiting: () => true,
  offered: ({ offer }) => isObject(offer) && typeof offer.leg === 'string' && isObject(offer.to),
  leaving: ({ destination }) => typeof destination === 'string',
  forwarded: ({ leg }) => typeof leg === 'string',
  connected: ({ leg, bridge }) => typeof leg === 'string' && typeof bridge === 'string',
  overflowed: () => true,
  ended: ({ ending }) => isObject(ending),
}

const routePointOf = (row: CallRow) => [row.tenant_key, row.group_key, row.route_point_key] as const

/** Whether a row holds a call as we write it, so that one that does not harms no other. */
function isCallOf(row: CallRow, call: unknown): boolean {
  if (!isObject(call) || !isObject(call.phase) || !isObject(call.timers)) return false
  const { id, leg, engine, phase, timers, arrivedAt, routePoint, caller, hearing, stopped } = call
  return (
    id === row.call_id &&
    typeof leg === 'string' &&
    typeof engine === 'string' &&
    Number.isSafeInteger(arrivedAt) &&
    isObject(caller) &&
    isObject(hearing) &&
    Array.isArray(stopped) &&
    Array.isArray(routePoint) &&
    isSameKey(routePoint, routePointOf(row)) &&
    Object.values(timers).every(Number.isSafeInteger) &&
    partsOfPhases[String(phase.name)]?.(phase) === true
  )
}

function callIn(row: CallRow): Call | undefined {
  try {
    const call: unknown = JSON.parse(row.value)
    // The version before told nothing of calls.
    return isCallOf(row, call) ? Object.assign({ told: 0 }, call as Call) : undefined
  } catch {
    return undefined
  }
}

function read(rows: readonly CallRow[]): { calls: Call[]; damaged: LostCall[] } {
  const calls: Call[] = []
  const damaged: LostCall[] = []
  for (const row of rows) {
    const call = callIn(row)
    if (call) calls.push(call)
    else {
      const why = 'What was kept of it was damaged.'
      damaged.push({ routePoint: routePointOf(row), id: row.call_id, why })
    }
  }
  return { calls, damaged }
}

/** The calls that an engine carries. */
export async function readCallsOfEngine(reader: Reader, engine: string) {
  return read(await reader.all(selectOfEngine, engine))
}

/** The calls that engines carried which are not among these. */
export async function readCallsOfOthers(
  reader: Reader,
  engines: readonly string[],
): Promise<LostCall[]> {
  const lost: LostCall[] = []
  for (const { engine } of await reader.all(selectEngines)) {
    if (engines.includes(engine)) continue
    const { calls, damaged } = await readCallsOfEngine(reader, engine)
    const why = `Its engine '${engine}' is not configured any more.`
    lost.push(...damaged, ...calls.map((call) => ({ ...call, call, why })))
  }
  return lost
}

/** Whether there is a call at a route point that is not over. */
export async function hasCall(
  reader: Reader,
  routePoint: RoutePointKey,
  callId: string,
): Promise<boolean> {
  const row = await reader.get(selectCall, routePoint[0], callId)
  if (!row || !isSameKey(routePoint, routePointOf(row))) return false
  return callIn(row)?.phase.name !== 'ended'
}

/** The calls of a route point that are not over, in no order. */
export async function readCallsOf(reader: Reader, routePoint: RoutePointKey): Promise<Call[]> {
  const { calls } = read(await reader.all(selectOfRoutePoint, ...routePoint))
  return calls.filter(({ phase }) => phase.name !== 'ended')
}

/** Records a call that nobody can treat as failed, and forgets it. */
export async function recordLost(
  transaction: Transaction,
  lost: LostCall,
  { now, keeping }: { now: number; keeping: Keeping },
): Promise<void> {
  const { routePoint, id, why: reason, call } = lost
  const outcome = 'failed'
  const ending = { outcome, reason, at: now, dispositionCodes: [] } as const
  const damaged = { callId: id, endedAt: now, outcome, reason } as const
  const isNew = call
    ? await saveRecord(transaction, call, { ending, keeping })
    : await saveRecordOfDamaged(transaction, routePoint, damaged)
  // Its row may still have been there though its end was told.
  if (isNew) await tellLost(transaction, lost, ending)
  await transaction.run(deleteCall, routePoint[0], id)
  const agent = call ? agentOf(call) : null
  if (agent !== null) await noteLeft(transaction, agent)
}
