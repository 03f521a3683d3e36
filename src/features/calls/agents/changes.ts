import type { Transaction } from '../../../database/database.ts'
import { callCame, callLeft, type SetState } from '../../agents/states.ts'
import { agentOf, type Call } from '../call.ts'
import { tellEvents } from '../events/tell.ts'
import { findAgent } from './agents.ts'

/** Tells a group what one of its agents is from now on. */
export async function tellAgent(transaction: Transaction, agentKey: string): Promise<void> {
  const found = await findAgent(transaction, agentKey)
  if (!found) return
  const { group, agent } = found
  const said = { routePointKey: '', kind: 'agent.changed', at: Date.now(), body: agent }
  await tellEvents(transaction, [{ group, ...said }])
}

/** A call is no longer an agent's. @param after what the route point makes of them, where it does. */
export async function noteLeft(
  transaction: Transaction,
  agentKey: string,
  after?: SetState,
): Promise<void> {
  await callLeft(transaction, agentKey, after)
  await tellAgent(transaction, agentKey)
}

/** What becomes of agents to whom a call has come, or whom it has left, once it is kept so. */
export async function noteAgents(
  transaction: Transaction,
  { before, call }: { before: Call | undefined; call: Call },
): Promise<void> {
  const had = before ? agentOf(before) : null
  const has = agentOf(call)
  if (had === has) return
  const { phase } = call
  const after = phase.name === 'ended' ? phase.ending.agentAfter : undefined
  if (had !== null) await noteLeft(transaction, had, after)
  if (has !== null) {
    await callCame(transaction, has)
    await tellAgent(transaction, has)
  }
}
