import type { Registry } from '@prometheus-io/client'
import type { EngineMeter } from '../engines/meter.ts'
import { createHistogram, type Histogram } from './histogram.ts'
import { expose } from './registry.ts'

/** Seconds. An engine on the same machine answers in the first; after the last it is given up. */
const durationBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

interface EngineCounts {
  isConnected: boolean
  connections: number
  durations: Map<string, { labels: Record<string, string>; histogram: Histogram }>
}

/** An engine whose calls may be treated here. */
interface PossibleEngine {
  name: string
  /** This node has its lease. */
  isHeld: boolean
  isReady: boolean
}

/** Tells of which engines the calls may be treated here, of which they are, and of which they can be now. */
export function exposeEngines(registry: Registry, read: () => readonly PossibleEngine[]): void {
  expose(registry, {
    name: 'pointsman_engines',
    help: 'Engines whose calls may be treated here; 0 where their file cannot be used.',
    type: 'gauge',
    samples: () => [{ labels: {}, value: read().length }],
  })
  expose(registry, {
    name: 'pointsman_engine_held',
    help: 'Whether this node treats the calls of an engine; of several nodes one does.',
    type: 'gauge',
    samples: () => read().map(({ name, isHeld }) => ({ labels: { engine: name }, value: +isHeld })),
  })
  expose(registry, {
    name: 'pointsman_engine_ready',
    help: 'Whether calls of an engine can be treated now: it is connected, compared with what we know, and answers.',
    type: 'gauge',
    samples: () =>
      read().map(({ name, isReady }) => ({ labels: { engine: name }, value: +isReady })),
  })
}

/** Counts what engines are asked, by kind and outcome, and their connections. Answers the meter of an engine of a name. */
export function countEngines(registry: Registry): (engine: string) => EngineMeter {
  const engines = new Map<string, EngineCounts>()
  const all = () => [...engines]
  const name = 'pointsman_engine_request_duration_seconds'
  expose(registry, {
    name,
    help: 'How long requests to engines took, by what they were about and what came of them.',
    type: 'histogram',
    samples: () =>
      all().flatMap(([, { durations }]) =>
        [...durations.values()].flatMap(({ histogram, labels }) => histogram.samples(name, labels)),
      ),
  })
  expose(registry, {
    name: 'pointsman_engine_connections_total',
    help: 'Connections that were made to engines; all but the first are reconnections.',
    type: 'counter',
    samples: () =>
      all().map(([engine, { connections }]) => ({ labels: { engine }, value: connections })),
  })
  expose(registry, {
    name: 'pointsman_engine_connected',
    help: 'Whether an engine is connected, and its connection proven.',
    type: 'gauge',
    samples: () =>
      all().map(([engine, { isConnected }]) => ({ labels: { engine }, value: +isConnected })),
  })
  return (engine) => {
    const counts: EngineCounts = { isConnected: false, connections: 0, durations: new Map() }
    engines.set(engine, counts)
    return {
      connected(isConnected) {
        counts.isConnected = isConnected
        if (isConnected) counts.connections += 1
      },
      requested({ kind, outcome, seconds }) {
        const key = `${kind} ${outcome}`
        let duration = counts.durations.get(key)
        if (!duration) {
          const labels = { engine, kind, outcome }
          duration = { labels, histogram: createHistogram(durationBounds) }
          counts.durations.set(key, duration)
        }
        duration.histogram.observe(seconds)
      },
    }
  }
}
