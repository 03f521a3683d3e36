import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http'
import type { Socket } from 'node:net'
import { type AddressTest, canonicalAddress, networkOf } from '../addresses.ts'
import { type Awaited, Connection, type Holder } from './connection.ts'

/** Milliseconds between two looks at all connections. */
const lookMilliseconds = 1_000

/** Milliseconds between two looks while all connections are taken, and the most useless one must be known. */
const closeLookMilliseconds = 100

/** Milliseconds in which a request's headers must arrive whole. */
const headersMilliseconds = 20_000

/** Milliseconds for which an idle connection is kept: longer than load balancers keep theirs, so that it is they who end it. */
const idleMilliseconds = 72_000

/** The most bytes that wait in all answers together for clients to take them. */
const unreadBytesMax = 64 * 1_024 * 1_024

/** What the server tells of a socket by its event `clientError`, beside the codes that are Node's own. */
export const socketErrors = {
  bodyTooSlow: 'ERR_HTTP_REQUEST_TIMEOUT',
  connect: 'ERR_CONNECT',
  tooManyConnections: 'ERR_TOO_MANY_CONNECTIONS',
} as const

/** Why a connection was ended, by us and before its client wished it. */
export type EndReason =
  | 'answer not taken in time'
  | 'body too slow'
  | 'made room for another'
  | 'too many bytes in unread answers'
  | 'too many connections'
  | 'too many requests in line'

export interface ConnectionLimits {
  connectionsMax: number
  /** The pace, in bytes a second, at which a client must send a body and take an answer. */
  bytesPerSecondMin: number
  /** Bytes; for tests, which have less patience. */
  unreadBytesMax?: number
  /** Whose connections are not counted as one client's; nobody's unless told. */
  isProxy?: AddressTest
  /** Told of every connection that is ended without a word. */
  onCut?(socket: Socket, reason: EndReason): void
}

interface Unread {
  bytes: number
  /** As of `performance.now()`. */
  since: number
}

class SocketError extends Error {
  readonly code: string

  constructor(code: (typeof socketErrors)[keyof typeof socketErrors]) {
    super(code)
    this.code = code
  }
}

/**
 * The connections of a server, so bounded that no client costs much, whatever it sends and does not read: how many there
 * are, how many requests each has in flight, how slow it may be, and what waits to be read.
 */
export class Connections {
  readonly #limits: Required<ConnectionLimits>
  readonly #all = new Map<Socket, Connection>()
  readonly #unread = new Map<Connection, Unread>()
  readonly #ended = new Map<EndReason, number>()
  #unreadBytes = 0
  #lookedAt = 0
  #server: Server | undefined

  constructor(limits: ConnectionLimits) {
    this.#limits = { unreadBytesMax, isProxy: () => false, onCut: () => {}, ...limits }
  }

  /** Connections that are open now. */
  get open(): number {
    return this.#all.size
  }

  /** How many were ended since the start, by the reason. */
  get ended(): ReadonlyMap<EndReason, number> {
    return this.#ended
  }

  /** Makes the server; what becomes no request is told by its event `clientError`, whose listener says it by `refuse`. */
  createServer(handle: RequestListener, options: ServerOptions = {}): Server {
    const server = createServer({
      ...options,
      // A body may take as long as it comes at the pace asked for.
      requestTimeout: 0,
      headersTimeout: headersMilliseconds,
      keepAliveTimeout: idleMilliseconds,
      connectionsCheckingInterval: lookMilliseconds,
    })
    this.#server = server
    const office = {
      handle,
      onUnread: (connection: Connection, bytes: number) => this.#noteUnread(connection, bytes),
      onRead: (connection: Connection) => this.#forgetUnread(connection),
    }
    server.on('connection', (socket) => {
      const holder = this.#holderOf(socket)
      if (this.#all.size >= this.#limits.connectionsMax && !this.#giveWay(holder)) {
        this.#count('too many connections')
        server.emit('clientError', new SocketError(socketErrors.tooManyConnections), socket)
        return
      }
      const connection = new Connection(socket, holder, office)
      this.#all.set(socket, connection)
      socket.once('close', () => {
        this.#all.delete(socket)
        this.#forgetUnread(connection)
      })
    })
    const take: RequestListener = (request, response) => {
      const connection = this.#all.get(request.socket)
      // Upgrades are not served, and Node forgets what came in one piece behind such a request.
      if (request.headers.upgrade !== undefined) response.shouldKeepAlive = false
      if (!connection) request.socket.destroy()
      else if (!request.socket.destroyed && !connection.take(request, response)) {
        this.#cut(connection, 'too many requests in line')
      }
    }
    server.on('request', take)
    // An expectation that nobody can meet is refused like anything else that a request asks for.
    server.on('checkExpectation', take)
    server.on('connect', ({ socket }) => {
      socket.on('error', () => socket.destroy())
      // Node has taken its hands off the socket, so that an answer on its way would not arrive whole.
      if (this.#all.get(socket)?.isIdle) {
        server.emit('clientError', new SocketError(socketErrors.connect), socket.resume())
      } else socket.destroy()
    })
    this.#lookRegularly(server)
    return server
  }

