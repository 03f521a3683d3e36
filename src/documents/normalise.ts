import { type Fault, faultsMax, invalid, itemPath, memberPath } from '../errors.ts'
import { compactNumber, findUnkeepable, findUnshowable } from './characters.ts'
import { Upload } from './upload.ts'
import { range } from './validate.ts'
import { type Schema, unmodified } from './vocabulary.ts'

export type Members = Record<string, unknown>

/** Whether a value has members; an uploaded file is one value, as a text is. */
export function isObject(value: unknown): value is Members {
  const isOne = typeof value === 'object' && value !== null
  return isOne && !Array.isArray(value) && !(value instanceof Upload)
}

/**
 * Composing makes a text shorter, so its length is known only afterwards; and putting marks in their order costs the square
 * of their number. But a character decomposes into at most four (UAX #15, "Maximum Expansion Factors"), each of at most two
 * UTF-16 units: what has more units than this for each character that a text may have is too long, however it is composed.
 */
const unitsPerCharacter = 8

/** Characters of the longest of our texts, such as a description or a URL. */
const charactersMax = 256

const foldedUnitsMax = charactersMax * unitsPerCharacter

/** A text as it is kept. One that is longer than any of ours is left as it is: there is nothing that it could equal. */
export function compose(text: string): string {
  return text.length > foldedUnitsMax ? text : text.normalize('NFC')
}

/**
 * Folds a name or id to the form by which it is compared without case; what is longer than any of ours is left as it is. The
 * Greek sigma has two small forms, of which its place in the word decides: as one, they let a part of a folded word be
 * found in it.
 */
export function fold(text: string): string {
  if (text.length > foldedUnitsMax) return text
  return text.normalize('NFC').toLowerCase().replaceAll('ς', 'σ').normalize('NFC')
}

/** An id completed with the domain that those without one get; `.` and `..` are no names, with a domain neither. */
export function withDomain(id: string, domain: string | undefined): string {
  return domain === undefined || /@|^\.{0,2}$/.test(id) ? id : `${id}@${domain}`
}

/** Whether a member is a text; an enumeration has no type. */
export function isText({ type, enum: values }: Schema): boolean {
  return type === 'string' || (type === undefined && values !== undefined)
}

export interface Normalisation {
  /** Gets what need not be looked at any closer, which is left out. */
  faults: Fault[]
  /** What ids without a domain get, where there is one. */
  domain?: string | undefined
  /** Inside a key that points elsewhere. */
  isReference?: boolean
}

/** @param what the field or parameter, as in `'name' field`. */
export function unshowable(what: string, parameter: string, character: string): Fault {
  const message = `The ${what} contains ${character}: control, malformed and invisible characters are refused.`
  return invalid(parameter, message)
}

function normaliseText(
  given: string,
  schema: Schema,
  { faults, domain, isReference }: Normalisation,
  path: string,
): string | undefined {
  const { minLength, maxLength = charactersMax } = schema
  // What is wrong with a text is known before it is worked on.
  if (given.length > maxLength * unitsPerCharacter) {
    const message = `The '${path}' field must have ${range(minLength, maxLength)} characters.`
    faults.push(invalid(path, message))
    return undefined
  }
  const seen = schema.compact ? compactNumber(given, schema.compact) : given
  const isKept = !(isReference || schema.refers || schema.refersTo || schema.writeOnly)
  const character = isKept ? findUnshowable(seen) : findUnkeepable(seen)
  if (character !== undefined) {
    faults.push(unshowable(`'${path}' field`, path, character))
    return undefined
  }
  // A password is used as it was typed.
  const text = schema.writeOnly ? given : seen.trim().normalize('NFC')
  if (text === '' && schema.clearable) return undefined
  if (schema.writeOnly) return text
  return schema.atDomain ? withDomain(text, domain) : text
}

function normaliseItems(
  items: unknown[],
  schema: Schema,
  options: Normalisation,
  path: string,
): unknown[] | undefined {
  const { slots, maxItems = items.length } = schema
  if (items.length > maxItems) {
    const message = `The '${path}' field must have at most ${maxItems} items.`
    options.faults.push(invalid(path, message))
    return undefined
  }
  return items.map((item, index) =>
    slots && item === unmodified
      ? { [slots]: unmodified }
      : normalise(item, schema.items, options, itemPath(path, index)),
  )
}

/** Of the members that the schema does not know, no more are kept than are told. */
function normaliseMembers(
  members: Members,
  schema: Schema,
  options: Normalisation,
  path: string,
): Members {
  const { properties = {} } = schema
  let unknown = 0
  const normalised = Object.entries(members).flatMap(([key, member]) => {
    if (Object.hasOwn(properties, key)) {
      return [[key, normalise(member, properties[key], options, memberPath(path, key))]]
    }
    unknown += 1
    return unknown > faultsMax ? [] : [[key, member]]
  })
  return Object.fromEntries(normalised)
}

/**
 * Copies a request body with its texts trimmed and NFC-normalised, ids completed, and `undefined` in place of what clears
 * a clearable member. It follows the schema: what that does not know, or nobody can set, is not looked into.
 */
export function normalise(
  value: unknown,
  schema: Schema | undefined,
  options: Normalisation,
  path = '',
): unknown {
  if (schema === undefined || schema.readOnly) return value
  if (value === null) return schema.clearable ? undefined : null
  if (typeof value === 'string') {
    return isText(schema) ? normaliseText(value, schema, options, path) : value
  }
  if (Array.isArray(value)) {
    return schema.items ? normaliseItems(value, schema, options, path) : value
  }
  if (isObject(value) && schema.properties) {
    const inner = schema.whole ? { ...options, isReference: true } : options
    return normaliseMembers(value, schema, inner, path)
  }
  return value
}
