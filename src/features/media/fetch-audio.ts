import { promises as dns, type LookupAddress } from 'node:dns'
import { once } from 'node:events'
import http, { type ClientRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import https from 'node:https'
import { isIP } from 'node:net'
import { gather } from '../../documents/upload.ts'
import { busy } from '../../errors.ts'
import { createFairLine } from '../../http/fair-line.ts'
import { examine, type Recording } from '../announcements/wave.ts'

/** What lets a server say that nothing has changed. */
export interface Validators {
  etag: string | null
  lastModified: string | null
}

export interface FetchOptions {
  /** The tenant for which it is fetched. */
  payer: string
  /** Which addresses may be asked. */
  isReachable(address: string): boolean
  /** Bytes of the largest file. */
  bytesMax: number
  /** For all of it, from the look-up of the name to the last byte; 10 s unless told. */
  timeLimitMilliseconds?: number
  /** Those of what is there already. */
  known?: Validators
  signal: AbortSignal
}

export interface Fetched extends Validators {
  recording: Recording
}

/** Longer ones are not kept: what a server sends there is its own business, but ours to store. */
const validatorLengthMax = 256

/** For whoever comes while other names are looked up. */
const retryAfterSeconds = 10

/** Answers before the answer, such as `103 Early Hints`: none is of use to us, and each costs more than its bytes. */
const interimMax = 10

/**
 * Bytes that may come besides the file, and besides as many again as it has: heads, what stands around chunks, what TLS adds, and what
 * has come of the file and not been read yet.
 */
const besidesMax = 262_144

/** Between two looks at what comes: the parser tells nothing of what is no part of the file. */
const watchMilliseconds = 50

/**
 * Names are looked up by the system in one of few threads, of which a name keeps one for long where its server does not answer, also when
 * it was given up. So a tenant has one, and two are the most that Node gives to names.
 */
const lookUps = createFairLine({ atOnce: 2, atOnceEach: 1, waitingMax: 100, waitingEachMax: 50 })

/** @throws Error that tells why nothing is fetched from there. */
function readUrl(text: string): URL {
  const url = new URL(text)
  if (!['http:', 'https:'].includes(url.protocol)) throw new Error('It is no http or https URL.')
  if (url.username !== '' || url.password !== '') throw new Error('It has a user or password.')
  return url
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
 * The addresses of a URL's host, as `URL` has written it: other spellings of an address are that address by now.
 *
 * @throws Refusal 503 where its turn has not come; Error.
 */
async function addressesOf(
  { hostname }: URL,
  { payer, signal }: Pick<FetchOptions, 'payer' | 'signal'>,
): Promise<LookupAddress[]> {
  const literal = hostname.replace(/^\[|\]$/g, '')
  const family = isIP(literal)
  if (family !== 0) return [{ address: literal, family }]
  let isBegun = false
  const found = lookUps.run({ payer, isGone: () => signal.aborted }, () => {
    isBegun = true
    return dns.lookup(hostname, { all: true })
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

function headersFor({ etag, lastModified }: Partial<Validators>): Record<string, string> {
  return {
    accept: 'audio/*, */*;q=0.1',
    'accept-encoding': 'identity',
    'user-agent': 'Pointsman',
    ...(etag && { 'if-none-match': etag }),
    ...(lastModified && { 'if-modified-since': lastModified }),
  }
}

/** Breaks a request off whose server sends much that is not the file, which could keep a processor busy. */
class Watch {
  #carrier: ClientRequest | IncomingMessage
  #fileBytes = 0
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
      if (bytes > 2 * this.#fileBytes + besidesMax) this.#breakOff()
    }, watchMilliseconds)
  }

  /** The body of the answer. */
  async *body(response: IncomingMessage): AsyncGenerator<Uint8Array, void> {
    this.#carrier = response
    for await (const piece of response) {
      this.#fileBytes += piece.length
      yield piece
    }
  }

  end(): void {
    clearInterval(this.#looking)
  }

  #breakOff(): void {
    this.#carrier.destroy(new Error('It sends too much that is not the file.'))
  }
}

async function answerTo(request: ClientRequest): Promise<IncomingMessage> {
  const [response] = await once(request, 'response')
  // What breaks the answer off ends its reading.
  request.on('error', () => {})
  return response
}

/** @throws Error that tells what of an answer is not as it must be. */
function requireFile({ statusCode, headers }: IncomingMessage, bytesMax: number): void {
  if (statusCode !== 200) throw new Error(`The answer was ${statusCode}.`)
  const coding = headers['content-encoding'] ?? 'identity'
  if (coding !== 'identity') throw new Error('The answer is compressed, which was not asked for.')
  if (Number(headers['content-length'] ?? 0) > bytesMax) {
    throw new Error(`The file is larger than ${bytesMax} bytes.`)
  }
}

function validatorsOf({ headers }: IncomingMessage): Validators {
  const kept = (text: string | undefined) =>
    text !== undefined && text.length <= validatorLengthMax ? text : null
  return { etag: kept(headers.etag), lastModified: kept(headers['last-modified']) }
}

async function read(
  response: IncomingMessage,
  { watch, bytesMax }: { watch: Watch; bytesMax: number },
): Promise<Fetched> {
  requireFile(response, bytesMax)
  const recording = await examine(await gather(watch.body(response), 'audio', bytesMax))
  if (recording.flaw !== undefined) throw new Error(`It cannot be played: ${recording.flaw}.`)
  return { recording, ...validatorsOf(response) }
}

/**
 * Fetches audio from an address that a tenant names, as far as it may be asked and every switch can play what comes. Redirects are not
 * followed: where they lead nobody has configured.
 *
 * @returns undefined where what is known is still so.
 * @throws Refusal 503 where too many names are looked up; Error that tells why there is none.
 */
export async function fetchAudio(
  text: string,
  options: FetchOptions,
): Promise<Fetched | undefined> {
  const { isReachable, bytesMax, timeLimitMilliseconds = 10_000, known = {} } = options
  const url = readUrl(text)
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(timeLimitMilliseconds)])
  const addresses = (await addressesOf(url, { payer: options.payer, signal })).filter(
    ({ address }) => isReachable(address),
  )
  if (addresses.length === 0) throw new Error('Its host has no address that may be asked.')
  const request = (url.protocol === 'https:' ? https : http).get(url, {
    lookup: pinnedTo(addresses),
    headers: headersFor(known),
    agent: false,
    signal,
  })
  const watch = new Watch(request)
  try {
    const response = await answerTo(request)
    const isUnchanged = response.statusCode === 304 && Object.values(known).some(Boolean)
    return isUnchanged ? undefined : await read(response, { watch, bytesMax })
  } finally {
    watch.end()
    request.destroy()
  }
}
