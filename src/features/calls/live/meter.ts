import type { Registry } from '@prometheus-io/client'
import { createHistogram } from '../../../metrics/histogram.ts'
import { expose } from '../../../metrics/registry.ts'
import { type Outcome, outcomes } from '../call.ts'

/** Why a call was turned away. */
const turnedAway = [
  /** The dialled text is no route point's. */
  'unknown',
  /** It came from a peer that the configuration does not name. */
  'peer',
  /** More came at once than can be treated. */
  'shed',
  /** The database could not be asked. */
  'unavailable',
  /** The engine is being drained. */
  'draining',
  /** We failed. */
  'failed',
] as const
export type TurnedAway = (typeof turnedAway)[number]

/** Counts what calls do. */
export interface CallMeter {
  /** A call was recorded. */
  ended(outcome: Outcome): void
  /** So many events were told of a call. */
  told(count: number): void
  /** A call did not become one of ours. */
  turnedAway(why: TurnedAway): void
  /** From an event to the call as it was kept after it, in seconds. */
  decided(seconds: number): void
}

/** Half a millisecond is a decision on SQLite; a second is one that callers hear. */
const secondsBounds = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1]

/** Counts of calls, by what they are counted: from 0, since Prometheus sees no rise in what was not there. */
function createCounts<Name extends string>(names: readonly Name[]) {
  const counts = new Map<Name, number>(names.map((name) => [name, 0]))
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
  const ended = createCounts(outcomes)
  const away = createCounts(turnedAway)
  let told = 0
  const decisions = createHistogram(secondsBounds)
  if (registry) {
    expose(registry, {
      name: 'pointsman_calls_total',
      help: 'Calls that have ended, by how.',
      type: 'counter',
      samples: () => ended.samples('outcome'),
    })
    expose(registry, {
      name: 'pointsman_calls_turned_away_total',
      help: 'Calls that were not treated, by why.',
      type: 'counter',
      samples: () => away.samples('why'),
    })
    expose(registry, {
      name: 'pointsman_call_events_total',
      help: 'Events of calls that were told.',
      type: 'counter',
      samples: () => [{ labels: {}, value: told }],
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
    ended: ended.add,
    told(count) {
      told += count
    },
    turnedAway: away.add,
    decided: decisions.observe,
  }
}
