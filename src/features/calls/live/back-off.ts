/** An agent whose telephone fails at once is not rung again in a fast loop. */
const secondsMax = 32

/** Failures that are remembered; with one more all are forgotten. */
const agentsMax = 10_000

/** Since when agents fail, and when they can be tried again. */
export interface BackOff {
  /** An offer to the agent has failed by itself, not by time. */
  failed(agentKey: string): void
  succeeded(agentKey: string): void
  /** Seconds until the agent can be offered a call again; 0 for now. */
  secondsLeft(agentKey: string): number
}

export function createBackOff(now: () => number = () => performance.now()): BackOff {
  const agents = new Map<string, { seconds: number; until: number }>()
  return {
    failed(agentKey) {
      const known = agents.get(agentKey)
      const seconds = Math.min(known ? 2 * known.seconds : 1, secondsMax)
      if (agents.size >= agentsMax) agents.clear()
      agents.set(agentKey, { seconds, until: now() + seconds * 1_000 })
    },
    succeeded(agentKey) {
      agents.delete(agentKey)
    },
    secondsLeft(agentKey) {
      const left = (agents.get(agentKey)?.until ?? 0) - now()
      return Math.max(Math.ceil(left / 1_000), 0)
    },
  }
}
