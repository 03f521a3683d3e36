import type { Call, TimerName } from '../call.ts'

/** Node's timers count in 31 bits of milliseconds; a longer wait is taken up again. */
const millisecondsMax = 2 ** 31 - 1

/** Tells when something is due, for many calls. */
export interface Deadlines {
  /**
   * Waits for the earliest timer of a call as it now is, and for none of what it was.
   *
   * @param leastMilliseconds where it is overdue, and was tried already.
   */
  keep(call: Call, leastMilliseconds?: number): void
  forget(callId: string): void
  close(): void
}

function earliestOf({ timers }: Call): { timer: TimerName; at: number } | undefined {
  const all = Object.entries(timers) as [TimerName, number][]
  const [first] = all.sort(([, one], [, other]) => one - other)
  return first && { timer: first[0], at: first[1] }
}

/** @param due is called once for each timer that runs out, with its moment; the call is then to be kept anew. */
export function keepDeadlines(
  due: (callId: string, timer: TimerName, at: number) => void,
): Deadlines {
  const waits = new Map<string, NodeJS.Timeout>()

  function forget(callId: string): void {
    clearTimeout(waits.get(callId))
    waits.delete(callId)
  }

  function keep(call: Call, leastMilliseconds = 0): void {
    forget(call.id)
    const earliest = earliestOf(call)
    if (!earliest) return
    const { timer, at } = earliest
    const left = Math.max(at - Date.now(), leastMilliseconds)
    // A clock that is set anew meanwhile changes nothing.
    const wait = setTimeout(
      () => {
        waits.delete(call.id)
        if (left > millisecondsMax) keep(call)
        else due(call.id, timer, at)
      },
      Math.min(left, millisecondsMax),
    )
    // Whoever stops the service does not wait for calls.
    waits.set(call.id, wait.unref())
  }

  return {
    keep,
    forget,
    close() {
      for (const wait of waits.values()) clearTimeout(wait)
      waits.clear()
    },
  }
}
