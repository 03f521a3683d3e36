import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import { instantPattern, readInstant } from '../documents/instants.ts'
import type { Schema } from '../documents/vocabulary.ts'
import { type Fault, invalid } from '../errors.ts'

/** A query as it was parsed: a name that was given several times has all its values. */
export type Query = Readonly<Record<string, string | string[]>>

/** Browser libraries put a number under this name so that no cache answers; it means nothing. */
const cacheBuster = '_'

export function unknownParameter(name: string): Fault {
  return invalid(name, `The '${name}' parameter is unknown here.`)
}

export function repeatedParameter(name: string): Fault {
  return invalid(name, `The '${name}' parameter is given twice.`)
}

/** The parameters of a query that mean something, each as often as it was given. */
export function meaningful(query: Query): [name: string, value: string][] {
  return Object.entries(query)
    .filter(([name]) => name !== cacheBuster)
    .flatMap(([name, values]) => [values].flat().map((value): [string, string] => [name, value]))
}

/** What is wrong with the query of an operation that knows these parameters, each of which is given once unless it is a list. */
export function judgeQuery(query: Query, parameters: Readonly<Record<string, Schema>>): Fault[] {
  return Object.entries(query).flatMap(([name, value]) => {
    if (name === cacheBuster) return []
    const schema = Object.hasOwn(parameters, name) ? parameters[name] : undefined
    if (!schema) return [unknownParameter(name)]
    if (schema.type === 'array') return []
    if (typeof value !== 'string') return [repeatedParameter(name)]
    const { enum: values } = schema
    if (!values || values.includes(value)) return []
    return [invalid(name, `The '${name}' parameter must be ${values.join(' or ')}.`)]
  })
}

/** The parameters of a query that were given once; `judgeQuery()` refuses those that were given more often. */
export function givenOnce(query: Query): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(query).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    ),
  )
}

/** A parameter that is a time. @param words what it does, as in 'Only changes from this time on'. */
export function timeParameter(words: string) {
  const description = `${words} (RFC 3339; seconds may be missing).`
  return Type.String({ pattern: instantPattern, description, format: 'date-time' })
}

/** Milliseconds since 1970; undefined for none, and for what is no time. */
export function readTimeParameter(
  name: string,
  text: string | undefined,
  faults: Fault[],
): number | undefined {
  if (text === undefined) return undefined
  const milliseconds = readInstant(text)
  if (milliseconds === undefined) {
    const message = `The '${name}' parameter must be a time such as '2026-11-28T12:00:00Z'; a '+' in it is written %2B.`
    faults.push(invalid(name, message))
  }
  return milliseconds
}

/** The query of a request, as Fastify's parser makes it. */
export function queryIn({ query }: Pick<FastifyRequest, 'query'>): Query {
  return query as Query
}

/** Whether a write shall only be tried. */
export function isDryRun(request: Pick<FastifyRequest, 'query'>): boolean {
  return queryIn(request).dryRun === 'true'
}
