import { connect, createServer, type Socket } from 'node:net'
import { freePort } from '../test/postgres-server.ts'

/** One connection that goes through the proxy. */
export interface Link {
  /** Ends it for both sides at once. */
  cut(): void
  /** Ends it for both sides as soon as the server answers, and keeps that answer. */
  cutAtAnswer(): void
}

/** A way to a server on this machine, on which networks' troubles can be made. */
export interface NetworkProxy {
  port: number
  /** Sees what a client sends before the server does. */
  onRequest: (bytes: Buffer, link: Link) => void
  /**
   * From now on whatever is sent is lost, and nobody is told: connections that are open stay so, and are dead for ever;
   * new ones get no answer.
   */
  swallow(): void
  /** Ends all connections, and new ones at once. */
  refuse(): void
  /** New connections pass again. */
  heal(): void
  close(): Promise<void>
}

export async function startProxy(targetPort: number): Promise<NetworkProxy> {
  const sockets = new Set<Socket>()
  let links = new Set<Link & { die(): void }>()
  let way: 'open' | 'swallowing' | 'refusing' = 'open'

  function keep(socket: Socket): Socket {
    sockets.add(socket)
    socket.on('error', () => {})
    return socket.once('close', () => sockets.delete(socket)).setNoDelay()
  }

  function join(client: Socket, server: Socket): void {
    let isDead = false
    let isCutAtAnswer = false
    const cut = () => {
      links.delete(link)
      if (isDead) return
      client.destroy()
      server.destroy()
    }
    const link = {
      cut,
      cutAtAnswer() {
        isCutAtAnswer = true
      },
      die() {
        isDead = true
      },
    }
    links.add(link)
    client.on('data', (bytes) => {
      if (isDead) return
      proxy.onRequest(bytes as Buffer, link)
      if (!server.destroyed) server.write(bytes)
    })
    server.on('data', (bytes) => {
      if (isDead) return
      if (isCutAtAnswer) cut()
      else client.write(bytes)
    })
    client.once('close', cut)
    server.once('close', cut)
  }

  const port = await freePort()
  const listener = createServer((client) => {
    keep(client)
    if (way === 'open') join(client, keep(connect(targetPort, '127.0.0.1')))
    else if (way === 'refusing') client.destroy()
    // Read and thrown away: a socket that nobody reads would not notice its end.
    else client.resume()
  })
  await new Promise<void>((resolve) => listener.listen(port, '127.0.0.1', resolve))

  const proxy: NetworkProxy = {
    port,
    onRequest: () => {},
    swallow() {
      way = 'swallowing'
      for (const link of links) link.die()
      links = new Set()
    },
    refuse() {
      way = 'refusing'
      for (const link of links) link.cut()
    },
    heal() {
      way = 'open'
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => listener.close(resolve))
    },
  }
  return proxy
}
