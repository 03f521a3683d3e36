import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** Answers a request in a way of its own, or false to have it answered as a sound Asterisk does. */
type Answering = (request: IncomingMessage, response: ServerResponse) => boolean

/** With what a handshake of WebSockets is answered (RFC 6455, 4.2.2). */
const handshakeSuffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** A frame from a server (RFC 6455, 5.2); `length` is what it claims to have. */
function frameOf(payload: Buffer, { opcode = 1, length = payload.length, isLast = true } = {}) {
  const head = Buffer.alloc(10)
  head[0] = (isLast ? 0x80 : 0) | opcode
  head[1] = 127
  head.writeBigUInt64BE(BigInt(length), 2)
  // The shortest form of a length is demanded.
  if (length < 126) return Buffer.concat([Buffer.from([head[0], length]), payload])
  if (length > 0xffff) return Buffer.concat([head, payload])
  const short = Buffer.from([head[0], 126, length >> 8, length & 0xff])
  return Buffer.concat([short, payload])
}

/** A channel as ARI tells of one. */
export function channel(id: string, changed: object = {}): object {
  return {
    id,
    name: 'PJSIP/trunk-00000001',
    state: 'Ring',
    caller: { name: 'Anna', number: '+3225550100' },
    dialplan: { exten: '+3225126780', app_name: 'Stasis', app_data: 'pointsman' },
    channelvars: { SIPDOMAIN: 'sip.netaxis.be', DIALLED_URI: '', CALLER_PRESENTATION: '' },
    ...changed,
  }
}

/** An engine as a file of engines lists it, with the password in a file beside it. */
export function engineEntry(changed: object = {}): object {
  return {
    name: 'zurich-1',
    url: 'http://127.0.0.1',
    username: 'pointsman',
    passwordFile: 'password',
    country: 'CH',
    agents: 'PJSIP/{user}',
    numbers: 'PJSIP/{number}@trunk',
    media: { folder: '/srv/media' },
    ...changed,
  }
}

/** What stands in Asterisk's place where one must be old, ill or hostile: real ones are neither. It asks for no password. */
export class AriServer {
  readonly url: string
  /** What it was asked, as in `GET /channels`. */
  readonly asked: string[] = []
  /** Every value of `Authorization` that came. */
  readonly authorizations = new Set<string | undefined>()
  version = '22.10.1'
  channels: object[] = []
  bridges: object[] = []
  answering: Answering = () => false
  /** Whether it gives back the events by which a connection is proven. */
  givesProofs = true
  /** Whether it closes a connection of events when the other side does. */
  closesToo = true
  /** Connections through which events go. */
  readonly listeners = new Set<Socket>()
  /** How many of them there have been. */
  connections = 0
  readonly #server = createServer((request, response) => this.#take(request, response))
  readonly #sockets = new Set<Socket>()

  private constructor(port: number) {
    this.url = `http://127.0.0.1:${port}`
  }

  static async open(): Promise<AriServer> {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    const ari = new AriServer(port)
    await ari.#listen(port)
    return ari
  }

  async #listen(port: number): Promise<void> {
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
    })
    this.#server.on('upgrade', (request, socket) => this.#upgrade(request, socket as Socket))
    this.#server.listen(port, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  get openConnections(): number {
    return this.#sockets.size
  }

  /** Sends an event, or a text that is none, to whoever listens. */
  tell(event: object | string): void {
    const text = typeof event === 'string' ? event : JSON.stringify(event)
    this.send(Buffer.from(text))
  }

  /** Sends a frame, which may be none that is allowed. */
  send(payload: Buffer, how?: Parameters<typeof frameOf>[1]): void {
    for (const socket of this.listeners) socket.write(frameOf(payload, how))
  }

  /** Breaks every connection. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy()
  }

  async close(): Promise<void> {
    this.#server.close()
    this.reset()
    await once(this.#server, 'close')
  }

  #note(request: IncomingMessage): string {
    const path = (request.url ?? '').replace(/^\/ari/, '')
    this.asked.push(`${request.method} ${path.replace(/\?.*/, '')}`)
    this.authorizations.add(request.headers.authorization)
    return path
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const path = this.#note(request)
    request.resume()
    if (this.answering(request, response)) return
    const [, proof] = /^\/events\/user\/([^?]+)/.exec(path) ?? []
    if (proof && this.givesProofs) this.tell({ type: 'ChannelUserevent', eventname: proof })
    const known: Record<string, unknown> = {
      '/asterisk/info': { system: { version: this.version } },
      '/channels': this.channels,
      '/bridges': this.bridges,
    }
    const answer = known[path.replace(/\?.*/, '')]
    response.setHeader('content-type', 'application/json')
    if (request.method === 'GET' && answer === undefined) {
      response.writeHead(404).end('{"message":"Not found"}')
    } else response.end(answer === undefined ? '' : JSON.stringify(answer))
  }

  #upgrade(request: IncomingMessage, socket: Socket): void {
    this.#note(request)
    const key = `${request.headers['sec-websocket-key']}${handshakeSuffix}`
    const accept = createHash('sha1').update(key).digest('base64')
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
    this.connections += 1
    this.listeners.add(socket)
    socket.on('end', () => socket.destroy()).on('close', () => this.listeners.delete(socket))
    // All that is said to it is that somebody leaves.
    socket.on('data', () => {
      if (this.closesToo) socket.end()
    })
  }
}
