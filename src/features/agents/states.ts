import { type Reader, sql, type Transaction } from '../../database/database.ts'
import type { MemberKey } from '../../http/place.ts'

/** What can be set of an agent. */
export const settableStates = ['Available', 'Unavailable', 'Wrap-Up'] as const
export type SettableState = (typeof settableStates)[number]

/** With what follows from a call that rings at them, or in which they speak. */
export const agentStates = [...settableStates, 'On-Call'] as const

/** Why an agent is unavailable has at most as many characters. */
export const unavailableCodeMax = 10

/** What is set of an agent. */
export interface SetState {
  state: SettableState
  /** Of `Unavailable`. */
  unavailableCode: string | null
  /** Milliseconds since 1970, as all moments here; null without an end. */
  untilAt: number | null
}

/** An agent as answers show them. */
export interface AgentState {
  state: (typeof agentStates)[number]
  /** What they are when the call has left them. */
  nextState?: SettableState
  unavailableCode?: string
  since?: string
  until?: string
}

export interface StateRow {
  /** Null for somebody of whom nothing was ever set, and who never had a call. */
  agent_state: SettableState | null
  unavailable_code: string | null
  since_at: number | null
  until_at: number | null
  called_at: number | null
  /** The call that they have. */
  call_id: string | null
}

export const stateColumns = `states.state AS agent_state, states.unavailable_code, states.since_at, states.until_at,
  states.called_at, agent_calls.call_id`

/** Who has a call has the row of it to themselves. */
export const callJoin = 'LEFT JOIN calls AS agent_calls ON agent_calls.agent_key = users.user_key'

/** Brings `stateColumns` to rows of `users`. */
export const stateJoins = `LEFT JOIN agent_states AS states ON states.tenant_key = users.tenant_key
    AND states.group_key = users.group_key AND states.user_key = users.user_key
  ${callJoin}`

/** What is set at a moment: a wrap-up that is over no longer is. */
function setIn(row: Omit<StateRow, 'call_id'>, now: number): SetState & { sinceAt: number | null } {
  const { agent_state, unavailable_code: unavailableCode, since_at, until_at: untilAt } = row
  const state = agent_state ?? 'Available'
  if (untilAt === null || untilAt > now)
    return { state, unavailableCode, untilAt, sinceAt: since_at }
  const sinceAt = Math.max(untilAt, since_at ?? 0)
  return { state: 'Available', unavailableCode: null, untilAt: null, sinceAt }
}

function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

/** An agent at a moment, in milliseconds since 1970. */
export function stateOf(row: StateRow, now: number): AgentState {
  const { state, unavailableCode, untilAt, sinceAt } = setIn(row, now)
  const isOnCall = row.call_id !== null
  const since = isOnCall ? row.called_at : sinceAt
  return {
    ...(isOnCall ? { state: 'On-Call', nextState: state } : { state }),
    ...(unavailableCode !== null && { unavailableCode }),
    ...(since !== null && { since: timeOf(since) }),
    ...(untilAt !== null && !isOnCall && { until: timeOf(untilAt) }),
  }
}

const save = sql(
  `INSERT INTO agent_states (tenant_key, group_key, user_key, state, unavailable_code, until_at, since_at)
   VALUES (?, ?, ?, ?, ?, ?, ?)
   ON CONFLICT (tenant_key, group_key, user_key) DO UPDATE SET state = excluded.state,
     unavailable_code = excluded.unavailable_code, until_at = excluded.until_at, since_at = excluded.since_at`,
)

/** Keeps what an agent is from now on. */
export async function setState(
  transaction: Transaction,
  userKey: readonly string[],
  { state, unavailableCode, untilAt }: SetState,
): Promise<void> {
  await transaction.run(save, ...userKey, state, unavailableCode, untilAt, Date.now())
}

const noteCall = sql(
  `INSERT INTO agent_states (tenant_key, group_key, user_key, state, called_at)
   SELECT tenant_key, group_key, user_key, 'Available', ? FROM users WHERE user_key = ?
   ON CONFLICT (tenant_key, group_key, user_key) DO UPDATE SET called_at = excluded.called_at`,
)

/**
 * A call has come to an agent. The row that says whether it may is written, so that of two writes at the same moment, this and one
 * that makes the agent unavailable, the second sees what the first has done.
 */
export async function callCame(transaction: Transaction, agentKey: string): Promise<void> {
  await transaction.run(noteCall, Date.now(), agentKey)
}

type KeptRow = Omit<StateRow, 'call_id'> & {
  tenant_key: string
  group_key: string
  user_key: string
}

const selectKept = sql<KeptRow>(
  `SELECT users.tenant_key, users.group_key, users.user_key, states.state AS agent_state, states.unavailable_code,
     states.since_at, states.until_at, states.called_at
   FROM users LEFT JOIN agent_states AS states ON states.tenant_key = users.tenant_key
     AND states.group_key = users.group_key AND states.user_key = users.user_key
   WHERE users.user_key = ?`,
)

/**
 * A call has left an agent: what they are begins now. Who has become unavailable during the call stays so.
 *
 * @param after what the route point says that agents are after a call; undefined for no change.
 */
export async function callLeft(
  transaction: Transaction,
  agentKey: string,
  after: SetState | undefined,
): Promise<void> {
  const row = await transaction.get(selectKept, agentKey)
  // They were deleted while they spoke.
  if (!row) return
  const kept = setIn(row, Date.now())
  const userKey: MemberKey = [row.tenant_key, row.group_key, row.user_key]
  await setState(transaction, userKey, after && kept.state !== 'Unavailable' ? after : kept)
}

/** What is set of an agent, and whether they have a call; undefined where there is no such user. */
export interface Reached {
  set: SetState
  callId: string | null
}

const selectReached = sql<StateRow>(
  `SELECT ${stateColumns} FROM users ${stateJoins} WHERE users.user_key = ?`,
)

/** What stands against a call for an agent. */
export async function readReached(reader: Reader, agentKey: string): Promise<Reached | undefined> {
  const row = await reader.get(selectReached, agentKey)
  return row && { set: setIn(row, Date.now()), callId: row.call_id }
}
