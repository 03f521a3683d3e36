import { type Reader, sql, type Transaction } from '../../../database/database.ts'
import type { Party } from '../../../engines/engine.ts'
import type { RoutePointKey } from '../../route-points/route-point.ts'
import type { Call, DispositionCodeReference, Ending, Outcome, Whom } from '../call.ts'
import { maskCaller } from './masks.ts'

/** What of calls is kept as it is configured. */
export interface Keeping {
  /** How many of the last digits of callers' numbers are not kept. */
  callerDigitsMasked: number
}

/** When what happened to a call that is over, in milliseconds since 1970. */
interface Moments {
  arrivedAt?: number
  waitingSince?: number | null
  answeredAt?: number | null
  endedAt: number
}

/** A call that is over as it is kept. Of a call that was damaged hardly anything is known. */
export interface KeptRecord extends Moments {
  callId: string
  caller?: Party
  dialled?: string
  dnis?: string | null
  /** Who took it, as of the user's id as it was written. */
  agent?: string | null
  /** What a routing system gave to reach whoever took it, where it named no agent. */
  destination?: string | null
  outcome: Outcome
  reason: string
  hops?: number
  offers?: number
  isBounced?: boolean
  dispositionCodes?: readonly DispositionCodeReference[]
}

/** What lists and figures look at. */
interface Columns {
  dnis: string
  agentKey: string
  isBounced: boolean
  /** Milliseconds until it was taken or had ended; null where it never waited. */
  wait: number | null
  /** Milliseconds; null where nobody took it. */
  talk: number | null
}

const unknownColumns: Columns = { dnis: '', agentKey: '', isBounced: false, wait: null, talk: null }

/** Up to when figures have been made of the records, in milliseconds since 1970. */
export const figuresUntil = '(SELECT coalesce(max(until_at), 0) FROM call_figures_until)'

/** Milliseconds of the shortest interval that figures are made of. */
export const quarterMilliseconds = 900_000

// A write whose answer was lost is done again: what is there already was written by it. What is left of a group that was deleted
// while its calls went on is not kept. A record that comes after its quarter was counted, by a clock that is hours behind, belongs to
// one that is not yet, so that it is counted too, and once.
const insertOne = sql(
  `INSERT INTO call_records (tenant_key, call_id, group_key, route_point_key, ended_at, outcome, dnis, agent_key, caller_number,
     is_bounced, wait_milliseconds, talk_milliseconds, value)
   SELECT tenant_key, ?, group_key, ?,
     CASE WHEN ? < ${figuresUntil} THEN ${figuresUntil} + ${quarterMilliseconds} ELSE ? END, ?, ?, ?, ?, ?, ?, ?, ?
   FROM groups WHERE tenant_key = ? AND group_key = ?
   ON CONFLICT (tenant_key, call_id) DO NOTHING`,
)

// There is no record where the group is gone.
const insertCode = sql(
  `INSERT INTO call_record_codes (tenant_key, call_id, level, code, group_key, route_point_key, ended_at)
   SELECT tenant_key, call_id, ?, ?, group_key, route_point_key, ended_at FROM call_records
   WHERE tenant_key = ? AND call_id = ?
   ON CONFLICT (tenant_key, call_id, level, code) DO NOTHING`,
)

/** How a call has ended, and how that is kept. */
interface Ended {
  ending: Omit<Ending, 'cause' | 'isGone'>
  keeping: Keeping
}

function recordOf(call: Call, { ending, keeping }: Ended): KeptRecord {
  const { id, caller, dialled, dnis, arrivedAt, waitingSince, taken, hops, offers, isBounced } =
    call
  const { outcome, reason, at, dispositionCodes } = ending
  const whom: Whom = taken?.whom ?? {}
  return {
    callId: id,
    caller: maskCaller(caller, keeping.callerDigitsMasked),
    dialled,
    dnis,
    arrivedAt,
    waitingSince,
    answeredAt: taken?.at ?? null,
    agent: whom.agent ?? null,
    destination: whom.destination ?? null,
    endedAt: at,
    outcome,
    reason,
    hops,
    offers,
    isBounced,
    dispositionCodes,
  }
}

const elapsed = (since: number | null | undefined, until: number) =>
  // A clock that is set back makes nothing of what was.
  since === null || since === undefined ? null : Math.max(0, until - since)

