import type { RoutePointKey } from '../../route-points/route-point.ts'
import type { Switchboard } from './switchboard.ts'

/** How long a routing system counts as connected after it has last asked. */
export const presenceSecondsMax = 30

/** Which route points have a routing system. */
export interface Presence {
  /** A routing system has asked for a route point's calls. */
  saw(routePoint: RoutePointKey): void
  isThere(routePoint: RoutePointKey): boolean
}

/** Whoever routed before the service was restarted has as long to come back as it has to ask again. */
export function createPresence(now: () => number = () => performance.now()): Presence {
  const seen = new Map<string, number>()
  const startedAt = now()
  const isRecent = (at: number) => now() - at < presenceSecondsMax * 1_000
  return {
    saw(routePoint) {
      seen.set(JSON.stringify(routePoint), now())
    },
    isThere(routePoint) {
      const name = JSON.stringify(routePoint)
      const at = seen.get(name)
      if (at !== undefined && !isRecent(at)) seen.delete(name)
      return isRecent(Math.max(at ?? startedAt, startedAt))
    },
  }
}

/** How often it is looked whether a routing system has gone. */
const watchMilliseconds = 1_000

/** Tells calls that wait when their routing system comes or goes, until what is returned is called. */
export function watchPresence(board: Switchboard, presence: Presence): () => void {
  const were = new Map<string, boolean>()
  const timer = setInterval(() => {
    const waiting = new Map(
      board.waiting.map(({ routePoint }) => [JSON.stringify(routePoint), routePoint]),
    )
    for (const name of were.keys()) if (!waiting.has(name)) were.delete(name)
    for (const [name, routePoint] of waiting) {
      const isThere = presence.isThere(routePoint)
      // Calls have begun to wait since: one look more is no harm.
      if ((were.get(name) ?? true) !== isThere) board.routingChanged(routePoint)
      were.set(name, isThere)
    }
  }, watchMilliseconds)
  timer.unref()
  return () => clearInterval(timer)
}
