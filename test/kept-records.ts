import { randomUUIDv7 } from 'node:crypto'
import { type Database, sql } from '../src/database/database.ts'
import { newCall, type Outcome } from '../src/features/calls/call.ts'
import { saveRecord } from '../src/features/calls/records/record.ts'
import type { RoutePointKey } from '../src/features/route-points/route-point.ts'

/** The furnished route point, as rows name it. */
export const hotlineKey = ['footenant', 'foogroup', 'apiotestrp@sip.netaxis.be'] as const

/** A call that has ended, in what tests care for. */
export interface Past {
  endedAt: number
  callId?: string
  outcome?: Outcome
  dnis?: string
  /** Who took it; nobody without it. */
  agent?: string
  number?: string
  name?: string
  codes?: readonly { level: 'CallCenter' | 'Group' | 'Enterprise'; code: string }[]
  isBounced?: boolean
  /** Milliseconds; it never waited without them. */
  waited?: number
  /** Milliseconds that it was spoken where somebody took it. */
  talked?: number
}

/** A past call as it is asked for among the calls themselves. */
function callOf(routePoint: RoutePointKey, past: Past) {
  const { endedAt, callId = randomUUIDv7(), dnis = null, agent, waited, talked = 0 } = past
  const { number = '+3225550100', name = 'Anna', isBounced = false } = past
  const isTaken = agent !== undefined
  const takenAt = endedAt - (isTaken ? talked : 0)
  const waitingSince = waited === undefined ? null : takenAt - waited
  const arrivedAt = waitingSince ?? takenAt
  const known = { id: callId, engine: 'test', leg: 'leg', dialled: '+3225126780', arrivedAt }
  const call = newCall({ ...known, caller: { name, number }, routePoint, dnis }, 1)
  const taken = isTaken ? { agent: agent.toLowerCase(), at: takenAt, whom: { agent } } : null
  return { ...call, waitingSince, taken, isBounced, offers: Number(isTaken) }
}

/** Keeps calls that have ended as the service does. */
export async function keepRecords(
  database: Database,
  routePoint: RoutePointKey,
  pasts: readonly Past[],
): Promise<void> {
  await database.write(async (transaction) => {
    for (const past of pasts) {
      const { endedAt: at, outcome = 'answered', codes: dispositionCodes = [] } = past
      const ending = { outcome, reason: 'The caller hung up.', at, dispositionCodes }
      const keeping = { callerDigitsMasked: 0 }
      await saveRecord(transaction, callOf(routePoint, past), { ending, keeping })
    }
  }, 'keys')
}

/**
 * Keeps so many bare records at once, which ended at 1, 2, 3 … milliseconds and are called `many-1` and so on; one of them may have
 * failed.
 */
export async function fillRecords(
  database: Database,
  routePoint: RoutePointKey,
  { count, failed = 0, reason = '' }: { count: number; failed?: number; reason?: string },
): Promise<void> {
  const numbers = `WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${count})`
  const id = "'many-' || CAST(i AS TEXT)"
  const rest = JSON.stringify({ endedAt: 1, outcome: 'answered', reason }).slice(1)
  const insert = sql(
    `INSERT INTO call_records (tenant_key, call_id, group_key, route_point_key, ended_at, outcome, caller_number, value)
     ${numbers} SELECT ?, ${id}, ?, ?, i, CASE WHEN i = ${failed} THEN 'failed' ELSE 'answered' END, '+325',
       '{"callId":"' || ${id} || '",${rest}' FROM numbers`,
  )
  await database.write((transaction) => transaction.run(insert, ...routePoint))
}
