import type { SetState } from '../../agents/states.ts'
import type { Turn } from './turn.ts'

/** What the route point makes of an agent whose call is over; undefined for no change. */
export function stateAfterCall(turn: Turn): SetState | undefined {
  if (!turn.world.state || !turn.decide('route_points', 'enableAutomaticStateChangeForAgents')) {
    return undefined
  }
  const state = turn.decide('route_points', 'agentStateAfterCall')
  if (state === undefined) return undefined
  if (state === 'Wrap-Up') return wrapUp(turn)
  const code = state === 'Unavailable' && turn.decide('route_points', 'agentUnavailableCode')
  return { state, unavailableCode: code || null, untilAt: null }
}

/** It has no end of its own where the agent's own time holds: they say when it is over. */
function wrapUp(turn: Turn): SetState {
  const set = { unavailableCode: null, untilAt: null } as const
  if (!turn.decide('route_points', 'overrideAgentWrapUpTime')) return { state: 'Wrap-Up', ...set }
  // With 0 s it is over at once.
  const seconds = turn.decide('route_points', 'wrapUpSeconds')
  return { state: 'Wrap-Up', ...set, untilAt: turn.now + seconds * 1_000 }
}
