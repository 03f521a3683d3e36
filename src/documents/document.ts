import { isDeepStrictEqual } from 'node:util'
import type { Static, TObject } from 'typebox'
import { type Fault, faultsMax, invalid, itemPath, memberPath } from '../errors.ts'
import { merge } from './merge.ts'
import { fold, isObject, type Members, normalise } from './normalise.ts'
import { type DocumentSchemas, documentSchemas } from './schemas.ts'
import { Upload } from './upload.ts'
import { compileSchema } from './validate.ts'
import type { Schema } from './vocabulary.ts'

/**
 * What a rule answers: the faults it finds in a whole document; anything falsy is none. `before` is what is stored, undefined
 * in a creation: a rule that is stricter than it was once leaves alone what stays as it is.
 */
export type Rule<Value> = (
  value: Value,
  before: Value | undefined,
) => Iterable<Fault | false | undefined>

export interface DocumentDefinition<S extends TObject> {
  schema: S
  /** Members that a new document has without being told. */
  defaults?: Partial<Static<S>>
  /** Members that are always there, though a creation need not bring them: the server fills them in. */
  filled?: readonly (keyof Static<S> & string)[]
  /** What a schema cannot say; judged on the merged document. */
  rules?: Rule<Static<S>>
  /** Read-only members that follow from others, such as a file's size. */
  derive?(value: Static<S>): Partial<Static<S>>
  /** A member in which GET wraps the document; requests may wrap theirs too. */
  wrapper?: string
}

export interface Judged<Value> {
  /**
   * The whole document as GET shows it; to be kept only when there are no faults. Where something required is missing it
   * is blank, so that what only the database can say may be asked as well.
   */
  value: Value
  /** Members that are never shown; '' for one that is cleared. */
  secrets: Record<string, string>
  /** Files that the request brought. */
  uploads: Record<string, Upload>
  faults: Fault[]
}

/** A kind of JSON document that is created whole and changed by partial updates. */
export interface Document<Value = Members> {
  schemas: DocumentSchemas
  wrapper: string | undefined
  /** A body without the wrapper that it may have. */
  unwrap(body: unknown): unknown
  /** Judges the body of a creation; `domain` is what ids without one get. */
  create(body: unknown, domain?: string): Judged<Value>
  /** Judges the body of a partial update of `stored`. */
  change(stored: Value, body: unknown, domain?: string): Judged<Value>
  /** A stored text; one that was kept before a member with a default came to be gets it. */
  withDefaults(text: string): string
  /** The same document with its members in the schema's order, so that equal documents are equal texts. */
  arrange(value: Value): Value
}

/**
 * A copy of what the schema knows, without what is faulty, so that the rest of the body can still be judged. Paths are
 * compared, never followed: what a client calls a member must not lead anywhere but into its own body.
 */
function withoutFaulty(
  value: unknown,
  schema: Schema | undefined,
  faulty: ReadonlySet<string>,
  path = '',
): unknown {
  if (Array.isArray(value) && schema?.items) {
    return value.map((item, index) => {
      const at = itemPath(path, index)
      return faulty.has(at) ? null : withoutFaulty(item, schema.items, faulty, at)
    })
  }
  if (!isObject(value) || !schema?.properties) return value
  const { properties } = schema
  const kept = Object.entries(value).flatMap(([key, member]) => {
    const at = memberPath(path, key)
    if (!Object.hasOwn(properties, key) || faulty.has(at)) return []
    return [[key, withoutFaulty(member, properties[key], faulty, at)]]
  })
  return Object.fromEntries(kept)
}

/** Whether one path is the other's or leads to a part of it. */
function holds(path: string, other: string): boolean {
  return other.startsWith(path) && [undefined, '.', '['].includes(other[path.length])
}

