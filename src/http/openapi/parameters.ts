import { documented } from '../../documents/schemas.ts'
import type { Schema } from '../../documents/vocabulary.ts'
import { eventsType } from '../events.ts'
import {
  isCached,
  isConditional,
  isContent,
  isRetriable,
  isTriable,
  type Operation,
  type PathParameter,
  queryOf,
} from '../operation.ts'
import { type Components, componentName } from './components.ts'

/** What stands in a path for one of something, by the path up to there. */
export type PathParameters = ReadonlyMap<string, PathParameter>

/** What operations say of the last parameters of their paths, for all whose paths begin so. */
export function pathParametersOf(operations: readonly Operation[]): PathParameters {
  const parameters = new Map<string, PathParameter>()
  for (const { path, names } of operations) {
    const [upToLast = ''] = /^.*:\w+/.exec(path) ?? []
    if (names) parameters.set(upToLast, names)
  }
  return parameters
}

/** @throws Error when no operation says what a parameter of the path names. */
function inPath(components: Components, path: string, known: PathParameters): object[] {
  return [...path.matchAll(/:(\w+)/g)].map(({ 0: text, 1: name, index }) => {
    const parameter = known.get(path.slice(0, index + text.length))
    if (!parameter) throw new Error(`No operation says what ${text} of ${path} names.`)
    const { component, ...content } = parameter
    return components.add('parameters', component, { name, in: 'path', required: true, ...content })
  })
}

/** A parameter that may be left out, as a component where its schema has a name. */
function optional(components: Components, where: 'query' | 'header') {
  return ([name, schema]: [string, Schema]): object => {
    const { component, description, ...rest } = schema
    const parameter = {
      name,
      in: where,
      description,
      schema: components.schema(documented(rest, false)),
    }
    return component === undefined ? parameter : components.add('parameters', component, parameter)
  }
}

function textHeader(
  name: string,
  description: string,
  component = componentName(name),
): [string, Schema] {
  return [name, { type: 'string', description, component }]
}

const ifNoneMatch = textHeader(
  'If-None-Match',
  'ETags. A read is answered 304 when the state has one of them; a change is refused then (412). `*` is any state.',
)
const ifMatch = textHeader(
  'If-Match',
  'The ETag on which the change rests; when it no longer holds nothing is done (412).',
)
const ranges = [
  textHeader('Range', 'The bytes that are asked for, as in `bytes=0-1023`.'),
  textHeader('If-Range', 'The ETag of what the client has a part of; all comes when it changed.'),
]

const doneOnce =
  'A key of 16 to 255 visible ASCII characters without `"`, such as a UUID, with which the request can be sent again: for 24 ' +
  'hours, and the account’s next 50,000 writes with a key, it is done once'
const retryKey = textHeader('Idempotency-Key', `${doneOnce}, and answered alike.`)
const retryKeyOfSecret = textHeader(
  'Idempotency-Key',
  `${doneOnce}, and refused afterwards (409): the answer shows a secret, which is not kept.`,
  'IdempotencyKeyOfSecret',
)

const lastEventId = textHeader(
  'Last-Event-ID',
  'The id of the last event that arrived: the stream goes on behind it. Browsers send it by themselves.',
)

/** The request's headers that mean something. */
function headersOf(operation: Operation): [string, Schema][] {
  if (operation.produces === eventsType) return [lastEventId]
  const read = isCached(operation) ? [ifNoneMatch, ...(isContent(operation) ? ranges : [])] : []
  const conditions = isConditional(operation) ? [ifMatch, ifNoneMatch] : read
  if (!isRetriable(operation)) return conditions
  return [...conditions, operation.revealsSecret ? retryKeyOfSecret : retryKey]
}

/** The parameters of the query that mean something: what cannot be tried has no use for `dryRun`. */
function inQuery(operation: Operation): Record<string, Schema> {
  return (isTriable(operation) ? queryOf(operation) : operation.query) ?? {}
}

/** All parameters of an operation: of its path, its query and its headers. */
export function parametersOf(
  components: Components,
  operation: Operation,
  known: PathParameters,
): object[] {
  return [
    ...inPath(components, operation.path, known),
    ...Object.entries(inQuery(operation)).map(optional(components, 'query')),
    ...headersOf(operation).map(optional(components, 'header')),
  ]
}
