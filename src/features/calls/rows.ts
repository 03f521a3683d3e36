import { type Reader, sql, type Transaction } from '../../database/database.ts'
import { isObject } from '../../documents/normalise.ts'
import { LeaseLost } from '../../engines/lease.ts'
import type { RoutePointKey } from '../route-points/route-point.ts'
import { noteAgents, noteLeft } from './agents/changes.ts'
import { agentOf, type Call, isSameKey, type Told } from './call.ts'
import { tellCall, tellLost } from './events/told.ts'
import { isWaiting } from './queue.ts'
import { type Keeping, saveRecord, saveRecordOfDamaged } from './records/record.ts'

/** A row of a call, with what it is found by. */
export interface CallRow {
  tenant_key: string
  call_id: string
  group_key: string
  route_point_key: string
  engine: string
  generation: number
  value: string
}

const columns = 'tenant_key, call_id, group_key, route_point_key, engine, generation, value'
const insertCall = sql(
  `INSERT INTO calls (tenant_key, call_id, group_key, route_point_key, engine, generation, agent_key, is_waiting, value)
   SELECT ?, ?, ?, ?, engine, generation, ?, ?, ? FROM engine_leases WHERE engine = ? AND generation = ?
   ON CONFLICT (tenant_key, call_id) DO NOTHING`,
)
const updateCall = sql(
  `UPDATE calls SET tenant_key = ?, group_key = ?, route_point_key = ?, agent_key = ?, is_waiting = ?, value = ?
   WHERE tenant_key = ? AND call_id = ? AND generation = ?`,
)
const deleteCall = sql('DELETE FROM calls WHERE tenant_key = ? AND call_id = ? AND generation = ?')
const selectGeneration = sql<{ generation: number | null }>(
  'SELECT generation FROM calls WHERE tenant_key = ? AND call_id = ?',
)
const selectCall = sql<CallRow>(`SELECT ${columns} FROM calls WHERE tenant_key = ? AND call_id = ?`)
const selectOfEngine = sql<CallRow>(`SELECT ${columns} FROM calls WHERE engine = ?`)
const selectLease = sql<{ generation: number }>(
  'SELECT generation FROM engine_leases WHERE engine = ?',
)
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
  /** Of its engine's lease: under a later one nothing is written. */
  generation: number
}

async function readGeneration(reader: Reader, engine: string): Promise<number | undefined> {
  return (await reader.get(selectLease, engine))?.generation
}

/** @throws LeaseLost where the call is another node's by now. */
async function saveRow(
  transaction: Transaction,
  { before, call, generation }: Omit<Becoming, 'told'>,
): Promise<void> {
  const { routePoint, phase, engine, id } = call
  const [tenantKey, ...others] = routePoint
  const beforeKey = [before?.routePoint[0] ?? tenantKey, id]
  const isGone = phase.name === 'ended' && phase.ending.isGone
  const values = () => [agentOf(call), Number(isWaiting(call)), JSON.stringify(call)]
  let count = 0
  if (before && isGone) count = await transaction.run(deleteCall, ...beforeKey, generation)
  else if (before) {
    count = await transaction.run(updateCall, ...routePoint, ...values(), ...beforeKey, generation)
  } else if (!isGone) {
    const insertion = [tenantKey, id, ...others, ...values(), engine, generation]
    count = await transaction.run(insertCall, ...insertion)
  }
  if (count > 0 || (isGone && !before)) return
  // A write whose answer was lost is done again: what is there already was written by it, and what is gone was removed by it. Or
  // else by whoever has the lease by now.
  const row = await transaction.get(selectGeneration, tenantKey, id)
  const isOurs = row ? row.generation === generation : isGone
  if (!isOurs || (await readGeneration(transaction, engine)) !== generation) throw new LeaseLost()
}

/**
 * Keeps a call as it has become, and tells it. It is recorded when it ends, and its row goes when the engine has let go of the caller.
 *
 * @throws LeaseLost where the call is another node's by now.
 */
