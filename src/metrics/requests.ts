import type { Registry } from '@prometheus-io/client'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { createHistogram, type Histogram } from './histogram.ts'
import { expose } from './registry.ts'

/** Seconds. A read takes less than the first, a write that waits for a slow disk's flush about the middle. */
const durationBounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Every path that no route has: what strangers make up must not become labels. */
const unknownRoute = 'unknown'

interface RouteCounts {
  labels: { method: string; route: string }
  statuses: Map<number, number>
  durations: Histogram
}

/** Counts the requests of `app`, and how long they took, by route pattern. Call it before the routes are added. */
export function countRequests(app: FastifyInstance, registry: Registry): void {
  /** By the configuration object that each route has, or by the method where there is no route. */
  const routes = new Map<object | string, RouteCounts>()

  function countsOf(request: FastifyRequest): RouteCounts {
    const { config } = request.routeOptions
    const { url } = config
    const key = url === undefined ? request.method : config
    let counts = routes.get(key)
    if (!counts) {
      const labels = { method: request.method, route: url ?? unknownRoute }
      counts = { labels, statuses: new Map(), durations: createHistogram(durationBounds) }
      routes.set(key, counts)
    }
    return counts
  }

  app.addHook('onResponse', (request: FastifyRequest, reply: FastifyReply, done) => {
    const { statuses, durations } = countsOf(request)
    const status = reply.statusCode
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    // How long a client listened is no time that anybody waited.
    if (!request.routeOptions.config.isStream) durations.observe(reply.elapsedTime / 1_000)
    done()
  })

  expose(registry, {
    name: 'pointsman_http_requests_total',
    help: 'Requests answered, by method, route pattern and status.',
    type: 'counter',
    samples: () =>
      [...routes.values()].flatMap(({ labels, statuses }) =>
        [...statuses].map(([status, value]) => ({ labels: { ...labels, status }, value })),
      ),
  })
  const name = 'pointsman_http_request_duration_seconds'
  expose(registry, {
    name,
    help: 'Time from a request’s arrival to the end of its answer, by method and route pattern.',
    type: 'histogram',
    samples: () =>
      [...routes.values()].flatMap(({ labels, durations }) => durations.samples(name, labels)),
  })
}