/** A fault says nothing new where the same member, a part of it or what it is a part of is faulty already. */
function isNews({ parameter = '' }: Fault, known: readonly Fault[]): boolean {
  return !known.some(
    ({ parameter: other = '' }) => holds(parameter, other) || holds(other, parameter),
  )
}

/** All faults of a request, those of `later` only where they say something new. */
export function addNews(
  faults: readonly Fault[],
  later: Iterable<Fault | false | undefined>,
): Fault[] {
  const news = [...later].filter((fault): fault is Fault => !!fault && isNews(fault, faults))
  return [...faults, ...news].slice(0, faultsMax)
}

function sameValue(property: Schema, stored: unknown, given: unknown): boolean {
  if (property.caseless && typeof stored === 'string' && typeof given === 'string') {
    return fold(stored) === fold(given)
  }
  return isDeepStrictEqual(stored, given)
}

/**
 * An update without what it repeats of what is stored. That is not judged again: what GET answers can always be sent back,
 * although rules may have become stricter since it was stored.
 */
function withoutRepeated(schema: Schema, stored: Members, body: Members): Members {
  const kept = Object.entries(body).flatMap(([key, given]) => {
    if (!Object.hasOwn(stored, key)) return [[key, given]]
    const before = stored[key]
    if (isDeepStrictEqual(before, given)) return []
    const property = schema.properties?.[key]
    const nests = property?.properties && !property.whole && isObject(before) && isObject(given)
    return [[key, nests ? withoutRepeated(property, before, given) : given]]
  })
  return Object.fromEntries(kept)
}

/** The members that a partial update may repeat but not alter. */
function constantsOf({ properties = {} }: Schema): ReadonlyMap<string, Schema> {
  return new Map(
    Object.entries(properties).filter(([, property]) => property.fixed || property.readOnly),
  )
}

function* alteredConstants(
  constants: ReadonlyMap<string, Schema>,
  stored: Members,
  body: Members,
): Iterable<Fault> {
  for (const [key, property] of constants) {
    if (Object.hasOwn(body, key) && !sameValue(property, stored[key], body[key])) {
      yield invalid(key, `The '${key}' field cannot be changed.`)
    }
  }
}

/** What of a partial update can change something. */
function changesIn(body: Members, constants: ReadonlyMap<string, Schema>): Members {
  return Object.fromEntries(Object.entries(body).filter(([key]) => !constants.has(key)))
}

const notAnObject: Fault = { code: 2, message: 'The body must be a JSON object.' }

const blanks: Record<string, unknown> = { string: '', boolean: false, integer: 0, array: [] }

/** Puts something of the right type in place of each required member that is missing. */
function fillIn(schema: Schema, value: Members): Members {
  const filled = { ...value }
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    // What is never shown is not stored with the document, so it is missing from nothing.
    const isSecret = property.writeOnly && !property.upload
    if (filled[key] === undefined && schema.required?.includes(key) && !isSecret) {
      filled[key] = property.properties ? {} : blanks[property.type ?? 'string']
    }
    if (property.properties && isObject(filled[key])) filled[key] = fillIn(property, filled[key])
  }
  return filled
}

/** @param change what the request brings, which clears a member by `undefined`. */
function takeSecrets(schema: Schema, value: Members, change: Members): Record<string, string> {
  const secrets: Record<string, string> = {}
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    const brought = change[key]
    if (property.writeOnly && typeof value[key] === 'string') secrets[key] = value[key]
    else if (property.writeOnly && Object.hasOwn(change, key) && !property.upload) secrets[key] = ''
    else if (property.properties && isObject(value[key])) {
      Object.assign(secrets, takeSecrets(property, value[key], isObject(brought) ? brought : {}))
    }
    if (property.writeOnly) delete value[key]
  }
  return secrets
}

function takeUploads(schema: Schema, value: Members): Record<string, Upload> {
  const uploads: Record<string, Upload> = {}
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    if (!property.upload) continue
    if (value[key] instanceof Upload) uploads[key] = value[key]
    delete value[key]
  }
  return uploads
}

