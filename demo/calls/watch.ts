import { type Database, sql } from '../../src/database/database.ts'
import type { Outcome } from '../../src/features/calls/call.ts'
import type { ShownCall } from '../../src/features/calls/shown.ts'

/** A call that is over, as its record tells. */
export interface EndedCall {
  callId: string
  caller: ShownCall['caller']
  dnis: string | null
  /** Milliseconds since 1970. */
  arrivedAt: number
  endedAt: number
  agent: string | null
  outcome: Outcome
  reason: string
}

/** What there is of calls at one moment. */
export interface Seen {
  at: number
  calls: readonly ShownCall[]
  /** Every call that has ended, oldest first. */
  ended: readonly EndedCall[]
}

const selectEnded = sql<{ value: string }>(
  'SELECT value FROM call_records ORDER BY ended_at, call_id',
)

/** Looks at calls as a client does, and at the records of those that are over, which the API does not show yet. */
export async function lookAt(
  database: Database,
  { url, token }: { url: string; token: string },
): Promise<Seen> {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
  if (!answer.ok) throw new Error(`${url}: ${await answer.text()}`)
  const { calls } = (await answer.json()) as { calls: ShownCall[] }
  const rows = await database.all(selectEnded)
  return { at: Date.now(), calls, ended: rows.map(({ value }) => JSON.parse(value)) }
}
