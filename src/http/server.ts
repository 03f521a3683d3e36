import Fastify, {
  type FastifyBaseLogger,
  type FastifyInstance,
  type FastifyRequest,
  LogController,
} from 'fastify'
import Negotiator from 'negotiator'
import { type Fault, notFound, Refusal } from '../errors.ts'
import { handleClientError, handleError } from './error-handler.ts'
import { type Identification, identify } from './identification.ts'
import { parseJson } from './json.ts'
import { rememberRoutes } from './routes.ts'

/** An id of 161 code points, each percent-encoded from up to four bytes. */
const parameterLengthMax = 161 * 4 * 3

/** Time in milliseconds that a client has to send a whole request. */
const requestTimeout = 60_000

export interface ServerOptions {
  logger: FastifyBaseLogger
  identification: Identification
  /** Bytes. */
  bodyBytesMax: number
  trustedProxies: readonly string[]
}

const securityHeaders: Record<string, string> = {
  'cache-control': 'private, no-cache',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** A body without a type is JSON; so is one whose type stands in quotes, as the reference prints it. */
function settleContentType({ headers }: FastifyRequest): void {
  const [, quoted] = /^"([^"]*)"$/.exec(headers['content-type'] ?? '') ?? []
  headers['content-type'] = quoted ?? (headers['content-type'] || 'application/json')
}

/** @throws Refusal 406 when the client accepts nothing that the route answers. */
function refuseUnacceptable(request: FastifyRequest): void {
  const { accept } = request.headers
  const produced = request.routeOptions.config.produces ?? 'application/json'
  if (accept === undefined || accept.includes('*/*') || accept.includes(produced)) return
  if (new Negotiator(request.raw).mediaTypes([produced]).length > 0) return
  throw new Refusal([{ code: 406, message: `This resource is answered as ${produced}.` }])
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

/** The HTTP floor: everything that holds for all routes, and no route. */
export function createServer(options: ServerOptions): FastifyInstance {
  const { trustedProxies, logger } = options
  const app: FastifyInstance = Fastify({
    loggerInstance: logger,
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: options.bodyBytesMax,
    requestTimeout,
    forceCloseConnections: 'idle',
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false,
    genReqId: requestIds(),
    requestIdHeader: false,
    clientErrorHandler: handleClientError,
    frameworkErrors: handleError,
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: parameterLengthMax },
  })
  const methodsOf = rememberRoutes(app)

  // Bodies are judged by documents against what is stored, so that one answer tells every fault.
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => (value) => JSON.stringify(value))
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, text, done) => {
    try {
      done(null, parseJson(String(text)))
    } catch (error) {
      done(error as Error)
    }
  })

  app.addHook('onRequest', async (request, reply) => {
    reply.headers(securityHeaders).header('x-request-id', request.id)
    if (request.protocol === 'https') reply.header('strict-transport-security', 'max-age=31536000')
    if (request.is404) return
    refuseUnacceptable(request)
    settleContentType(request)
    await identify(request, options.identification)
  })
  app.addHook('onResponse', async (request, reply) => {
    request.log.info(
      {
        method: request.method,
        path: request.url.split('?', 1)[0],
        status: reply.statusCode,
        milliseconds: Math.round(reply.elapsedTime * 10) / 10,
        caller: request.caller?.identityId,
      },
      'request',
    )
  })
  app.setErrorHandler(handleError)
  app.setNotFoundHandler(async (request) => {
    throw notServed(methodsOf(request.url))
  })
  return app
}
