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

/** Who waits where, and who is on their way elsewhere. */
export interface Queues {
  /** Takes note of how a call now stands. */
  place(call: Call): void
  forget(call: Call): void
  /** How many others wait at a call's route point. */
  othersOf(call: Call): number
  /** How many others of the same caller ring at where that route point has sent them. */
  alike(call: Call): number
  /** All who wait. */
  waiting(): readonly Call[]
}

/** Calls under names of which each has one at a time, or none. */
function createIndex(nameOf: (call: Call) => string | undefined) {
  const groups = new Map<string, Map<string, Call>>()
  const names = new Map<string, string>()

  function remove(id: string): void {
    const name = names.get(id)
    if (name === undefined) return
    names.delete(id)
    const group = groups.get(name)
    group?.delete(id)
    if (group?.size === 0) groups.delete(name)
  }

  return {
    groups,
    remove,
    place(call: Call): void {
      remove(call.id)
      const name = nameOf(call)
      if (name === undefined) return
      const group = groups.get(name) ?? new Map<string, Call>()
      groups.set(name, group.set(call.id, call))
      names.set(call.id, name)
    },
    /** Others under a name. */
    others(name: string, { id }: Call): number {
      const group = groups.get(name)
      if (!group) return 0
      return group.has(id) ? group.size - 1 : group.size
    },
  }
}

const placeOf = ({ routePoint }: Call) => JSON.stringify(routePoint)
const wayOf = ({ routePoint, caller }: Call) => JSON.stringify([routePoint, caller.number])

export function createQueues(): Queues {
  const waiting = createIndex((call) => (isWaiting(call) ? placeOf(call) : undefined))
  const forwarded = createIndex((call) =>
    call.phase.name === 'forwarded' ? wayOf(call) : undefined,
  )
  return {
    place(call) {
      waiting.place(call)
      forwarded.place(call)
    },
    forget({ id }) {
      waiting.remove(id)
      forwarded.remove(id)
    },
    othersOf: (call) => waiting.others(placeOf(call), call),
    alike: (call) => forwarded.others(wayOf(call), call),
    waiting: () => [...waiting.groups.values()].flatMap((group) => [...group.values()]),
  }
}
