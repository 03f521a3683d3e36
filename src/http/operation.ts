import { STATUS_CODES } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify'
import Type from 'typebox'
import { documented } from '../documents/schemas.ts'
import type { Schema } from '../documents/vocabulary.ts'
import { invalid, Refusal } from '../errors.ts'
import { type Answer, type ContentAnswer, sendAnswer } from './answer.ts'
import { inTurn } from './dear-operations.ts'
import { levels, type Permission, permissions } from './permissions.ts'
import type { Query } from './query.ts'
import { readRetryKey } from './retry-key.ts'

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
  /** It may look at thousands of rows, as each list may: of such, few are done at once, and tenants take turns. */
  isDear?: boolean
  /** Largest body in bytes where it differs from the configured one. */
  bodyBytesMax?: number
  /** Why it cannot be tried without being done, where it cannot; any other write can, by `?dryRun=true`. */
  isFinal?: string
  handler(request: FastifyRequest): Promise<Answer | ContentAnswer>
}

declare module 'fastify' {
  interface FastifyContextConfig {
    permission?: Permission
    produces?: string
    /** The query parameters that the route knows; it takes any, or judges them itself, where this is absent. */
    query?: Readonly<Record<string, Schema>>
  }
}

const jsonType = 'application/json'

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
function refusalsOf({ permission, method, path, status, refusals = [], produces }: Operation) {
  const statuses = new Set<number>([...refusals, 400, 406, 408, 417, 431, 500, 503])
  if (permission !== 'public') statuses.add(401)
  if (permissions[permission].level > levels.EndUser) statuses.add(403)
  if (path.includes(':')) statuses.add(404)
  // Another site's page is refused, and a body is read wherever the method may have one.
  if (isWrite({ method })) for (const status of [403, 413, 415]) statuses.add(status)
  // What comes of an Idempotency-Key, where there is somebody to keep an answer for.
  if (isWrite({ method }) && permission !== 'public')
    for (const status of [409, 422]) statuses.add(status)
  if (produces) statuses.add(416)
  if (isConditional(method) || status === 201) statuses.add(412)
  return [...statuses].sort((a, b) => a - b)
}

/** A list judges its own query, names and values in one. */
function isList({ query }: Pick<Operation, 'query'>): boolean {
  return query?.pageSize !== undefined
}

/** Whether a write shall only be tried. */
export function isDryRun({ query }: Pick<FastifyRequest, 'query'>): boolean {
  return (query as Query).dryRun === 'true'
}

/** The parameters of the query, with the one that every write has. */
function queryOf({ method, query }: Operation): Record<string, Schema> | undefined {
  if (!isWrite({ method })) return query
  const dryRun = Type.Enum(['true', 'false'], {
    description: 'Judge the request and answer as if it were done, but change nothing.',
  })
  return { ...query, dryRun }
}

function isWrite({ method }: Pick<Operation, 'method'>): boolean {
  return method !== 'GET'
}

function isConditional(method: Operation['method']): boolean {
  return method === 'PUT' || method === 'DELETE'
}

/** Whether an answer has an ETag: GETs of what is stored. */
function isCached({ method, permission }: Operation): boolean {
  return method === 'GET' && permission !== 'public'
}

function preconditionsOf(operation: Operation) {
  const headers: Record<string, object> = {}
  if (isCached(operation)) {
    const description = 'ETags that the client has; when one still holds the answer is 304.'
    headers['If-None-Match'] = { type: 'string', description }
  }
  if (isConditional(operation.method)) {
    const description =
      'The ETag on which the change rests; when it no longer holds nothing is done.'
    headers['If-Match'] = { type: 'string', description }
    const exclusion = 'ETags of states in which nothing shall be done; `*` for any.'
    headers['If-None-Match'] = { type: 'string', description: exclusion }
  }
  if (isWrite(operation)) {
    const description =
      'A key of 16 to 255 characters, such as a UUID, with which the request can be sent again: within 24 hours it is done ' +
      'once, and answered alike.'
    headers['Idempotency-Key'] = { type: 'string', description }
  }
  return Object.keys(headers).length > 0 ? { type: 'object', properties: headers } : undefined
}