/** How each member with a default begins in a JSON text, at every depth. */
function beginnings(defaults: Members): string[] {
  return Object.entries(defaults).flatMap(([key, value]) => [
    `"${key}":`,
    ...(isObject(value) ? beginnings(value) : []),
  ])
}

/** What is in the wrapper, where a body has one. */
function unwrapped(body: unknown, wrapper: string | undefined): unknown {
  const isWrapped = wrapper && isObject(body) && Object.hasOwn(body, wrapper)
  return isWrapped && Object.keys(body).length === 1 ? body[wrapper] : body
}

export function defineDocument<S extends TObject>(
  definition: DocumentDefinition<S>,
): Document<Static<S>> {
  const schema = definition.schema
  const defaults: Members = definition.defaults ?? {}
  const schemas = documentSchemas(schema, {
    optionalAtCreation: [...Object.keys(defaults), ...(definition.filled ?? [])],
    wrapper: definition.wrapper,
  })
  const validateCreation = compileSchema(schemas.forCreation)
  const validateChange = compileSchema(schemas.forChange)
  const rules = definition.rules ?? (() => [])
  const defaulted = beginnings(defaults)
  const constants = constantsOf(schema)
  const unwrap = (body: unknown) => unwrapped(body, definition.wrapper)
  // Of a schema that may be any, the compiler does not see that its documents are objects with its members.
  const asValue = (members: Members) => members as Static<S>
  const asMembers = (value: Static<S>) => value as Members

  function judge(
    stored: Members,
    given: { body: unknown; before?: Static<S>; domain: string | undefined },
    checks: ((body: Members) => Iterable<Fault>)[],
  ): Judged<Static<S>> {
    const malformed: Fault[] = []
    const options = { faults: malformed, domain: given.domain }
    const body = normalise(given.body, schema, options)
    const found = isObject(body) ? checks.map((check) => [...check(body)]) : [[notAnObject]]
    const faults = found.reduce(addNews, malformed)
    // Of many faults the first are told, but all are left out.
    const faulty = new Set([malformed, ...found].flat().map(({ parameter = '' }) => parameter))
    const judged = faulty.size > 0 ? withoutFaulty(body, schema, faulty) : body
    const change = isObject(judged) ? judged : {}
    const merged = asValue(fillIn(schemas.forCreation, merge(schema, stored, change)))
    const value = asValue(merge(schema, {}, { ...merged, ...definition.derive?.(merged) }))
    const all = addNews(faults, rules(value, given.before))
    const uploads = takeUploads(schema, value)
    return { value, secrets: takeSecrets(schema, value, change), uploads, faults: all }
  }

  return {
    schemas,
    wrapper: definition.wrapper,
    unwrap,
    create: (body, domain) => judge(defaults, { body: unwrap(body), domain }, [validateCreation]),
    change(before, given, domain) {
      const stored = asMembers(before)
      const sent = unwrap(given)
      const body = isObject(sent) ? withoutRepeated(schema, stored, sent) : sent
      return judge(stored, { body, before, domain }, [
        // What can only be repeated is compared as it is, and need not be valid besides.
        (change) => alteredConstants(constants, stored, change),
        (change) => validateChange(changesIn(change, constants)),
      ])
    },
    withDefaults(text) {
      // Looking for the names costs far less than parsing, and nearly every text has them all.
      if (defaulted.every((beginning) => text.includes(beginning))) return text
      return JSON.stringify(merge(schema, defaults, JSON.parse(text)))
    },
    arrange: (value) => asValue(merge(schema, {}, asMembers(value))),
  }
}

/** The fault of a member that another one makes necessary (9). */
export function needs<Value>(
  value: Value,
  condition: boolean,
  member: keyof Value & string,
  message: string,
): Fault | false {
  return condition && value[member] === undefined && { code: 9, message, parameter: member }
}
