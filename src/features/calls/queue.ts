import type { Call } from './call.ts'

/** A call that is offered to somebody has its place still. */
export function isWaiting({ phase }: Call): boolean {
  return phase.name === 'waiting' || phase.name === 'offered'
}

/** The order in which calls wait: those that came back from an agent first, then who has waited longest. */
export function byPlace(one: Call, other: Call): number {
  return (
    Number(other.isBounced) - Number(one.isBounced) ||
    (one.waitingSince ?? 0) - (other.waitingSince ?? 0) ||
    (one.id < other.id ? -1 : 1)
  )
}

function nameOf({ routePoint }: Pick<Call, 'routePoint'>): string {
  return JSON.stringify(routePoint)
}

/** Who waits where. */
export interface Queues {
  /** Takes note of how a call now stands. */
  place(call: Call): void
  forget(call: Call): void
  /** How many others wait at a call's route point. */
  othersOf(call: Call): number
  /** All who wait. */
  waiting(): readonly Call[]
}

export function createQueues(): Queues {
  /** By route point, then by the call's id. */
  const queues = new Map<string, Map<string, Call>>()
  const places = new Map<string, string>()

  function remove(id: string): void {
    const name = places.get(id)
    if (name === undefined) return
    places.delete(id)
    const queue = queues.get(name)
    queue?.delete(id)
    if (queue?.size === 0) queues.delete(name)
  }

  function add(call: Call): void {
    const name = nameOf(call)
    const queue = queues.get(name) ?? new Map<string, Call>()
    queues.set(name, queue.set(call.id, call))
    places.set(call.id, name)
  }

  return {
    place(call) {
      remove(call.id)
      if (isWaiting(call)) add(call)
    },
    forget: ({ id }) => remove(id),
    othersOf(call) {
      const queue = queues.get(nameOf(call))
      if (!queue) return 0
      return queue.has(call.id) ? queue.size - 1 : queue.size
    },
    waiting: () => [...queues.values()].flatMap((queue) => [...queue.values()]),
  }
}