/** How long a call waited and was spoken. */
export function timesOf({
  waitingSince,
  answeredAt,
  endedAt,
}: Moments): Pick<Columns, 'wait' | 'talk'> {
  return { wait: elapsed(waitingSince, answeredAt ?? endedAt), talk: elapsed(answeredAt, endedAt) }
}

function columnsOf({ dnis, taken, isBounced }: Call, record: KeptRecord): Columns {
  const isAgent = taken?.whom?.agent !== undefined
  const agentKey = (isAgent && taken?.agent) || ''
  return { dnis: dnis ?? '', agentKey, isBounced, ...timesOf(record) }
}

/** @returns whether it was not there. */
async function insert(
  transaction: Transaction,
  { routePoint, record, columns }: NewRecord,
): Promise<boolean> {
  const [tenantKey, groupKey, routePointKey] = routePoint
  const { callId, endedAt, outcome, caller, dispositionCodes = [] } = record
  const { dnis, agentKey, isBounced, wait, talk } = columns
  const listed = [outcome, dnis, agentKey, caller?.number ?? '', Number(isBounced), wait, talk]
  const values = [callId, routePointKey, endedAt, endedAt, ...listed, JSON.stringify(record)]
  const isNew = (await transaction.run(insertOne, ...values, tenantKey, groupKey)) > 0
  for (const { level, code } of dispositionCodes) {
    await transaction.run(insertCode, level, code, tenantKey, callId)
  }
  return isNew
}

interface NewRecord {
  routePoint: RoutePointKey
  record: KeptRecord
  columns: Columns
}

/** Keeps how a call has ended, unless that is kept already. @returns whether it was not. */
export async function saveRecord(
  transaction: Transaction,
  call: Call,
  ended: Ended,
): Promise<boolean> {
  const record = recordOf(call, ended)
  const columns = columnsOf(call, record)
  return insert(transaction, { routePoint: call.routePoint, record, columns })
}

/** Keeps that there was a call of which nothing else is known, unless it is kept already. @returns whether it was not. */
export async function saveRecordOfDamaged(
  transaction: Transaction,
  routePoint: RoutePointKey,
  record: Pick<KeptRecord, 'callId' | 'endedAt' | 'outcome' | 'reason'>,
): Promise<boolean> {
  return insert(transaction, { routePoint, record, columns: unknownColumns })
}

const selectOne = sql<{ value: string; agent_key: string }>(
  `SELECT value, agent_key FROM call_records
   WHERE tenant_key = ? AND call_id = ? AND group_key = ? AND route_point_key = ?`,
)

/** A record of a route point, and the key of the agent who took the call; '' where none did. */
export async function readRecord(
  reader: Reader,
  [tenantKey, groupKey, routePointKey]: RoutePointKey,
  callId: string,
): Promise<{ record: KeptRecord; agentKey: string } | undefined> {
  const row = await reader.get(selectOne, tenantKey, callId, groupKey, routePointKey)
  return row && { record: JSON.parse(row.value), agentKey: row.agent_key }
}

const updateValue = sql(
  `UPDATE call_records SET value = ? WHERE tenant_key = ? AND call_id = ? AND ended_at >= ${figuresUntil}`,
)
const deleteCodes = sql('DELETE FROM call_record_codes WHERE tenant_key = ? AND call_id = ?')

/**
 * Replaces the disposition codes of a call that has ended: in its record, and where records are found and counted by them.
 *
 * @returns false where there is no such record, or its call has been counted in figures, which it is two hours after its end.
 */
export async function replaceRecordCodes(
  transaction: Transaction,
  routePoint: RoutePointKey,
  { callId, dispositionCodes }: Required<Pick<KeptRecord, 'callId' | 'dispositionCodes'>>,
): Promise<boolean> {
  const found = await readRecord(transaction, routePoint, callId)
  if (!found) return false
  const [tenantKey] = routePoint
  const text = JSON.stringify({ ...found.record, dispositionCodes })
  if ((await transaction.run(updateValue, text, tenantKey, callId)) === 0) return false
  await transaction.run(deleteCodes, tenantKey, callId)
  for (const { level, code } of dispositionCodes) {
    await transaction.run(insertCode, level, code, tenantKey, callId)
  }
  return true
}
