import { maxHeaderSize } from 'node:http'
import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from 'fastify'
import Negotiator from 'negotiator'
import { addressTest, canonicalAddress } from '../addresses.ts'
import type { PublicUrl } from '../config.ts'
import { type Fault, notFound, Refusal, refuseIfAny } from '../errors.ts'
import { clientAddress } from './client-address.ts'
import { Connections } from './connections.ts'
import { clientErrorHandler, handleError } from './error-handler.ts'
import { announceStopping } from './events.ts'
import { floorHeaders } from './headers.ts'
import { type Identification, identify } from './identification.ts'
import { parseJson } from './json.ts'
import { rememberRoutes } from './known-routes.ts'
import { answerFrom, undoProxies } from './proxies.ts'
import { judgeQuery, queryIn } from './query.ts'

/** No path is cut off by the router: the size of the headers bounds it already. */
const parameterLengthMax = maxHeaderSize

declare module 'fastify' {
  interface FastifyInstance {
    connections: Connections
  }
}

export interface ServerOptions {
  logger: FastifyBaseLogger
  identification: Identification
  /** Bytes. */
  bodyBytesMax: number
  connectionsMax: number
  /** The pace at which a client must send a body and take an answer. */
  bytesPerSecondMin: number
  trustedProxies: readonly string[]
  publicUrl: PublicUrl | undefined
}

function isEmpty(headers: FastifyRequest['headers']): boolean {
  return !headers['transfer-encoding'] && !Number(headers['content-length'])
}

/**
 * A body without a type is JSON; so is one whose type stands in quotes, as the reference prints it. Where there is no body
 * its type says nothing: some clients send one with every request.
 */
function settleContentType({ headers }: FastifyRequest): void {
  const type = isEmpty(headers) ? undefined : headers['content-type']?.replace(/^"([^"]*)"/, '$1')
  headers['content-type'] = type || 'application/json'
}

