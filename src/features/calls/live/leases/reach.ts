/** Milliseconds for which an engine is left to others that was not reached from here. */
const leftMilliseconds = 300_000

/** Which engines are reached from here, and what is left to others since it is not. */
export interface Reach {
  /** An engine is held from now on. */
  begin(engine: string): void
  /** For how long a held engine has not been ready; 0 when it is. */
  missedMilliseconds(engine: string, isReady: boolean): number
  leave(engine: string): void
  isLeft(engine: string): boolean
}

export function createReach(now: () => number = () => performance.now()): Reach {
  const missedSince = new Map<string, number>()
  const leftUntil = new Map<string, number>()
  return {
    begin(engine) {
      missedSince.delete(engine)
    },
    missedMilliseconds(engine, isReady) {
      if (isReady) {
        missedSince.delete(engine)
        return 0
      }
      const since = missedSince.get(engine) ?? now()
      missedSince.set(engine, since)
      return now() - since
    },
    leave(engine) {
      leftUntil.set(engine, now() + leftMilliseconds)
    },
    isLeft: (engine) => (leftUntil.get(engine) ?? 0) > now(),
  }
}
