import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyBaseLogger, FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { canonicalAddress } from '../addresses.ts'
import {
  busy,
  DatabaseUnavailable,
  errorCodes,
  type Fault,
  isErrorCode,
  Refusal,
} from '../errors.ts'
import { type Connections, socketErrors } from './connections.ts'
import { floorHeaders, securityHeaders } from './headers.ts'

/** Seconds after which a client should try again when the database could not serve. */
const retryAfterSeconds = 1

/** A body of more bytes than this is not awaited once it is refused. */
const discardedBytesMax = 32 * 1_024 * 1_024

/** The most that a message, the path of a field, and all faults together take in an answer, in bytes. */
const messageBytesMax = 512
const parameterBytesMax = 256
const faultsBytesMax = 16_384

/** What a text takes in an answer, in bytes: JSON writes a control character with six. */
function sentBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text))
}

/** Cuts a text between two characters where an answer would grow too long of it. */
function cut(text: string, bytesMax: number): string {
  if (text.length <= bytesMax && sentBytes(text) <= bytesMax) return text
  let bytes = sentBytes('…')
  const characters: string[] = []
  for (const character of text) {
    bytes += sentBytes(character) - 2
    if (bytes > bytesMax) break
    characters.push(character)
  }
  return `${characters.join('')}…`
}

/**
 * The body of every refusal. What a client sent comes back in it, so this is where its length is bounded, whoever wrote the
 * message: an answer must not be a multiple of its request.
 */
function errorBody(faults: readonly Fault[], requestId: string): string {
  const errors: string[] = []
  let bytes = 0
  for (const { code, message, parameter } of faults) {
    const error = JSON.stringify({
      code,
      name: errorCodes[code].name,
      message: cut(message, messageBytesMax),
      ...(parameter !== undefined && { parameter: cut(parameter, parameterBytesMax) }),
    })
    bytes += Buffer.byteLength(error)
    if (bytes > faultsBytesMax) break
    errors.push(error)
  }
  return `{"errors":[${errors.join(',')}],"requestId":${JSON.stringify(requestId)}}`
}

const frameworkMessages: Record<string, string> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'The body must be JSON: Content-Type application/json.',
  FST_ERR_BAD_URL: 'The path is not correctly percent-encoded.',
}

/** Errors of the HTTP library have these members; others may. */
type Thrown = Error & Partial<Pick<FastifyError, 'code' | 'statusCode'>>

function messageOf(error: Thrown, { routeOptions }: FastifyRequest): string {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return `The body is larger than the ${routeOptions.bodyLimit} bytes that this resource takes.`
  }
  return frameworkMessages[error.code ?? ''] ?? error.message
}

/** A fault found by the HTTP library itself, before any code of ours ran. */
function fromFramework(error: Thrown, request: FastifyRequest): Refusal | undefined {
  const status = error.statusCode ?? 500
  if (status < 400 || status >= 500) return undefined
  return new Refusal([
    { code: isErrorCode(status) ? status : 2, message: messageOf(error, request) },
  ])
}

function toRefusal(error: Thrown, request: FastifyRequest): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof DatabaseUnavailable) {
    return busy('The service cannot do this now; try again.', retryAfterSeconds)
  }
  return (
    fromFramework(error, request) ??
    new Refusal([
      { code: 500, message: 'Something went wrong here; the log knows it by requestId.' },
    ])
  )
}

/** Turns whatever a handler threw into the one error shape. A cause of our own making goes to the log only. */
export function handleError(error: Thrown, request: FastifyRequest, reply: FastifyReply) {
  const refusal = toRefusal(error, request)
  if (refusal.status >= 500 && refusal !== error)
    request.log.error({ err: error }, 'request failed')
  // The library closes the connection, but then what the client is still sending resets it, and the answer may be lost on
  // its way. What was announced to be of some length is read and thrown away, as after every other refusal.
  if (Number(request.headers['content-length']) <= discardedBytesMax)
    reply.removeHeader('connection')
  return reply
    .code(refusal.status)
    .headers({ ...floorHeaders(request), ...refusal.headers })
    .type('application/json; charset=utf-8')
    .send(errorBody(refusal.faults, request.id))
}

/** What becomes no request, by the code of its error, and the headers that go with it; anything else is not HTTP. */
const socketFaults: Record<string, { fault: Fault; headers?: Record<string, string> }> = {
  HPE_HEADER_OVERFLOW: { fault: { code: 431, message: 'The request headers are too large.' } },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    fault: { code: 413, message: 'The chunk extensions are too large.' },
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    fault: { code: 408, message: 'The request did not arrive in time.' },
  },
  [socketErrors.connect]: {
    fault: { code: 405, message: 'CONNECT is not served.' },
    headers: { allow: 'DELETE, GET, HEAD, POST, PUT' },
  },
  [socketErrors.tooManyConnections]: {
    fault: { code: 503, message: 'There are too many connections; try again.' },
    headers: { 'retry-after': String(retryAfterSeconds) },
  },
}
const notHttp: Fault = { code: 2, message: 'The request is not valid HTTP.' }

/** A whole answer as it goes over the wire; the last one of its connection. */
function lastAnswer(fault: Fault, requestId: string, more: Record<string, string> = {}): string {
  const { status } = errorCodes[fault.code]
  const body = errorBody([fault], requestId)
  const headers = {
    ...securityHeaders,
    'x-request-id': requestId,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    date: new Date().toUTCString(),
    connection: 'close',
    ...more,
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`
}

/** Answers, in the one error shape and with a line in the log, on sockets whose bytes never became a request. */
export function clientErrorHandler(options: {
  newRequestId: () => string
  connections: Connections
  logger: FastifyBaseLogger
}) {
  const { newRequestId, connections, logger } = options
  return (error: { code?: string }, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
      return
    }
    connections.refuse(socket, () => {
      const { fault, headers } = socketFaults[error.code ?? ''] ?? { fault: notHttp }
      const { status } = errorCodes[fault.code]
      const reqId = newRequestId()
      const address = canonicalAddress(socket.remoteAddress ?? '')
      logger.info({ reqId, status, address, reason: error.code }, 'refused before it was a request')
      return lastAnswer(fault, reqId, headers)
    })
  }
}