export async function saveCall(
  transaction: Transaction,
  becoming: Becoming,
  keeping: Keeping,
): Promise<void> {
  const { before, call, told } = becoming
  const { phase } = call
  await saveRow(transaction, becoming)
  if (phase.name === 'ended' && before?.phase.name !== 'ended') {
    await saveRecord(transaction, call, { ending: phase.ending, keeping })
  }
  await tellCall(transaction, told)
  await noteAgents(transaction, { before, call })
}

/** A call that nobody can treat any more; whoever finds its caller treats them as one who has just come. */
export interface LostCall {
  routePoint: RoutePointKey
  id: string
  why: string
  generation: number
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
      const { call_id: id, generation } = row
      damaged.push({ routePoint: routePointOf(row), id, why, generation })
    }
  }
  return { calls, damaged }
}

/** The calls that an engine carries. */
export async function readCallsOfEngine(reader: Reader, engine: string) {
  return read(await reader.all(selectOfEngine, engine))
}

async function findRow(
  reader: Reader,
  routePoint: RoutePointKey,
  callId: string,
): Promise<CallRow | undefined> {
  const row = await reader.get(selectCall, routePoint[0], callId)
  return row && isSameKey(routePoint, routePointOf(row)) ? row : undefined
}

/** A call at a route point; undefined where there is none that is not over. */
export async function findCall(
  reader: Reader,
  routePoint: RoutePointKey,
  callId: string,
): Promise<Call | undefined> {
  const row = await findRow(reader, routePoint, callId)
  const call = row && callIn(row)
  return call?.phase.name === 'ended' ? undefined : call
}

/** Whether a call is kept as it has become by a write whose answer was lost. */
export async function isKept(reader: Reader, { call }: Pick<Becoming, 'call'>): Promise<boolean> {
  const { phase, routePoint, id } = call
  const row = await reader.get(selectCall, routePoint[0], id)
  if (phase.name === 'ended' && phase.ending.isGone) return row === undefined
  return row?.value === JSON.stringify(call)
}

/** The engine of a call at a route point; undefined where there is no such call that is not over. */
export async function engineOfCall(
  reader: Reader,
  routePoint: RoutePointKey,
  callId: string,
): Promise<string | undefined> {
  const row = await findRow(reader, routePoint, callId)
  return row && callIn(row)?.phase.name !== 'ended' ? row.engine : undefined
}

const countWaiting = sql<{ engine: string; waiting: number }>(
  `SELECT engine, count(*) AS waiting FROM calls
   WHERE tenant_key = ? AND group_key = ? AND route_point_key = ? AND is_waiting = 1 GROUP BY engine`,
)

/** How many calls wait at a route point that other engines carry than these. */
export async function countWaitingElsewhere(
  reader: Reader,
  routePoint: RoutePointKey,
  engines: readonly string[],
): Promise<number> {
  const rows = await reader.all(countWaiting, ...routePoint)
  return rows
    .filter(({ engine }) => !engines.includes(engine))
    .reduce((sum, { waiting }) => sum + waiting, 0)
}

/** The calls in some rows that are not over. */
export function callsIn(rows: readonly CallRow[]): Call[] {
  return read(rows).calls.filter(({ phase }) => phase.name !== 'ended')
}

/** The calls of a route point that are not over, in no order. */
export async function readCallsOf(reader: Reader, routePoint: RoutePointKey): Promise<Call[]> {
  return callsIn(await reader.all(selectOfRoutePoint, ...routePoint))
}

/** Records a call that nobody can treat as failed, and forgets it; not where somebody treats it all the same by now. */
export async function recordLost(
  transaction: Transaction,
  lost: LostCall,
  { now, keeping }: { now: number; keeping: Keeping },
): Promise<void> {
  const { routePoint, id, why: reason, generation, call } = lost
  if ((await transaction.run(deleteCall, routePoint[0], id, generation)) === 0) return
  const outcome = 'failed'
  const ending = { outcome, reason, at: now, dispositionCodes: [] } as const
  const damaged = { callId: id, endedAt: now, outcome, reason } as const
  const isNew = call
    ? await saveRecord(transaction, call, { ending, keeping })
    : await saveRecordOfDamaged(transaction, routePoint, damaged)
  // Its row may still have been there though its end was told.
  if (isNew) await tellLost(transaction, lost, ending)
  const agent = call ? agentOf(call) : null
  if (agent !== null) await noteLeft(transaction, agent)
}
