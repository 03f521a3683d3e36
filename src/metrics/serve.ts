import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Registry } from '@prometheus-io/client'
import { Connections } from '../http/connections.ts'

/** Some Prometheus servers, and whoever looks by hand. */
const limits = { connectionsMax: 32, bytesPerSecondMin: 1_024 }

export interface MetricsServer {
  /** Where Prometheus finds them. */
  url: string
  close(): Promise<void>
}

async function answer(registry: Registry, request: IncomingMessage, response: ServerResponse) {
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (!isRead || request.url?.split('?', 1)[0] !== '/metrics') {
    response.writeHead(404, { 'content-type': 'text/plain' }).end('Metrics are at /metrics.\n')
    return
  }
  try {
    const text = await registry.metrics()
    response.writeHead(200, { 'content-type': registry.contentType }).end(text)
  } catch {
    response.writeHead(500).end()
  }
}

/**
 * Serves `/metrics` on an address of its own, so that what is shown to the world and what is shown to the operations
 * team need no rules between them.
 *
 * @throws Error when the address cannot be used.
 */
export async function serveMetrics(
  registry: Registry,
  { host, port }: { host: string; port: number },
): Promise<MetricsServer> {
  const server = new Connections(limits).createServer((request, response) => {
    void answer(registry, request, response)
  })
  server.on('clientError', (_error, socket) => socket.destroy())
  server.listen({ host, port })
  await once(server, 'listening')
  // What listens on a port, and not on a path, has such an address.
  const { address, family, port: taken } = server.address() as AddressInfo
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}/metrics`,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
