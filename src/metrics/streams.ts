import type { Registry } from '@prometheus-io/client'
import { expose } from './registry.ts'

/** @param open tells how many there are. */
export function countStreams(open: () => number, registry: Registry): void {
  expose(registry, {
    name: 'pointsman_change_streams',
    help: 'Streams of changes that are open.',
    type: 'gauge',
    samples: () => [{ labels: {}, value: open() }],
  })
}
