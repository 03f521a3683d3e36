import type { EngineConfiguration } from '../engines/configuration.ts'
import { EngineFault, type EngineFaultKind } from '../engines/engine.ts'
import { type Lease, noRivals } from '../engines/lease.ts'
import type { RequestOutcome } from '../engines/meter.ts'

/** What a request may take, its wait for its turn included; an engine on any network answers sooner. */
const limitMilliseconds = 5_000

/** Milliseconds after the end of the lease in which what was asked before may still be done; others wait for them. */
const lateMilliseconds = 3_000

/** Asterisk serves 100 connections at once, and others use it as well. */
const atOnceMax = 40

/** Requests that wait for their turn; more cannot have it in time. */
const waitingMax = 2_000

/** Asterisk takes no larger bodies. */
export const bodyBytesMax = 40_960

/** An answer is far smaller, but for lists. */
const answerBytesMax = 262_144

/** A list of 20,000 channels. */
export const listBytesMax = 16_777_216

export interface Wish {
  body?: unknown
  /** Whether it may be sent again when its connection broke: reads, deletions, and what the engine refuses to do twice. */
  isRepeatable?: boolean
  bytesMax?: number
}

/** A request that the engine answered otherwise than by success. */
class AriFault extends EngineFault {
  readonly status: number

  constructor(kind: EngineFaultKind, message: string, status: number) {
    super(kind, message)
    this.status = status
  }
}

/** Whether a fault is an answer of that status. */
export function isStatus(fault: unknown, ...statuses: readonly number[]): boolean {
  return fault instanceof AriFault && statuses.includes(fault.status)
}

export interface Requests {
  /**
   * Asks, and answers the body; undefined where there is none.
   *
   * @throws AriFault, or EngineFault when no answer came in 5 s.
   */
  ask(method: string, path: string, wish?: Wish): Promise<unknown>
  /** Ends what is under way: whether it was done is not known. */
  close(): void
}

export interface RequestsOptions {
  /** Told of each request that ended. */
  onOutcome(request: RequestOutcome): void
  /** Nothing is asked once it is over; there are no others unless told. */
  lease?: Lease
}

/** What the request is about: the first part of its path. */
function kindOf(path: string): string {
  return /^\/(\w+)/.exec(path)?.[1] ?? 'others'
}

function faultOf(status: number, what: string, text: string): AriFault {
  const said = /"(?:message|error)"\s*:\s*"([^"]{1,200})/.exec(text)?.[1] ?? 'no reason told'
  const message = `${what} was answered ${status}: ${said}`
  if (status === 404) return new AriFault('gone', message, status)
  // A channel that has left our application, or one that has ended and is still listed.
  if (status === 409 || status === 412) return new AriFault('gone', message, status)
  const isKnown = status < 500 || status === 500 || status === 503
  return new AriFault(isKnown ? 'refused' : 'unreachable', message, status)
}

/** Reads an answer to its end, or throws when it has more bytes. */
async function readText(response: Response, bytesMax: number): Promise<string> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of response.body ?? []) {
    bytes += piece.byteLength
    if (bytes > bytesMax) throw new Error(`the answer has more than ${bytesMax} bytes`)
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

/** What broke, in words: `fetch` says it in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === 'TimeoutError') return `no answer came in ${limitMilliseconds / 1_000} s`
  return error.cause instanceof Error ? error.cause.message || error.message : error.message
}

/** The turns of requests: so many at once, the others in their order. */
function createTurns() {
  const waiting: (() => void)[] = []
  let running = 0
  return {
    get isFull() {
      return waiting.length >= waitingMax
    },
    async take(): Promise<void> {
      if (running < atOnceMax) running += 1
      else await new Promise<void>((resolve) => waiting.push(resolve))
    },
    give(): void {
      const next = waiting.shift()
      if (next) next()
      else running -= 1
    },
  }
}

/** Milliseconds that a request may take which is sent now. */
function limitUnder(lease: Lease): number {
  return Math.min(limitMilliseconds, Math.round(lease.leftMilliseconds()) + lateMilliseconds)
}

/** Asks an engine's ARI, with bounds on the time of each request, on how many there are, and on the answers. */
export function createRequests(
  { url, username, password }: Pick<EngineConfiguration, 'url' | 'username' | 'password'>,
  { onOutcome, lease = noRivals }: RequestsOptions,
): Requests {
  const authorization = authorizationOf(username, password)
  const turns = createTurns()
  const closing = new AbortController()

  async function send(method: string, path: string, wish: Wish, signal: AbortSignal) {
    const { body, bytesMax = answerBytesMax } = wish
    const response = await fetch(`${url}${path}`, {
      method,
      headers: { authorization, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      // Credentials are for this address alone.
      redirect: 'error',
      signal,
    })
    return { status: response.status, text: await readText(response, bytesMax) }
  }

  /** A connection that the engine closed while it was idle breaks under the next request. */
  async function sendTwice(method: string, path: string, wish: Wish, signal: AbortSignal) {
    const { isRepeatable = method === 'GET' || method === 'DELETE' } = wish
    try {
      return await send(method, path, wish, signal)
    } catch (error) {
      if (!isRepeatable || signal.aborted) throw error
      return await send(method, path, wish, signal)
    }
  }

  async function perform(method: string, path: string, wish: Wish): Promise<unknown> {
    const what = `${method} ${path.replace(/\?.*/s, '')}`
    if (turns.isFull) throw new EngineFault('refused', `${what}: too many requests wait`)
    const signal = AbortSignal.any([AbortSignal.timeout(limitUnder(lease)), closing.signal])
    await turns.take()
    let answer: { status: number; text: string }
    try {
      signal.throwIfAborted()
      if (lease.leftMilliseconds() <= 0) throw new Error('its lease is over')
      answer = await sendTwice(method, path, wish, signal)
    } catch (error) {
      throw new EngineFault('unreachable', `${what}: ${reasonOf(error)}`, { cause: error })
    } finally {
      turns.give()
    }
    if (answer.status >= 300 || answer.status < 200) {
      throw faultOf(answer.status, what, answer.text)
    }
    if (answer.text === '') return undefined
    try {
      return JSON.parse(answer.text)
    } catch (error) {
      const reason = 'the answer is no JSON, so there is no ARI at this address'
      throw new EngineFault('unreachable', `${what}: ${reason}`, { cause: error })
    }
  }

  return {
    async ask(method, path, wish = {}) {
      const kind = kindOf(path)
      const began = performance.now()
      const tell = (outcome: RequestOutcome['outcome']) =>
        onOutcome({ kind, outcome, seconds: (performance.now() - began) / 1_000 })
      try {
        const answer = await perform(method, path, wish)
        tell('done')
        return answer
      } catch (error) {
        const isUnreachable = error instanceof EngineFault && error.kind === 'unreachable'
        tell(isUnreachable ? 'unreachable' : 'refused')
        throw error
      }
    },
    close: () => closing.abort(),
  }
}

export function authorizationOf(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

/** A part of a path. Halves of characters have no code, and an engine could name them: they must not throw where an event is taken. */
export const segment = (part: string) => encodeURIComponent(part.toWellFormed())
