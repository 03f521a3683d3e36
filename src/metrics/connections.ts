import type { Registry } from '@prometheus-io/client'
import type { Connections } from '../http/connections.ts'
import { expose } from './registry.ts'

export function countConnections(connections: Connections, registry: Registry): void {
  expose(registry, {
    name: 'pointsman_connections',
    help: 'Connections of clients that are open.',
    type: 'gauge',
    samples: () => [{ labels: {}, value: connections.open }],
  })
  expose(registry, {
    name: 'pointsman_connections_ended_total',
    help: 'Connections that were ended before their clients wished it, by the reason.',
    type: 'counter',
    samples: () => [...connections.ended].map(([reason, value]) => ({ labels: { reason }, value })),
  })
}
