import type { NodeRow } from './rows.ts'

/** What was seen of other nodes, by one's own monotonic clock: theirs may differ. */
export interface Sightings {
  see(nodes: readonly Pick<NodeRow, 'session' | 'beat'>[]): void
  /** For how long it was watched without a beat; 0 for one that was never seen. */
  silentMilliseconds(session: string): number
  /** Since it was first seen. */
  knownMilliseconds(session: string): number
  /** Notes whether an engine's lease can be taken, and tells since when it can. */
  freeMilliseconds(engine: string, isFree: boolean): number
}

/** Milliseconds between two looks that are taken for watching; whoever could not look longer has seen nobody be silent meanwhile. */
const watchedMax = 2_000

export function createSightings(now: () => number = () => performance.now()): Sightings {
  let sessions = new Map<string, { beat: number; silent: number; since: number }>()
  const freeSince = new Map<string, number>()
  let lookedAt = now()
  return {
    see(nodes) {
      const watched = Math.min(now() - lookedAt, watchedMax)
      lookedAt = now()
      sessions = new Map(
        nodes.map(({ session, beat }) => {
          const known = sessions.get(session)
          const silent = known?.beat === beat ? known.silent + watched : 0
          return [session, { beat, silent, since: known?.since ?? now() }]
        }),
      )
    },
    silentMilliseconds: (session) => sessions.get(session)?.silent ?? 0,
    knownMilliseconds: (session) => now() - (sessions.get(session)?.since ?? now()),
    freeMilliseconds(engine, isFree) {
      if (!isFree) {
        freeSince.delete(engine)
        return 0
      }
      const since = freeSince.get(engine) ?? now()
      freeSince.set(engine, since)
      return now() - since
    },
  }
}
