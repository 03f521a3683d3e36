import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Schema } from '../documents/vocabulary.ts'
import { invalid, Refusal } from '../errors.ts'
import { type Answer, type ContentAnswer, sendAnswer } from './answer.ts'
import { inTurn } from './dear-operations.ts'
import type { EventsAnswer, TextsAnswer } from './events.ts'
import type { HeaderName } from './openapi/headers.ts'
import type { Permission } from './permissions.ts'
import { isDryRun } from './query.ts'
import { readRetryKey } from './retry-key.ts'

export interface Example {
  request?: unknown
  response?: unknown
}

/** What operations are sorted by, for people. */
export interface Tag {
  name: string
  description: string
}

/** What a parameter of a path names, for OpenAPI. */
export interface PathParameter {
  /** Name of the component. */
  component: string
  description: string
  schema: object
  example: unknown
}

/** One operation of the API: what is served and what OpenAPI tells of it, written once. */
export interface Operation {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** Canonical path with trailing slash and `:parameters`. */
  path: string
  /** A path that old clients use; served by the same handler, not documented. */
  alias?: string
  /** What the last parameter of the path names: said by one operation for all whose paths begin so. */
  names?: PathParameter
  /** OpenAPI's operationId. */
  id: string
  summary: string
  description?: string
  tag: Tag
  permission: Permission
  /** A schema with a name is shared with other operations. */
  query?: Record<string, Schema>
  body?: Schema
  answer?: Schema
  /** Status of the success; 200 unless told. */
  status?: 200 | 201 | 206
  /** Headers of the success besides those that its kind brings. */
  answerHeaders?: readonly HeaderName[]
  /** Refusals besides those that the permission and the body bring. */
  refusals?: readonly number[]
  example?: Example
  /** Media type of the success. */
  produces?: string
  /** The success goes on as long as its client reads it: how long it takes says nothing of the service. */
  isStream?: boolean
  /** Media types that the body may have; JSON unless told. */
  consumes?: readonly string[]
  /** It may look at thousands of rows, as each list may: of such, few are done at once, and tenants take turns. */
  isDear?: boolean
  /** Largest body in bytes where it differs from the configured one. */
  bodyBytesMax?: number
  /** Why it cannot be tried without being done, where it cannot; any other write can, by `?dryRun=true`. */
  isFinal?: string
  /** No answer is kept under an Idempotency-Key, though there is a caller to keep it for. */
  ignoresRetryKey?: boolean
  /** Its success shows a secret, which is never kept: sent again under the same Idempotency-Key it is refused (409). */
  revealsSecret?: boolean
  handler(request: FastifyRequest): Promise<Answer | ContentAnswer | EventsAnswer | TextsAnswer>
}

declare module 'fastify' {
  interface FastifyInstance {
    /** All that were added, in their order. */
    operations: Operation[]
  }

  interface FastifyContextConfig {
    permission?: Permission
    produces?: string
    isStream?: boolean
    /** The query parameters that the route knows; it takes any, or judges them itself, where this is absent. */
    query?: Readonly<Record<string, Schema>>
  }
}

/** A list judges its own query, names and values in one. */
export function isList({ query }: Pick<Operation, 'query'>): boolean {
  return query?.pageSize !== undefined
}

/** The parameters of the query, with the one that every write has. */
export function queryOf({ method, query }: Operation): Record<string, Schema> | undefined {
  if (!isWrite({ method })) return query
  const dryRun = Type.Enum(['true', 'false'], {
    component: 'DryRun',
    description: 'Judge the request and answer as if it were done, but change nothing.',
  })
  return { ...query, dryRun }
}

/** Whether it changes something. */
export function isWrite({ method }: Pick<Operation, 'method'>): boolean {
  return method !== 'GET'
}

/** Whether it can be tried without being done. */
export function isTriable({ method, isFinal }: Operation): boolean {
  return isWrite({ method }) && isFinal === undefined
}

/** Whether it is done once under an Idempotency-Key: where nobody has signed in there is nobody to keep an answer for. */
export function isRetriable({ method, permission, ignoresRetryKey }: Operation): boolean {
  return isWrite({ method }) && permission !== 'public' && !ignoresRetryKey
}

/** Whether it is only done in a state that the client names. */
export function isConditional({ method }: Pick<Operation, 'method'>): boolean {
  return method === 'PUT' || method === 'DELETE'
}

/** Whether it answers bytes, of which ranges can be asked for, rather than JSON or a text that goes on. */
export function isContent({ produces }: Pick<Operation, 'produces'>): boolean {
  return produces !== undefined && !produces.startsWith('text/')
}

/** Whether a client that has the state already is told so: GETs of what is stored. */
export function isCached(operation: Operation): boolean {
  const { method, permission, produces } = operation
  const isState = produces === undefined && permission !== 'public'
  return method === 'GET' && (isState || isContent(operation))
}

/**
 * A path with its parameters filled in, percent-encoded.
 *
 * @throws Error when one is missing: the path would be that of something else.
 */
export function fillPath(path: string, parameters: Record<string, string>): string {
  return path.replaceAll(/:(\w+)/g, (_, name) => {
    const value = parameters[name]
    if (value === undefined) throw new Error(`${path} gets no ${name}.`)
    return encodeURIComponent(value)
  })
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
  const { method, path, alias, permission, produces, isStream, bodyBytesMax } = operation
  app.operations.push(operation)
  const route = {
    method,
    config: {
      permission,
      ...(produces && { produces }),
      ...(isStream && { isStream }),
      ...(!isList(operation) && { query: queryOf(operation) ?? {} }),
    },
    ...(bodyBytesMax !== undefined && { bodyLimit: bodyBytesMax }),
    handler: serve(operation),
  }
  app.route({ ...route, url: path })
  if (alias) app.route({ ...route, url: alias })
}
