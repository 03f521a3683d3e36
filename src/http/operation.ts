import { STATUS_CODES } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import type { Schema } from '../documents/vocabulary.ts'
import { levels, type Permission, permissions } from './permissions.ts'

export interface Example {
  request?: unknown
  response?: unknown
}

/** One operation of the API: what is served and what OpenAPI tells of it, written once. */
export interface Operation {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Canonical path with trailing slash and `:parameters`. */
  path: string
  /** A path that old clients use; served by the same handler, not documented. */
  alias?: string
  /** OpenAPI's operationId. */
  id: string
  summary: string
  description?: string
  tag: string
  permission: Permission
  query?: Record<string, Schema>
  body?: Schema
  answer?: Schema
  /** Status of the success; 200 unless told. */
  status?: 200 | 201 | 206
  /** Refusals besides those that the permission and the body bring. */
  refusals?: readonly number[]
  example?: Example
  /** Media type of the success. */
  produces?: string
  /** Media types that the body may have; JSON unless told. */
  consumes?: readonly string[]
  /** Largest body in bytes where it differs from the configured one. */
  bodyBytesMax?: number
  handler(request: FastifyRequest, reply: FastifyReply): Promise<unknown>
}

declare module 'fastify' {
  interface FastifyContextConfig {
    permission?: Permission
    produces?: string
  }
}

/** @fastify/swagger leaves such a route out. */
const hidden = { hide: true } as object

const descriptions: Record<string, string> = {
  tenant_id: 'Id of the tenant, without regard to case.',
  group_id: 'Id of the group, without regard to case.',
  route_point_user_id:
    'Id of the route point, without regard to case; without a domain it gets the group’s default one.',
  user_id: 'Id of the user, without regard to case; without a domain it gets the default one.',
  instance_name: 'Exact name of the item.',
}

function parametersOf(path: string) {
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name]) => String(name))
  if (names.length === 0) return undefined
  const properties = names.map((name) => [
    name,
    { type: 'string', description: descriptions[name] ?? 'Id of the item.' },
  ])
  return { type: 'object', properties: Object.fromEntries(properties), required: names }
}

/** The statuses with which an operation can refuse, by what it is. */
function refusalsOf({ permission, body, method, path, refusals = [], produces }: Operation) {
  const statuses = new Set<number>([...refusals, 405, 406, 500, 503])
  if (permission !== 'public') statuses.add(401)
  if (permissions[permission].level > levels.EndUser) statuses.add(403)
  if (path.includes(':')) statuses.add(404)
  if (method !== 'GET') statuses.add(400)
  if (body) for (const status of [400, 413, 415]) statuses.add(status)
  if (produces) statuses.add(416)
  if (method === 'PUT' || (method === 'DELETE' && path.endsWith('/'))) statuses.add(412)
  return [...statuses].sort((a, b) => a - b)
}

function describeRight(permission: Permission): string {
  if (permission === 'public') return 'Nobody needs to be signed in.'
  const { level } = permissions[permission]
  const [name] = Object.entries(levels).find(([, value]) => value === level) ?? ['']
  return `Authorization rights: minimum ${name.replace(/(?<=[a-z])(?=[A-Z])/, ' ')}.`
}

function responsesOf(operation: Operation): Record<string, unknown> {
  const { status = 200, answer = { type: 'object' }, example } = operation
  const success = {
    description: STATUS_CODES[status],
    content: {
      [operation.produces ?? 'application/json']: {
        schema: operation.produces ? { type: 'string', format: 'binary' } : answer,
        ...(example?.response !== undefined && { example: example.response }),
      },
    },
  }
  const refusals = refusalsOf(operation).map((code) => [
    code,
    {
      description: STATUS_CODES[code],
      content: { 'application/json': { schema: { $ref: 'Error#' } } },
    },
  ])
  return { [status]: success, ...Object.fromEntries(refusals) }
}

function bodyOf({ body, example, consumes = ['application/json'] }: Operation) {
  if (!body) return undefined
  const content = consumes.map((type) => [
    type,
    { schema: body, ...(example?.request !== undefined && { example: example.request }) },
  ])
  return { content: Object.fromEntries(content) }
}

/** A path with its parameters filled in, percent-encoded. */
export function fillPath(path: string, parameters: Record<string, string>): string {
  return path.replaceAll(/:(\w+)/g, (_, name) => encodeURIComponent(parameters[name] ?? ''))
}

/** Adds an operation to the server, and its alias. */
export function addOperation(app: FastifyInstance, operation: Operation): void {
  const { method, path, permission, produces, query, bodyBytesMax, handler } = operation
  const params = parametersOf(path)
  const body = bodyOf(operation)
  const route = {
    method: method as HTTPMethods,
    config: { permission, ...(produces && { produces }) },
    ...(bodyBytesMax !== undefined && { bodyLimit: bodyBytesMax }),
    handler,
  }
  app.route({
    ...route,
    url: path,
    schema: {
      operationId: operation.id,
      summary: operation.summary,
      description: [operation.description, describeRight(permission)].filter(Boolean).join('\n\n'),
      tags: [operation.tag],
      'x-permission': permission,
      ...(permission === 'public' && { security: [] }),
      ...(params && { params }),
      ...(query && { querystring: { type: 'object', properties: query } }),
      ...(body && { body }),
      response: responsesOf(operation),
    },
  })
  if (operation.alias) app.route({ ...route, url: operation.alias, schema: hidden })
}
