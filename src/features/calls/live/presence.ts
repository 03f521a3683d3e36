import type { FastifyBaseLogger } from 'fastify'
import { type Database, sql } from '../../../database/database.ts'
import type { GroupKey } from '../../../http/place.ts'
import type { RoutePointKey } from '../../route-points/route-point.ts'
import type { Switchboard } from './switchboard.ts'

/** How long a routing system counts as connected after it has last asked. */
export const presenceSecondsMax = 30

/** Between two times that other nodes are told: they take a routing system for gone so much earlier at most. */
const tellMilliseconds = 5_000

/** What other nodes said is looked at for so long, by the clock of each: so far may they differ. */
const rememberedMilliseconds = 600_000

/** Route points, or groups as a whole, that have a routing system. */
export type RoutedKey = RoutePointKey | GroupKey

/** Which route points have a routing system. */
export interface Presence {
  /** A routing system has asked for a route point's calls, or for those of all a group. */
  saw(routed: RoutedKey): void
  isThere(routePoint: RoutePointKey): boolean
  /** Learns what other nodes saw. @throws DatabaseUnavailable */
  learn(): Promise<void>
}

interface PresenceRow {
  tenant_key: string
  group_key: string
  /** '' for all of a group. */
  route_point_key: string
  seen_at: number
}

const savePresence = sql(
  `INSERT INTO routing_presence (tenant_key, group_key, route_point_key, seen_at)
   SELECT tenant_key, group_key, ?, ? FROM groups WHERE tenant_key = ? AND group_key = ?
   ON CONFLICT (tenant_key, group_key, route_point_key) DO UPDATE SET seen_at = excluded.seen_at`,
)
const selectPresence = sql<PresenceRow>(
  'SELECT tenant_key, group_key, route_point_key, seen_at FROM routing_presence WHERE seen_at > ?',
)

function nameOf([tenantKey, groupKey, routePointKey = '']: readonly [
  ...GroupKey,
  string?,
]): string {
  return JSON.stringify([tenantKey, groupKey, routePointKey])
}

/**
 * Knows who routes, on whatever node they ask. Whoever routed before the service was restarted, or the database was away, has as
 * long to come back as it has to ask again.
 */
export function createPresence(
  {
    database,
    logger,
  }: { database: Pick<Database, 'all' | 'write'>; logger: Pick<FastifyBaseLogger, 'warn'> },
  now: () => number = () => performance.now(),
): Presence {
  const seen = new Map<string, number>()
  const toldAt = new Map<string, number>()
  /** What other nodes have said, as they said it: their clocks may differ, so only that it changes is looked at. */
  let told = new Map<string, number>()
  let hasLearnt = false
  let blindUntil = now()
  const isRecent = (at: number) => now() - at < presenceSecondsMax * 1_000

  async function tell([tenantKey, groupKey, routePointKey = '']: readonly [...GroupKey, string?]) {
    // The write may have to wait.
    const seenAt = Date.now()
    try {
      await database.write(
        (transaction) => transaction.run(savePresence, routePointKey, seenAt, tenantKey, groupKey),
        'keys',
      )
    } catch (error) {
      logger.warn({ err: error }, 'other nodes were not told that somebody routes')
    }
  }

  function isKnown(name: string): boolean {
    const at = seen.get(name)
    if (at === undefined) return false
    if (isRecent(at)) return true
    seen.delete(name)
    toldAt.delete(name)
    return false
  }

  return {
    saw(routed) {
      const name = nameOf(routed)
      seen.set(name, now())
      if (now() - (toldAt.get(name) ?? Number.NEGATIVE_INFINITY) < tellMilliseconds) return
      toldAt.set(name, now())
      void tell(routed)
    },
    isThere([tenantKey, groupKey, routePointKey]) {
      return (
        isKnown(nameOf([tenantKey, groupKey, routePointKey])) ||
        isKnown(nameOf([tenantKey, groupKey])) ||
        isRecent(blindUntil)
      )
    },
    async learn() {
      let rows: PresenceRow[]
      try {
        rows = await database.all(selectPresence, Date.now() - rememberedMilliseconds)
      } catch (error) {
        blindUntil = now()
        throw error
      }
      const known = told
      told = new Map(
        rows.map((row) => [
          nameOf([row.tenant_key, row.group_key, row.route_point_key]),
          row.seen_at,
        ]),
      )
      for (const [name, seenAt] of told) {
        // Whoever was there before the first look has been taken for there, and will say so again.
        if (hasLearnt && known.get(name) !== seenAt) seen.set(name, now())
      }
      for (const name of seen.keys()) isKnown(name)
      hasLearnt = true
    },
  }
}

/** How often it is looked whether a routing system has gone. */
const watchMilliseconds = 1_000

/** Tells calls that wait when their routing system comes or goes, until what is returned is called. */
export function watchPresence(board: Switchboard, presence: Presence): () => void {
  const were = new Map<string, boolean>()

  function look(): void {
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
  }

  let isLooking = false
  const timer = setInterval(async () => {
    if (isLooking) return
    isLooking = true
    // Without the database nobody knows, and calls wait on.
    await presence.learn().then(look, () => {})
    isLooking = false
  }, watchMilliseconds)
  timer.unref()
  return () => clearInterval(timer)
}
