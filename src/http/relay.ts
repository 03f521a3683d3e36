import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { isIP } from 'node:net'
import type { FastifyRequest } from 'fastify'
import { busy, type Fault, isErrorCode, Refusal } from '../errors.ts'
import type { Answer } from './answer.ts'

/** Marks what another node has passed on, so that nothing is passed on twice. */
const relayedHeader = 'pointsman-relayed'

/** Milliseconds for all of it: more than a write takes, less than clients wait. */
const limitMilliseconds = 10_000

/** Bytes of an answer; those of commands have some hundreds, refusals 16 KiB at most. */
const answerBytesMax = 65_536

/** What is between two nodes alone, or made anew (RFC 9110, 7.6.1). */
const ownHeaders = new Set([
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'expect',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Headers of answers that their clients are to see; the others each node makes itself. */
const answerHeaders = [
  'dry-run',
  'etag',
  'idempotent-replay',
  'location',
  'retry-after',
  'www-authenticate',
]

/** Whether a request comes from another node of ours, and is not to be passed on again. */
export function isRelayed({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return headers[relayedHeader] !== undefined
}

/** As the client sent it, credentials and all: the other node judges it anew, and trusts nobody for it. */
function headersFor({ headers, raw }: FastifyRequest, body: string): http.OutgoingHttpHeaders {
  const passed = Object.entries(headers).filter(([name]) => !ownHeaders.has(name))
  const chain = [headers['x-forwarded-for'], raw.socket.remoteAddress]
  return {
    ...Object.fromEntries(passed),
    'x-forwarded-for': chain.filter(Boolean).join(', '),
    'content-length': Buffer.byteLength(body),
    [relayedHeader]: '1',
  }
}

async function readText(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of answer) {
    bytes += piece.length
    if (bytes > answerBytesMax) throw new Error('The answer is too large.')
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString('utf8')
}

/** The refusal that another node has answered with; undefined where it is none of ours. */
function refusalIn(text: string, headers: Record<string, string>): Refusal | undefined {
  const { errors } = JSON.parse(text) as { errors?: (Fault & { name: string })[] }
  const faults = (errors ?? []).flatMap(({ code, message, parameter }) =>
    isErrorCode(code) ? [{ code, message, ...(parameter !== undefined && { parameter }) }] : [],
  )
  const [first, ...others] = faults
  return first && new Refusal([first, ...others], headers)
}

/** What is added to our answers on their way out, such as the public path, is taken off first. */
function withoutPublicPath({ server }: FastifyRequest, location: string): string {
  const path = server.publicUrl?.path ?? ''
  return path !== '' && location.startsWith(`${path}/`) ? location.slice(path.length) : location
}

async function ask(request: FastifyRequest, node: string): Promise<IncomingMessage> {
  const { method, raw, body } = request
  const text = body === undefined || body === null ? '' : JSON.stringify(body)
  const url = new URL(node)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const sent = (url.protocol === 'https:' ? https : http).request(url, {
    method,
    path: raw.url,
    // Node would take the name that the client wrote into Host.
    servername: isIP(host) === 0 ? host : '',
    headers: headersFor(request, text),
    signal: AbortSignal.timeout(limitMilliseconds),
  })
  sent.once('response', resolve).once('error', reject).end(text)
  return promise
}

/**
 * Has another node do what is asked, and answers what it does.
 *
 * @param node where it is reached, as `http://10.0.0.2:8080`.
 * @throws Refusal as the other node does; 503 where it does not answer, and it is not known whether it was done.
 */
export async function relay(request: FastifyRequest, node: string): Promise<Answer> {
  try {
    const answer = await ask(request, node)
    const text = await readText(answer)
    const headers: Record<string, string> = {}
    for (const name of answerHeaders) {
      const value = answer.headers[name]
      if (value !== undefined) headers[name] = String(value)
    }
    const { location } = headers
    if (location !== undefined) headers.location = withoutPublicPath(request, location)
    const { statusCode: status } = answer
    if (status === 200 || status === 201) return { status, headers, text }
    throw refusalIn(text, headers) ?? new Error(`The answer was ${status}.`)
  } catch (error) {
    if (error instanceof Refusal) throw error
    request.log.warn({ err: error, node }, 'another node did not answer')
    throw busy('The node that treats the call does not answer; try again.', 1)
  }
}
