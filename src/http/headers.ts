import type { FastifyRequest } from 'fastify'
import { isOverTls } from './proxies.ts'

/** On every answer, also on those that the HTTP library makes before a request is whole. */
export const securityHeaders: Readonly<Record<string, string>> = {
  'cache-control': 'private, no-cache',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

const overTls = { 'strict-transport-security': 'max-age=31536000' }

/** The headers that an answer to `request` has whatever it says. */
export function floorHeaders(request: FastifyRequest): Record<string, string> {
  return {
    ...securityHeaders,
    'x-request-id': request.id,
    ...(isOverTls(request) && overTls),
  }
}
