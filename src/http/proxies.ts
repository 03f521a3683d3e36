import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { PublicUrl } from '../config.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Where clients reach the service, if somebody told. */
    publicUrl: PublicUrl | undefined
  }
}

/** Where proxies stand one behind the other each adds its word, and the first was nearest to the client. */
function keepFirst(headers: IncomingMessage['headers'], name: string): void {
  const given = headers[name]
  if (given === undefined) return
  const [first = ''] = String(given)
    .split(',')
    .flatMap((item) => item.trim().toLowerCase() || [])
  headers[name] = first
}

/** Some proxies leave the public path in front of ours, others take it away: both arrive as ours. */
function withoutPath(url: string, path: string): string {
  if (!url.startsWith(path)) return url
  const rest = url.slice(path.length)
  if (rest === '' || rest.startsWith('?')) return `/${rest}`
  return rest.startsWith('/') ? rest : url
}

/**
 * Undoes what stands between a client and us, before a request is routed: answers its URL as our own paths begin. Which
 * peers are believed is not judged here; the headers of all others are never read.
 */
export function undoProxies(publicUrl: PublicUrl | undefined) {
  return ({ headers, url = '' }: Pick<IncomingMessage, 'headers' | 'url'>): string => {
    keepFirst(headers, 'x-forwarded-proto')
    keepFirst(headers, 'x-forwarded-host')
    // A client that takes us for a proxy sends the whole address (RFC 9112, 3.2.2).
    const own = url.startsWith('/') ? url : url.replace(/^https?:\/\/[^/?]*\/?/i, '/')
    return publicUrl?.path ? withoutPath(own, publicUrl.path) : own
  }
}

/** Whether the client speaks TLS, with us or with the proxy that it reached. */
export function isOverTls({ server, protocol }: FastifyRequest): boolean {
  return protocol === 'https' || server.publicUrl?.origin.startsWith('https:') === true
}

/**
 * Makes the references in answers right for clients. They stay paths: those who follow one keep the name, the port and the
 * credentials with which they came, be it from outside or from within.
 *
 * @throws Error, when the server gets ready, for a public path that could be taken for one of ours. Call it before the
 * routes are added.
 */
export function answerFrom(app: FastifyInstance, publicUrl: PublicUrl | undefined): void {
  app.decorate('publicUrl', publicUrl)
  const path = publicUrl?.path
  if (!path) return
  let own: string | undefined
  app.addHook('onRoute', ({ url }) => {
    if (url.startsWith(`${path}/`)) own ??= url
  })
  app.addHook('onReady', async () => {
    if (own === undefined) return
    throw new Error(`POINTSMAN_PUBLIC_URL cannot have the path ${path}: the service has ${own}.`)
  })
  app.addHook('onSend', async (_request, reply) => {
    const location = reply.getHeader('location')
    if (typeof location === 'string' && location.startsWith('/')) {
      reply.header('location', `${path}${location}`)
    }
    const link = reply.getHeader('link')
    if (typeof link === 'string') reply.header('link', link.replaceAll('</', `<${path}/`))
  })
}
