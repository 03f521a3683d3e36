import type { Sample } from './registry.ts'

export interface Histogram {
  observe(value: number): void
  /** As Prometheus wants it: each bucket counts what the smaller ones do, too. */
  samples(name: string, labels?: Sample['labels']): Sample[]
}

/** Counts values by the least of the ascending `bounds` that they do not exceed. */
export function createHistogram(bounds: readonly number[]): Histogram {
  const counts = new Float64Array(bounds.length + 1)
  let sum = 0
  return {
    observe(value) {
      let bucket = 0
      while (bucket < bounds.length && value > Number(bounds[bucket])) bucket += 1
      counts[bucket] = Number(counts[bucket]) + 1
      sum += value
    },
    samples(name, labels = {}) {
      let count = 0
      const buckets = [...bounds, '+Inf'].map((le, index) => {
        count += Number(counts[index])
        return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count }
      })
      return [
        ...buckets,
        { metricName: `${name}_sum`, labels, value: sum },
        { metricName: `${name}_count`, labels, value: count },
      ]
    },
  }
}
