import { promises as dns, type LookupAddress } from 'node:dns'
import { once } from 'node:events'
import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import https from 'node:https'
import { isIP } from 'node:net'
import { busy } from '../errors.ts'
import { createFairLine } from '../http/fair-line.ts'

/** How an address that a tenant names is asked. */
export interface Asking {
  /** The tenant for which it is asked. */
  payer: string
  /** Which addresses may be asked. */
  isReachable(address: string): boolean
  /** For all of it, from the look-up of the name to the last byte; 10 s unless told. */
  timeLimitMilliseconds?: number
  signal: AbortSignal
}

/** What is sent there. */
export interface Sent {
  method: 'GET' | 'POST'
  headers: Readonly<Record<string, string>>
  body?: string
}

/** What comes back. */
export interface Told {
  response: IncomingMessage
  /** The body, as it comes. */
  body: AsyncIterable<Uint8Array>
}

/** Nothing is sent there: its host has no address that may be asked. */
export class Unreachable extends Error {
  constructor() {
    super('Its host has no address that may be asked.')
    this.name = 'Unreachable'
  }
}

/** For whoever comes while other names are looked up. */
const retryAfterSeconds = 10

/** Answers before the answer, such as `103 Early Hints`: none is of use to us, and each costs more than its bytes. */
const interimMax = 10

/**
 * Bytes that may come besides the body, and besides as many again as it has: heads, what stands around chunks, what TLS adds, and what
 * has come of the body and not been read yet.
 */
const besidesMax = 262_144

/** Between two looks at what comes: the parser tells nothing of what is no part of the body. */
const watchMilliseconds = 50

/**
 * Names are looked up by the system in one of few threads, of which a name keeps one for long where its server does not answer, also when
 * it was given up. So a tenant has one, and two are the most that Node gives to names.
 */
const lookUps = createFairLine({ atOnce: 2, atOnceEach: 1, waitingMax: 100, waitingEachMax: 50 })

/** @throws Error that tells why nothing can be asked there. */
export function readUrl(text: string): URL {
  const url = new URL(text)
  if (!['http:', 'https:'].includes(url.protocol)) throw new Error('It is no http or https URL.')
  if (url.username !== '' || url.password !== '') throw new Error('It has a user or password.')
  return url
}

/** The address that is a URL's host, as `URL` has written it: other spellings of it are the same by now. Undefined for a name. */
export function literalAddress({ hostname }: URL): string | undefined {
  const literal = hostname.replace(/^\[|\]$/g, '')
  return isIP(literal) === 0 ? undefined : literal
}

/** Ends with the signal, whatever becomes of the work. */
async function untilAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>()
  const abort = () => reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    signal.throwIfAborted()
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', abort)
    work.catch(() => {})
  }
}

/**
 * The addresses of a URL's host.
 *
 * @throws Refusal 503 where its turn has not come; Error.
 */
async function addressesOf(
  url: URL,
  { payer, signal }: Pick<Asking, 'payer' | 'signal'>,
): Promise<LookupAddress[]> {
  const literal = literalAddress(url)
  if (literal !== undefined) return [{ address: literal, family: isIP(literal) }]
  let isBegun = false
  const found = lookUps.run({ payer, isGone: () => signal.aborted }, () => {
    isBegun = true
    return dns.lookup(url.hostname, { all: true })
  })
  return untilAborted(found, signal).catch((error: unknown) => {
    // It says nothing of this address.
    throw isBegun ? error : busy('Other names are being looked up.', retryAfterSeconds)
  })
}

/** The connection goes to these addresses and to no other: a name may mean another one the next time. */
function pinnedTo(addresses: readonly LookupAddress[]): NonNullable<RequestOptions['lookup']> {
  return (_hostname, { all }, answer) => {
    const [first] = addresses
    if (all) answer(null, [...addresses])
    else answer(null, first?.address ?? '', first?.family)
  }
}

/** Breaks a request off whose server sends much that is no part of the body, which could keep a processor busy. */
class Watch {
  #carrier: ClientRequest | IncomingMessage
  #bodyBytes = 0
  #interim = 0
  readonly #looking: NodeJS.Timeout

  constructor(request: ClientRequest) {
    this.#carrier = request
    request.on('information', () => {
      this.#interim += 1
      if (this.#interim > interimMax) this.#breakOff()
    })
    this.#looking = setInterval(() => {
      const bytes = request.socket?.bytesRead ?? 0
      if (bytes > 2 * this.#bodyBytes + besidesMax) this.#breakOff()
    }, watchMilliseconds)
  }

  /** The body of the answer. */
  async *body(response: IncomingMessage): AsyncGenerator<Uint8Array, void> {
    this.#carrier = response
    for await (const piece of response) {
      this.#bodyBytes += piece.length
      yield piece
    }
  }

  end(): void {
    clearInterval(this.#looking)
  }

  #breakOff(): void {
    this.#carrier.destroy(new Error('It sends too much besides the body of its answer.'))
  }
}

async function answerTo(request: ClientRequest): Promise<IncomingMessage> {
  const [response] = await once(request, 'response')
  // What breaks the answer off ends its reading.
  request.on('error', () => {})
  return response
}

/**
 * Asks an address that a tenant names, as far as it may be asked. Redirects are not followed: where they lead nobody has configured. The
 * connection is closed when `read` has ended.
 *
 * @throws Refusal 503 where too many names are looked up; Unreachable; Error that tells why there is no answer; what `read` throws.
 */
export async function askOutside<Result>(
  text: string,
  { method, headers, body, ...options }: Asking & Sent,
  read: (told: Told) => Promise<Result>,
): Promise<Result> {
  const { payer, isReachable, timeLimitMilliseconds = 10_000 } = options
  const url = readUrl(text)
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(timeLimitMilliseconds)])
  const addresses = (await addressesOf(url, { payer, signal })).filter(({ address }) =>
    isReachable(address),
  )
  if (addresses.length === 0) throw new Unreachable()
  const request = (url.protocol === 'https:' ? https : http).request(url, {
    method,
    lookup: pinnedTo(addresses),
    headers: { 'accept-encoding': 'identity', 'user-agent': 'Pointsman', ...headers },
    agent: false,
    signal,
  })
  const watch = new Watch(request)
  try {
    request.end(body)
    const response = await answerTo(request)
    return await read({ response, body: watch.body(response) })
  } finally {
    watch.end()
    request.destroy()
  }
}