/** A name or address, and a port; of a header that was given twice, a comma would stand between them. */
const hostAndPort = /^(?:\[[^\s,/@?#\\[\]]+\]|[^\s,/@?#\\[\]:]*)(?::\d{0,5})?$/

/**
 * @throws Refusal 2 for what cannot be an id or a text of ours, and that databases treat in ways of their own, and for what HTTP
 * asks of every server to refuse (RFC 9112, 3.2); 417 for an expectation that nobody meets.
 */
function refuseMalformed({ raw, headers, url }: FastifyRequest): void {
  if (url.includes('%00')) {
    throw new Refusal([{ code: 2, message: 'The path or query holds a NUL character.' }])
  }
  if (headers.host === undefined && raw.httpVersion === '1.1') {
    throw new Refusal([{ code: 2, message: 'The Host header is missing.' }])
  }
  if (headers.host !== undefined && !hostAndPort.test(headers.host)) {
    throw new Refusal([{ code: 2, message: 'The Host header must be one host, and its port.' }])
  }
  if (headers.expect !== undefined && headers.expect.toLowerCase() !== '100-continue') {
    throw new Refusal([{ code: 417, message: 'Expect can be 100-continue only.' }])
  }
}

/** A parameter of a media range, such as `charset`, but for its weight. */
const mediaParameter = /;(?!\s*q=)[^;,]*/gi

/**
 * Whatever charset or version of JSON a client names, it gets ours: older clients name some and read any.
 *
 * @throws Refusal 406 when the client accepts nothing that the route answers.
 */
function refuseUnacceptable(request: FastifyRequest): void {
  const { accept } = request.headers
  const produced = request.routeOptions.config.produces ?? 'application/json'
  if (!accept || accept === '*/*' || accept === produced || produced === '*/*') return
  const headers = { accept: accept.replaceAll(mediaParameter, '') }
  if (new Negotiator({ headers }).mediaTypes([produced]).length > 0) return
  throw new Refusal([{ code: 406, message: `This resource is answered as ${produced}.` }])
}

/** @throws Refusal 415 for a body that would have to be decoded before it can be measured and read. */
function refuseEncoded({ headers }: FastifyRequest): void {
  const encoding = headers['content-encoding'] ?? 'identity'
  const transfer = headers['transfer-encoding'] ?? 'chunked'
  if (encoding.toLowerCase() === 'identity' && transfer.toLowerCase() === 'chunked') return
  if (isEmpty(headers)) return
  throw new Refusal([{ code: 415, message: 'The body must come as it is, not encoded.' }], {
    'accept-encoding': 'identity',
  })
}

/** @throws Refusal 2 naming each parameter that the operation does not know: a misspelt one must not be passed over. */
function refuseUnknownQuery(request: FastifyRequest): void {
  const { query: parameters } = request.routeOptions.config
  if (parameters) refuseIfAny(judgeQuery(queryIn(request), parameters))
}

function notServed(methods: readonly string[]): Refusal {
  if (methods.length === 0) return notFound()
  const fault: Fault = { code: 405, message: `This resource has ${methods.join(', ')}.` }
  return new Refusal([fault], { allow: methods.join(', ') })
}

/** Request ids are unique among nodes by their start, and cheap. */
function requestIds(): () => string {
  const start = crypto.randomUUID().slice(0, 8)
  let count = 0
  return () => {
    count += 1
    return `${start}-${count.toString(36)}`
  }
}

/** Bodies are judged by documents against what is stored, so that one answer tells every fault; routes have no schemas. */
function readJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<Buffer>(
    'application/json',
    { parseAs: 'buffer' },
    (_request, bytes, done) => {
      try {
        done(null, parseJson(bytes))
      } catch (error) {
        // Whatever it throws is one.
        done(error as Error)
      }
    },
  )
}

function logRequests(app: FastifyInstance): void {
  app.addHook('onResponse', async (request, reply) => {
    request.log.info(
      {
        method: request.method,
        path: request.url.split('?', 1)[0],
        status: reply.statusCode,
        milliseconds: Math.round(reply.elapsedTime * 10) / 10,
        caller: request.caller?.identityId,
        address: request.address,
      },
      'request',
    )
  })
}

function connectionsOf(options: ServerOptions, isProxy: (address: string) => boolean): Connections {
  return new Connections({
    connectionsMax: options.connectionsMax,
    bytesPerSecondMin: options.bytesPerSecondMin,
    isProxy,
    onCut: ({ remoteAddress = '' }, reason) =>
      options.logger.warn({ address: canonicalAddress(remoteAddress), reason }, 'connection ended'),
  })
}

/** The HTTP floor: everything that holds for all routes, and no route. */
export function createServer(options: ServerOptions): FastifyInstance {
  const { trustedProxies, publicUrl, logger } = options
  const newRequestId = requestIds()
  const isProxy = addressTest(trustedProxies)
  const connections = connectionsOf(options, isProxy)
  const app: FastifyInstance = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: options.bodyBytesMax,
    forceCloseConnections: 'idle',
    // What arrives on a kept connection while the server stops is served like the rest, and told that it is the last.
    return503OnClosing: false,
    // In whatever spelling the address comes; a socket that is closed already has none.
    trustProxy:
      trustedProxies.length > 0 && ((address) => isProxy(canonicalAddress(address ?? '') ?? '')),
    rewriteUrl: undoProxies(publicUrl),
    genReqId: newRequestId,
    // Node answers a missing Host in a shape of its own, and of a header given twice it keeps the first; both are refused below.
    serverFactory: (handler) =>
      connections.createServer(handler, { requireHostHeader: false, joinDuplicateHeaders: true }),
    requestIdHeader: false,
    clientErrorHandler: clientErrorHandler({ newRequestId, connections, logger }),
    frameworkErrors: handleError,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: parameterLengthMax },
  })
  app.decorate('connections', connections)
  app.decorate('operations', [])
  answerFrom(app, publicUrl)
  const methodsOf = rememberRoutes(app)

  readJson(app)

  app.addHook('onRequest', async (request, reply) => {
    request.address = clientAddress(request.raw, isProxy)
    reply.headers(floorHeaders(request))
    refuseMalformed(request)
    if (request.is404) throw notServed(methodsOf(request.url))
    settleContentType(request)
    await identify(request, options.identification)
    refuseUnacceptable(request)
    refuseEncoded(request)
    if (request.url.includes('?')) refuseUnknownQuery(request)
  })
  logRequests(app)
  // Connections that were busy when the server began to stop would otherwise be kept, and keep it from stopping.
  app.addHook('preClose', async () => {
    app.server.keepAliveTimeout = 1
  })
  announceStopping(app)
  app.setErrorHandler(handleError)
  // Paths that no route has are refused above, before a body is read; this is for routes that find nothing themselves.
  app.setNotFoundHandler(async () => {
    throw notFound()
  })
  return app
}
