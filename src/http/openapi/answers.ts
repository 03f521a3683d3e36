import { STATUS_CODES } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import { documented } from '../../documents/schemas.ts'
import { named, type Schema } from '../../documents/vocabulary.ts'
import {
  isCached,
  isConditional,
  isContent,
  isList,
  isRetriable,
  isTriable,
  isWrite,
  type Operation,
} from '../operation.ts'
import { levels, permissions } from '../permissions.ts'
import { jsonType } from './body.ts'
import { type Components, componentName, type Reference } from './components.ts'
import { type HeaderName, headersOf } from './headers.ts'
import { refusal } from './problem.ts'

/** What is answered where there is nothing to say. */
export const emptyObject: Schema = named('Empty', {
  type: 'object',
  description: 'There is nothing to say.',
  maxProperties: 0,
})

/** The statuses with which an operation can refuse, by what it is. */
function refusalsOf(operation: Operation) {
  const { permission, method, path, status, refusals = [] } = operation
  const statuses = new Set<number>([...refusals, 400, 406, 408, 417, 431, 500, 503])
  if (permission !== 'public') statuses.add(401)
  if (permissions[permission].level > levels.EndUser) statuses.add(403)
  if (path.includes(':')) statuses.add(404)
  // Another site's page is refused, and a body is read wherever the method may have one.
  if (isWrite({ method })) for (const one of [403, 413, 415]) statuses.add(one)
  if (isRetriable(operation)) statuses.add(422)
  if (operation.revealsSecret) statuses.add(409)
  if (isContent(operation)) statuses.add(416)
  if (isConditional({ method }) || status === 201) statuses.add(412)
  return [...statuses].sort((a, b) => a - b)
}

/** The headers by which a write's success tells what it stands for. */
function writeHeaders(operation: Operation): HeaderName[] {
  const names: HeaderName[] = []
  if (isRetriable(operation) && !operation.revealsSecret) names.push('Idempotent-Replay')
  if (isTriable(operation)) names.push('Dry-Run')
  return names
}

/** The headers of a success. */
function headerNames(operation: Operation): HeaderName[] {
  const names: HeaderName[] = []
  if (hasTag(operation)) names.push('ETag')
  // Where pages begin anywhere it is known how many items there are.
  if (operation.query?.startIndex) names.push('X-Total-Count')
  if (isList(operation)) names.push('Link')
  if (operation.status === 201) names.push('Location')
  if (isContent(operation)) names.push('Accept-Ranges')
  names.push(...writeHeaders(operation))
  return [...names, ...(operation.answerHeaders ?? [])]
}

/** Whether a success has an ETag: all that show what is stored. */
function hasTag(operation: Operation): boolean {
  const { method, permission } = operation
  if (method === 'GET') return isCached(operation) && !isEmpty(operation)
  return permission !== 'public' && !isEmpty(operation)
}

function isEmpty({ answer = emptyObject, produces }: Operation): boolean {
  return produces === undefined && answer.component === emptyObject.component
}

function contentOf(components: Components, operation: Operation) {
  const { answer = emptyObject, produces, example } = operation
  const schema = isContent(operation)
    ? { type: 'string', format: 'binary' }
    : components.schema(documented(answer, false))
  const isShown = example?.response !== undefined
  return { [produces ?? jsonType]: { schema, ...(isShown && { example: example.response }) } }
}

const doneHeaders: readonly HeaderName[] = ['Idempotent-Replay', 'Dry-Run']

/** The success of all writes that have nothing to say. */
function done(components: Components, content: object): Reference {
  const headers = headersOf(components, doneHeaders)
  return components.add('responses', 'Done', { description: 'It is done.', headers, content })
}

/** What a client is told that has the state already: the headers are those of the success. */
function notModified(components: Components, operation: Operation): Reference {
  const names = headerNames(operation)
  const others = names.filter((name) => name !== 'ETag').map(componentName)
  const name = others.length > 0 ? `NotModifiedWith${others.join('And')}` : 'NotModified'
  return components.add('responses', name, {
    description: 'The client has this state already, by its If-None-Match.',
    headers: headersOf(components, names),
  })
}

const contentTexts: Record<number, string> = {
  200: 'The whole content.',
  206: 'The range of it that was asked for.',
}

/** All answers of an operation by their status. */
export function answersOf(components: Components, operation: Operation): Record<string, object> {
  const { status = 200, answer = emptyObject } = operation
  const names = headerNames(operation)
  const content = contentOf(components, operation)
  const texts = isContent(operation) ? contentTexts : {}
  const success = (code: number, more: readonly HeaderName[] = []) => ({
    description: texts[code] ?? answer.description ?? STATUS_CODES[code],
    headers: headersOf(components, [...names, ...more]),
    content,
  })
  const isDone = isEmpty(operation) && isDeepStrictEqual(names, doneHeaders)
  return {
    [status]: isDone ? done(components, content) : success(status),
    ...(isContent(operation) && { 206: success(206, ['Content-Range']) }),
    ...(isCached(operation) && { 304: notModified(components, operation) }),
    ...Object.fromEntries(refusalsOf(operation).map((code) => [code, refusal(components, code)])),
  }
}
