import { collectDefaultMetrics, type Metric, Registry } from '@prometheus-io/client'

/** One line of an answer: its name where it differs from the metric's, its labels, its value. */
export interface Sample {
  metricName?: string
  labels: Record<string, string | number>
  value: number
}

export interface MetricDefinition {
  name: string
  help: string
  type: 'counter' | 'gauge' | 'histogram'
  /** Asked at each scrape. */
  samples(): Sample[] | Promise<Sample[]>
}

/** A registry with what Node.js tells of the process: CPU, memory, event loop lag, garbage collection. */
export function createRegistry(): Registry {
  const register = new Registry()
  collectDefaultMetrics({ register })
  return register
}

/**
 * Adds a metric whose values are kept elsewhere. The library's own counters look up their labels at each request; ours
 * are plain numbers, and become what the library prints only when somebody asks. Its type wants all of a counter, and it
 * calls this one method.
 */
export function expose(registry: Registry, { name, help, type, samples }: MetricDefinition): void {
  const metric = { name, get: async () => ({ name, help, type, values: await samples() }) }
  registry.registerMetric(metric as unknown as Metric)
}
