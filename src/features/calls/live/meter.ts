import type { Registry } from '@prometheus-io/client'
import { createHistogram } from '../../../metrics/histogram.ts'
import { expose } from '../../../metrics/registry.ts'
import type { Outcome } from '../call.ts'

/** Why a call was turned away. */
export type TurnedAway =
  /** The dialled text is no route point's. */
  | 'unknown'
  /** It came from a peer that the configuration does not name. */
  | 'peer'
  /** More came at once than can be treated. */
  | 'shed'
  /** The database could not be asked. */
  | 'unavailable'
  /** We failed. */
  | 'failed'

/** Counts what calls do. */
export interface CallMeter {
  /** A call was recorded. */
  ended(outcome: Outcome): void
  /** A call did not become one of ours. */
  turnedAway(why: TurnedAway): void
  /** From an event to the call as it was kept after it, in seconds. */
  decided(seconds: number): void
}

/** Half a millisecond is a decision on SQLite; a second is one that callers hear. */
const secondsBounds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1]

/** Counts of calls, by what they are counted. */
function createCounts<Name extends string>() {
  const counts = new Map<Name, number>()
  return {
    add: (name: Name) => counts.set(name, (counts.get(name) ?? 0) + 1),
    samples: (label: string) =>
      [...counts].map(([name, value]) => ({ labels: { [label]: name }, value })),
  }
}

/**
 * @param waiting how many calls wait now.
 * @param registry where it is shown, if anywhere.
 */
export function meterCalls(waiting: () => number, registry: Registry | undefined): CallMeter {
  const outcomes = createCounts<Outcome>()
  const turnedAway = createCounts<TurnedAway>()
  const decisions = createHistogram(secondsBounds)
  if (registry) {
    expose(registry, {
      name: 'pointsman_calls_total',
      help: 'Calls that have ended, by how.',
      type: 'counter',
      samples: () => outcomes.samples('outcome'),
    })
    expose(registry, {
      name: 'pointsman_calls_turned_away_total',
      help: 'Calls that were not treated, by why.',
      type: 'counter',
      samples: () => turnedAway.samples('why'),
    })
    expose(registry, {
      name: 'pointsman_calls_waiting',
      help: 'Calls that wait now, or are offered.',
      type: 'gauge',
      samples: () => [{ labels: {}, value: waiting() }],
    })
    const name = 'pointsman_call_decision_seconds'
    expose(registry, {
      name,
      help: 'From an event of a call to the call as it was kept after it.',
      type: 'histogram',
      samples: () => decisions.samples(name),
    })
  }
  return {
    ended: outcomes.add,
    turnedAway: turnedAway.add,
    decided: decisions.observe,
  }
}
