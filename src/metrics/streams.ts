import type { Registry } from '@prometheus-io/client'
import { expose } from './registry.ts'

/** What streams are of, each with the name of its metric and what it is for people. */
const kinds = {
  change: ['pointsman_change_streams', 'Streams of changes that are open.'],
  callEvent: ['pointsman_call_event_streams', 'Streams of events of calls that are open.'],
} as const

/** @param open tells how many there are. */
export function countStreams(
  kind: keyof typeof kinds,
  open: () => number,
  registry: Registry,
): void {
  const [name, help] = kinds[kind]
  expose(registry, { name, help, type: 'gauge', samples: () => [{ labels: {}, value: open() }] })
}
