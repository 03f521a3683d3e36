import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** The most requests that wait on a connection behind the one in flight: clients that pipeline send fewer. */
export const waitingMax = 32

/** Milliseconds by which a client may fall behind the pace that is asked of it. */
export const patienceMilliseconds = 10_000

/** Milliseconds by which a client is late at times although it keeps the pace: what it sends comes in bursts. */
const burstMilliseconds = 2_000

/** Milliseconds for which a client may go on sending, or keep its end open, after the last words to it. */
const lingerMilliseconds = 2_000

/** Whoever's connections are counted together: a network, or one connection of a proxy, which may be anybody's. */
export type Holder = string | Socket

/** For what of a client's we wait. */
export type Awaited = 'body' | 'reading'

export interface Office {
  handle: RequestListener
  /** The end of an answer of which `bytes` wait in memory for the client; told at most once an answer. */
  onUnread(connection: Connection, bytes: number): void
  /** Every answer's last byte has been handed to the kernel, or the connection is gone. */
  onRead(connection: Connection): void
}

/**
 * Bytes that the kernel has taken to send. A socket tells of whole writes only, and an answer may be one; its handle
 * tells how much of a write still waits.
 */
function takenBytes(socket: Socket): number {
  const { _handle: handle } = socket as unknown as {
    _handle: { bytesWritten: number; writeQueueSize: number } | null
  }
  return handle ? handle.bytesWritten - handle.writeQueueSize : 0
}

/**
 * A piece of 64 KiB may hold thousands of requests, and Node parses all of them even on a socket that was destroyed. To its
 * parser this answer says that what follows the next one's headers is not HTTP (`on_headers_complete` of llhttp).
 */
function stopParsing(socket: Socket): void {
  const { parser } = socket as unknown as { parser?: { onIncoming?: () => number } }
  if (parser) parser.onIncoming = () => 2
}

/**
 * Takes a socket from Node's parser for good, which would go on making requests of what comes, and ending bodies. What still
 * comes is read and thrown away, so that the last words are not lost by a reset.
 */
function passOver(socket: Socket): void {
  // The parser reads the socket by itself until somebody else wants to.
  socket.on('data', () => {})
  socket.removeAllListeners('data').resume()
}

/**
 * One connection of a client, which asks one thing at a time: Node starts every request that it has parsed, however many a
 * client sends before it reads an answer. Here the next one begins when the answer before is in the kernel's hands.
 */
export class Connection {
  readonly socket: Socket
  readonly holder: Holder
  readonly #office: Office
  #current: { request: IncomingMessage; response: ServerResponse } | undefined
  readonly #waiting: { request: IncomingMessage; response: ServerResponse }[] = []
  #latest: IncomingMessage | undefined
  /** Moment, as of `performance.now()`, since which nothing has been in flight. */
  #idleSince = performance.now()
  #lastWords: string | undefined
  #hasSaidThem = false
  #patience = patienceMilliseconds
  #sent = 0
  #taken = 0

  constructor(socket: Socket, holder: Holder, office: Office) {
    this.socket = socket
    this.holder = holder
    this.#office = office
  }

  /** Whether it can be closed without taking an answer from anybody. */
  get isIdle(): boolean {
    return this.#current === undefined
  }

  /**
   * Milliseconds for which it has been of no use to anybody: idle, or waiting for a client that is late; 0 while its client
   * is on time, undefined while it is we who are at work for it.
   */
  uselessFor(now: number): number | undefined {
    if (this.isIdle || this.#hasSaidThem) return now - this.#idleSince
    if (!this.#awaited()) return undefined
    const late = patienceMilliseconds - this.#patience
    return late < burstMilliseconds ? 0 : late
  }

  /** Begins a request, or puts it in line; false when the line is too long already: then no more is parsed. */
  take(request: IncomingMessage, response: ServerResponse): boolean {
    if (this.#waiting.length >= waitingMax) {
      stopParsing(this.socket)
      return false
    }
    this.#latest = request
    if (!this.#current) {
      this.#begin(request, response)
      return true
    }
    this.#waiting.push({ request, response })
    // What came in the same piece is parsed already; no more is read before all of it is answered.
    this.socket.pause()
    return true
  }

  #begin(request: IncomingMessage, response: ServerResponse): void {
    this.#current = { request, response }
    response.on('prefinish', this.#noteUnread)
    response.on('close', this.#next)
    this.#office.handle(request, response)
  }

  readonly #noteUnread = (): void => {
    const { writableLength } = this.socket
    if (writableLength > 0) this.#office.onUnread(this, writableLength)
  }

  readonly #next = (): void => {
    this.#current = undefined
    this.#office.onRead(this)
    // An answer that says `Connection: close` is the last.
    if (!this.socket.writable) return
    const next = this.#waiting.shift()
    if (next) {
      if (this.#waiting.length === 0) this.socket.resume()
      this.#begin(next.request, next.response)
      return
    }
    this.#idleSince = performance.now()
    if (this.#lastWords !== undefined) this.#say(this.#lastWords)
  }

  /**
   * Ends the connection with a refusal of what came last and is no whole request, after the answers to all that came
   * before it. Only the first refusal counts. Nothing more is parsed: what is refused never comes whole, and is never done.
   *
   * @param makeWords the bytes of an answer; not called when none can be said.
   */
  refuse(makeWords: () => string): void {
    if (this.#lastWords !== undefined) return
    passOver(this.socket)
    const isPartOf = this.#latest?.complete === false
    if (!isPartOf) {
      this.#lastWords = makeWords()
      if (!this.#current) this.#say(this.#lastWords)
      return
    }
    if (this.#waiting.at(-1)?.request === this.#latest) {
      this.#waiting.pop()
      this.#lastWords = makeWords()
      return
    }
    // A request that is answered although its body never came whole gets no second answer.
    const isAnswered =
      this.#current?.request !== this.#latest || this.#current?.response.headersSent
    this.#lastWords = isAnswered ? '' : makeWords()
    this.#say(this.#lastWords)
  }

  #say(words: string): void {
    this.#hasSaidThem = true
    this.#patience = lingerMilliseconds
    this.socket.end(words)
  }

  #awaited(): Awaited | undefined {
    if (this.socket.writableLength > 0) return 'reading'
    const body = this.#latest
    if (!body || body.complete || this.#waiting.length > 0) return undefined
    // Where there is no room for more of the body, it is we who have not read it yet.
    return body.readableLength < body.readableHighWaterMark ? 'body' : undefined
  }

  /**
   * Lets time pass. What a client sends or takes while we wait for it earns back the time that it needs at the pace
   * asked for, so that it may be late by `patienceMilliseconds` at no time.
   *
   * @param bytesPerSecondMin the pace.
   * @returns what we have waited for in vain.
   */
  endure(milliseconds: number, bytesPerSecondMin: number): Awaited | undefined {
    const awaited = this.#hasSaidThem ? 'reading' : this.#awaited()
    const sent = this.socket.bytesRead - this.#sent
    const taken = takenBytes(this.socket) - this.#taken
    this.#sent += sent
    this.#taken += taken
    if (awaited === undefined) {
      this.#patience = patienceMilliseconds
      return undefined
    }
    const bytes = this.#hasSaidThem ? 0 : awaited === 'body' ? sent : taken
    const earned = (bytes / bytesPerSecondMin) * 1_000
    this.#patience = Math.min(patienceMilliseconds, this.#patience - milliseconds + earned)
    return this.#patience > 0 ? undefined : awaited
  }
}
