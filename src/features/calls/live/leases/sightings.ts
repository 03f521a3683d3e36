import type { NodeRow } from './rows.ts'

/** What was seen of other nodes, by one's own monotonic clock: theirs may differ. */
export interface Sightings {
  see(nodes: readonly Pick<NodeRow, 'session' | 'beat'>[]): void
  /** Since its beat last changed; 0 for one that was never seen. */
  silentMilliseconds(session: string): number
  /** Since it was first seen. */
  knownMilliseconds(session: string): number
  /** Notes whether an engine's lease can be taken, and tells since when it can. */
  freeMilliseconds(engine: string, isFree: boolean): number
}

export function createSightings(now: () => number = () => performance.now()): Sightings {
  let sessions = new Map<string, { beat: number; at: number; since: number }>()
  const freeSince = new Map<string, number>()
  return {
    see(nodes) {
      sessions = new Map(
        nodes.map(({ session, beat }) => {
          const known = sessions.get(session)
          const at = known?.beat === beat ? known.at : now()
          return [session, { beat, at, since: known?.since ?? now() }]
        }),
      )
    },
    silentMilliseconds: (session) => now() - (sessions.get(session)?.at ?? now()),
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
