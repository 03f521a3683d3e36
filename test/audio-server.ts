import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

type Handler = (request: IncomingMessage, response: ServerResponse) => unknown

/** A server of the web whose answers a test writes, by path; others are 404. */
export interface AudioServer {
  /** Without a slash at the end. */
  url: string
  port: number
  paths: Map<string, Handler>
  /** What was asked, in order. */
  asked: { path: string; headers: IncomingMessage['headers'] }[]
  /** Connections that are open. */
  connections(): Promise<number>
  close(): Promise<void>
}

/** Starts one on 127.0.0.1. */
export async function startAudioServer(): Promise<AudioServer> {
  const paths = new Map<string, Handler>()
  const asked: AudioServer['asked'] = []
  const server = createServer((request, response) => {
    const { url = '', headers } = request
    asked.push({ path: url, headers })
    const handler = paths.get(url)
    if (handler) handler(request, response)
    else response.writeHead(404).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    paths,
    asked,
    connections: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
      }),
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
