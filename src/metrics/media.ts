import type { Registry } from '@prometheus-io/client'
import { expose } from './registry.ts'

/** What became of a fetch of audio: it was new, what was kept is still so, or there was none. */
const fetchOutcomes = ['new', 'unchanged', 'failed'] as const

export type FetchOutcome = (typeof fetchOutcomes)[number]

/** @param bytes tells how many the files for engines take. */
export function exposeMedia(registry: Registry, bytes: () => number): void {
  expose(registry, {
    name: 'pointsman_media_bytes',
    help: 'Bytes that the files for telephone engines take.',
    type: 'gauge',
    samples: () => [{ labels: {}, value: bytes() }],
  })
}

/** Answers what is told of fetches. */
export function countFetches(registry: Registry): (outcome: FetchOutcome) => void {
  const counts = new Map<FetchOutcome, number>(fetchOutcomes.map((outcome) => [outcome, 0]))
  expose(registry, {
    name: 'pointsman_media_fetches_total',
    help: 'Fetches of audio from the web, by what became of them.',
    type: 'counter',
    samples: () => [...counts].map(([outcome, value]) => ({ labels: { outcome }, value })),
  })
  return (outcome) => {
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1)
  }
}
