import type { Registry } from '@prometheus-io/client'
import { expose } from './registry.ts'

/** What became of an attempt, or of a delivery that had none: there were too many. */
const deliveryOutcomes = ['delivered', 'failed', 'dead', 'dropped'] as const

export type DeliveryOutcome = (typeof deliveryOutcomes)[number]

/** Answers what is told of deliveries. */
export function countDeliveries(
  registry: Registry,
): (outcome: DeliveryOutcome, count?: number) => void {
  const counts = new Map<DeliveryOutcome, number>(deliveryOutcomes.map((outcome) => [outcome, 0]))
  expose(registry, {
    name: 'pointsman_webhook_deliveries_total',
    help: 'Attempts to send webhooks, by what became of them, and deliveries that went because there were too many.',
    type: 'counter',
    samples: () => [...counts].map(([outcome, value]) => ({ labels: { outcome }, value })),
  })
  return (outcome, count = 1) => {
    counts.set(outcome, (counts.get(outcome) ?? 0) + count)
  }
}

/** Milliseconds for which a count of deliveries is good enough. */
const freshMilliseconds = 30_000

/** @param read counts the deliveries of the whole installation; every node tells the same. */
export function exposeDeliveries(
  registry: Registry,
  read: () => Promise<{ waiting: number; dead: number }>,
): void {
  let last: { at: number; counts: { waiting: number; dead: number } } | undefined
  expose(registry, {
    name: 'pointsman_webhook_deliveries',
    help: 'Deliveries of webhooks that are kept, of all nodes together: those that wait, and those that were given up.',
    type: 'gauge',
    async samples() {
      if (last === undefined || performance.now() - last.at > freshMilliseconds) {
        // While the database is away nothing is told of it.
        const counts = await read().catch(() => undefined)
        if (counts === undefined) return []
        last = { at: performance.now(), counts }
      }
      return Object.entries(last.counts).map(([state, value]) => ({ labels: { state }, value }))
    },
  })
}