/** The headers of a success. */
function headersOf(operation: Operation) {
  const names: [string, string][] = []
  if (isCached(operation)) names.push(['ETag', 'Strong validator of the answer.'])
  if (isList(operation)) {
    names.push(['X-Total-Count', 'Items on all pages.'])
    names.push(['Link', 'Where the next page is, as `rel="next"`; absent on the last.'])
  }
  if (operation.status === 201) names.push(['Location', 'Path of what was created.'])
  if (isWrite(operation) && operation.permission !== 'public') {
    names.push(['Idempotent-Replay', '`true` where it is the kept answer to an earlier request.'])
    names.push(['Dry-Run', '`true` where nothing was changed.'])
  }
  const headers = names.map(([name, description]) => [name, { type: 'string', description }])
  return headers.length > 0 ? { headers: Object.fromEntries(headers) } : {}
}

function describeRight(permission: Permission): string {
  if (permission === 'public') return 'Nobody needs to be signed in.'
  const { level } = permissions[permission]
  const [name] = Object.entries(levels).find(([, value]) => value === level) ?? ['']
  return `Authorization rights: minimum ${name.replace(/(?<=[a-z])(?=[A-Z])/, ' ')}.`
}

function responsesOf(operation: Operation): Record<string, unknown> {
  const { status = 200, answer = { type: 'object' } as Schema, example } = operation
  const success = {
    description: STATUS_CODES[status],
    ...headersOf(operation),
    content: {
      [operation.produces ?? 'application/json']: {
        schema: operation.produces
          ? { type: 'string', format: 'binary' }
          : documented(answer, false),
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
  const partial = operation.produces && { 206: { ...success, description: STATUS_CODES[206] } }
  const notModified = isCached(operation) && {
    304: { type: 'null', description: STATUS_CODES[304] },
  }
  return { [status]: success, ...partial, ...notModified, ...Object.fromEntries(refusals) }
}

/** The schema of a form: files come as they are, while in JSON they are base64. */
function asForm(body: Schema): Schema {
  const properties = Object.entries(body.properties ?? {}).map(([name, property]) => {
    const { contentEncoding, ...file } = property as Schema & { contentEncoding?: string }
    return [name, contentEncoding === undefined ? property : { ...file, format: 'binary' }]
  })
  return { ...body, properties: Object.fromEntries(properties) }
}

function bodyOf({ body, example, consumes = [jsonType] }: Operation) {
  if (!body) return undefined
  // @fastify/swagger keeps nothing of a body's content but the schema, whose one example it makes the content's.
  const examples = example?.request !== undefined && { examples: [example.request] }
  const content = consumes.map((type) => [
    type,
    { schema: type === jsonType ? { ...body, ...examples } : asForm(body) },
  ])
  return { content: Object.fromEntries(content) }
}

/** A path with its parameters filled in, percent-encoded. */
export function fillPath(path: string, parameters: Record<string, string>): string {
  return path.replaceAll(/:(\w+)/g, (_, name) => encodeURIComponent(parameters[name] ?? ''))
}

/** What Fastify calls: the operation's handler, in its turn, and its answer sent. */
function serve({ handler, isFinal, ...operation }: Operation) {
  const isDear = operation.isDear || isList(operation)
  return async (request: FastifyRequest, reply: FastifyReply) => {
    // Where no answer is kept, as none is of a sign-in, a wrong key is wrong all the same.
    if (isWrite(operation)) readRetryKey(request.headers)
    if (isFinal !== undefined && isDryRun(request)) {
      throw new Refusal([invalid('dryRun', `The 'dryRun' parameter cannot be true: ${isFinal}.`)])
    }
    const answer = await (isDear ? inTurn(request, () => handler(request)) : handler(request))
    return sendAnswer(request, reply, answer)
  }
}

/** Adds an operation to the server, and its alias. */
export function addOperation(app: FastifyInstance, operation: Operation): void {
  const { method, path, permission, produces, bodyBytesMax } = operation
  const query = queryOf(operation)
  const params = parametersOf(path)
  const body = bodyOf(operation)
  const headers = preconditionsOf(operation)
  const route = {
    method: method as HTTPMethods,
    config: {
      permission,
      ...(produces && { produces }),
      ...(!isList(operation) && { query: query ?? {} }),
    },
    ...(bodyBytesMax !== undefined && { bodyLimit: bodyBytesMax }),
    handler: serve(operation),
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
      ...(headers && { headers }),
      ...(body && { body }),
      response: responsesOf(operation),
    },
  })
  if (operation.alias) app.route({ ...route, url: operation.alias, schema: hidden })
}
