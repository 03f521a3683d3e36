import { Memory } from './memory.ts'

/** How long after a failure it is not tried again: twice as long each time, up to the other. */
const [retryMillisecondsMin, retryMillisecondsMax] = [60_000, 3_600_000]

/** Tells when an address that failed may be tried again. */
export function createPatience() {
  const failures = new Memory<{ until: number; waitMilliseconds: number; error: unknown }>()
  return {
    /** @throws what it failed with, while it is not time. */
    requireTime(key: string): void {
      const failure = failures.get(key)
      if (failure && performance.now() < failure.until) throw failure.error
    },
    failed(key: string, error: unknown): void {
      const { waitMilliseconds = retryMillisecondsMin / 2 } = failures.get(key) ?? {}
      const wait = Math.min(waitMilliseconds * 2, retryMillisecondsMax)
      failures.set(key, { until: performance.now() + wait, waitMilliseconds: wait, error })
    },
    succeeded: (key: string) => failures.delete(key),
  }
}
