import type { Registry } from '@prometheus-io/client'
import { expose } from './registry.ts'

/** @param dropped how many since the start. */
export function countDroppedLines(registry: Registry, dropped: () => number): void {
  expose(registry, {
    name: 'pointsman_log_lines_dropped_total',
    help: 'Log lines that nobody took, such as while the log’s disk was full.',
    type: 'counter',
    samples: () => [{ labels: {}, value: dropped() }],
  })
}
