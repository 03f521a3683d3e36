import swaggerUi, { type FastifySwaggerUiOptions } from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { notFound } from '../errors.ts'
import { describeApi, type OpenApi } from './openapi/document.ts'
import { type PublicDocument, publicDocument } from './public-document.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** The description of all operations, made anew at each call. */
    openapi(): OpenApi
  }
}

/** What the documentation page may load: its own files, and the styles that it writes into itself. */
const pagePolicy =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"

/** Where people read about the API. */
export const documentationPath = '/docs/'

/** Serves the description of the API and a page to browse it. */
export async function addDocumentation(app: FastifyInstance): Promise<void> {
  app.decorate('openapi', () => describeApi(app.operations, app.publicUrl))
  const type = 'application/json; charset=utf-8'
  const document = publicDocument(type, () => JSON.stringify(app.openapi()))
  app.addHook('onListen', () => document.prepare())
  app.get('/openapi.json', { config: { permission: 'public', query: {} } }, document.send)
  // A browser that comes to the front door. Behind a proxy with a path that nobody told us of, only a relative one is right.
  app.get(
    '/',
    { config: { permission: 'public', produces: '*/*', query: {} } },
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
  // Registered as it is, it would insist on the library from which it takes documents; those are answered above.
  await pages.register(async (scope) => {
    await swaggerUi(scope, pageOptions(scope), () => undefined)
  })
}

function pageOptions({ publicUrl }: FastifyInstance): FastifySwaggerUiOptions {
  return {
    routePrefix: documentationPath.replace(/\/$/, ''),
    indexPrefix: publicUrl?.path ?? '',
    theme: {
      title: 'Pointsman API',
      // The bar would show another project's logo and ask for another document.
      css: [{ filename: 'page.css', content: '.swagger-ui .topbar { display: none }' }],
    },
  }
}
