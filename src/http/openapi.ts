import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import packageJson from '../../package.json' with { type: 'json' }
import { isObject } from '../documents/normalise.ts'
import { errorCodes, notFound } from '../errors.ts'
import { sessionCookie } from './identification.ts'
import { type PublicDocument, publicDocument } from './public-document.ts'

const errorSchema = {
  $id: 'Error',
  type: 'object',
  description:
    'One entry for each thing wrong. The code is the contract, the message is for people.',
  properties: {
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          code: { type: 'integer', enum: Object.keys(errorCodes).map(Number) },
          name: { type: 'string', enum: Object.values(errorCodes).map(({ name }) => name) },
          message: { type: 'string' },
          parameter: {
            type: 'string',
            description: 'Path of the field, as in `audioFileList[0].name`.',
          },
        },
        required: ['code', 'name', 'message'],
      },
    },
    requestId: { type: 'string', description: 'Also in the X-Request-Id header and the log.' },
  },
  required: ['errors', 'requestId'],
}

/** @fastify/swagger writes `contentEncoding: base64` in the manner of OpenAPI 3.0, which 3.1 no longer knows. */
function encodingsBack<Json>(document: Json): Json {
  const isEncoded = (value: unknown) => isObject(value) && value.format === 'byte'
  return JSON.parse(JSON.stringify(document), (_key, value) => {
    if (!isEncoded(value)) return value
    const { format: _, ...schema } = value
    return { ...schema, contentEncoding: 'base64' }
  })
}

/** Collects every operation added afterwards into an OpenAPI 3.1 document. */
export async function addOpenApi(app: FastifyInstance): Promise<void> {
  const { publicUrl } = app
  app.addSchema(errorSchema)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Pointsman',
        description: packageJson.description,
        version: packageJson.version,
        license: { name: packageJson.license, identifier: packageJson.license },
      },
      servers: [{ url: publicUrl ? `${publicUrl.origin}${publicUrl.path}` : '/' }],
      components: {
        securitySchemes: {
          session: { type: 'apiKey', in: 'cookie', name: sessionCookie },
          token: { type: 'http', scheme: 'bearer' },
        },
      },
      security: [{ session: [] }, { token: [] }],
    },
    convertConstToEnum: false,
    transformObject: (document) =>
      'openapiObject' in document ? encodingsBack(document.openapiObject) : document.swaggerObject,
    refResolver: {
      buildLocalReference: (schema, _base, _fragment, index) =>
        typeof schema.$id === 'string' ? schema.$id : `Schema${index}`,
    },
  })
}

/** What the documentation page may load: its own files, and the styles that it writes into itself. */
const pagePolicy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"

/** Where people read about the API. */
export const documentationPath = '/docs/'

/** Serves the document and a page to browse it. */
export async function addDocumentation(app: FastifyInstance): Promise<void> {
  const type = 'application/json; charset=utf-8'
  const document = publicDocument(type, () => JSON.stringify(app.swagger()))
  app.addHook('onListen', () => document.prepare())
  app.get(
    '/openapi.json',
    { config: { permission: 'public', query: {} }, schema: { hide: true } as object },
    document.send,
  )
  // A browser that comes to the front door. Behind a proxy with a path that nobody told us of, only a relative one is right.
  app.get(
    '/',
    {
      config: { permission: 'public', produces: '*/*', query: {} },
      schema: { hide: true } as object,
    },
    async (_request, reply) =>
      reply.redirect(app.publicUrl ? documentationPath : `.${documentationPath}`),
  )
  await app.register(addPages, { document })
}

async function addPages(
  pages: FastifyInstance,
  { document }: { document: PublicDocument },
): Promise<void> {
  pages.addHook('onRoute', (route) => {
    route.config = { ...route.config, permission: 'public', produces: '*/*' }
    // The library would make its documents anew for each who asks, the one in YAML at the cost of a second.
    if (route.url === '/docs/json') route.handler = document.send
    if (route.url === '/docs/yaml') route.handler = () => Promise.reject(notFound())
  })
  pages.addHook('onRequest', async (_request, reply) => {
    reply.header('content-security-policy', pagePolicy)
  })
  await pages.register(swaggerUi, {
    routePrefix: documentationPath.replace(/\/$/, ''),
    indexPrefix: pages.publicUrl?.path ?? '',
    theme: {
      title: 'Pointsman API',
      // The bar would show another project's logo and ask for another document.
      css: [{ filename: 'page.css', content: '.swagger-ui .topbar { display: none }' }],
    },
  })
}
