import type { Offer } from '../call.ts'

/** An agent whose telephone fails at once is not rung again in a fast loop. */
const secondsMax = 32

/** Between an offer that was withdrawn and the next to the same. */
export const pauseSeconds = 1

/** Failures that are remembered; with one more all are forgotten. */
const agentsMax = 10_000

/** Whom an offer is made to: an agent, wherever they are called, or a number or address outside. */
export function calledBy({ agent, to }: Pick<Offer, 'agent' | 'to'>): string {
  if (agent !== null || to.kind === 'agent') return `agent ${agent}`
  return to.kind === 'number' ? `number ${to.number}` : `uri ${to.uri}`
}

/** Since when agents fail, and when they, or whatever number is called, can be tried again. */
export interface BackOff {
  /** An offer has failed by itself, not by time. */
  failed(called: string): void
  /** An offer was withdrawn: nobody's telephone is to ring again and again for a moment. */
  withdrawn(called: string): void
  succeeded(called: string): void
  /** Seconds until they can be offered a call again; 0 for now. */
  secondsLeft(called: string): number
}

export function createBackOff(now: () => number = () => performance.now()): BackOff {
  const agents = new Map<string, { seconds: number; until: number }>()
  return {
    failed(called) {
      const known = agents.get(called)
      const seconds = Math.min(known ? 2 * known.seconds : 1, secondsMax)
      if (agents.size >= agentsMax) agents.clear()
      agents.set(called, { seconds, until: now() + seconds * 1_000 })
    },
    withdrawn(called) {
      if (agents.size >= agentsMax) agents.clear()
      const known = agents.get(called)
      // Should it fail next, it is the first time.
      const until = Math.max(known?.until ?? 0, now() + pauseSeconds * 1_000)
      agents.set(called, { seconds: known?.seconds ?? pauseSeconds / 2, until })
    },
    succeeded(called) {
      agents.delete(called)
    },
    secondsLeft(called) {
      const left = (agents.get(called)?.until ?? 0) - now()
      return Math.max(Math.ceil(left / 1_000), 0)
    },
  }
}