  #lookRegularly(server: Server): void {
    server.on('listening', () => {
      this.#lookedAt = performance.now()
      const timer = setInterval(() => this.#lookNow(performance.now()), lookMilliseconds).unref()
      server.once('close', () => clearInterval(timer))
    })
  }

  #lookNow(now: number): void {
    // When it was we who had no time, no client is to blame.
    const milliseconds = Math.min(now - this.#lookedAt, 2 * lookMilliseconds)
    this.#lookedAt = now
    this.look(milliseconds)
  }

  /** Says `makeWords` as the last answer on a connection, where one can still be said. */
  refuse(socket: Socket, makeWords: () => string): void {
    const connection = this.#all.get(socket)
    if (connection) connection.refuse(makeWords)
    else {
      socket.end(makeWords())
      socket.destroySoon()
    }
  }

  /** Lets `milliseconds` pass, and ends the connections of those who were too slow. */
  look(milliseconds: number): void {
    for (const connection of this.#all.values()) {
      const awaited = connection.endure(milliseconds, this.#limits.bytesPerSecondMin)
      if (awaited) this.#endSlow(connection, awaited)
    }
  }

  #endSlow(connection: Connection, awaited: Awaited): void {
    if (awaited === 'reading') this.#cut(connection, 'answer not taken in time')
    else {
      this.#count('body too slow')
      const error = new SocketError(socketErrors.bodyTooSlow)
      this.#server?.emit('clientError', error, connection.socket)
    }
  }

  #holderOf(socket: Socket): Holder {
    const address = canonicalAddress(socket.remoteAddress ?? '')
    return address === undefined || this.#limits.isProxy(address) ? socket : networkOf(address)
  }

  /** Ends a connection so that `newcomer` gets its place, if there is one that may be ended. */
  #giveWay(newcomer: Holder): boolean {
    const now = performance.now()
    if (now - this.#lookedAt >= closeLookMilliseconds) this.#lookNow(now)
    const useless = this.#findUseless(newcomer, now)
    if (!useless) return false
    this.#all.delete(useless.socket)
    this.#cut(useless, 'made room for another')
    return true
  }

  /**
   * The connection of whoever holds most, and among theirs the one that has been of no use for the longest. Nobody takes one from
   * whoever holds fewer. One whose client is on time is taken from the largest holder alone, and for somebody who will
   * have fewer even then.
   */
  #findUseless(newcomer: Holder, now: number): Connection | undefined {
    const held = new Map<Holder, number>()
    let most = 0
    for (const { holder } of this.#all.values()) {
      const count = (held.get(holder) ?? 0) + 1
      held.set(holder, count)
      most = Math.max(most, count)
    }
    const own = held.get(newcomer) ?? 0
    let found: { connection: Connection; count: number; milliseconds: number } | undefined
    for (const connection of this.#all.values()) {
      const milliseconds = connection.uselessFor(now)
      const count = held.get(connection.holder) ?? 0
      if (milliseconds === undefined) continue
      if (count < (milliseconds > 0 ? own : Math.max(most, own + 2))) continue
      const isLess =
        found &&
        (count < found.count || (count === found.count && milliseconds <= found.milliseconds))
      if (!isLess) found = { connection, count, milliseconds }
    }
    return found?.connection
  }

  #noteUnread(connection: Connection, bytes: number): void {
    this.#unread.set(connection, { bytes, since: performance.now() })
    this.#unreadBytes += bytes
    while (this.#unreadBytes > this.#limits.unreadBytesMax) {
      const worst = this.#worstReader()
      if (!worst) return
      this.#forgetUnread(worst)
      this.#cut(worst, 'too many bytes in unread answers')
    }
  }

  #forgetUnread(connection: Connection): void {
    const unread = this.#unread.get(connection)
    if (!unread) return
    this.#unread.delete(connection)
    this.#unreadBytes -= unread.bytes
  }

  /** Who has kept the most bytes waiting for the longest. */
  #worstReader(): Connection | undefined {
    const now = performance.now()
    let worst: Connection | undefined
    let most = -1
    for (const [connection, { bytes, since }] of this.#unread) {
      const cost = bytes * (now - since)
      if (cost > most) {
        worst = connection
        most = cost
      }
    }
    return worst
  }

  #count(reason: EndReason): void {
    this.#ended.set(reason, (this.#ended.get(reason) ?? 0) + 1)
  }

  #cut({ socket }: Connection, reason: EndReason): void {
    if (socket.destroyed) return
    this.#count(reason)
    this.#limits.onCut(socket, reason)
    socket.destroy()
  }
}
