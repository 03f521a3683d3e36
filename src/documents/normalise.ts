import { type Fault, faultsMax, invalid, itemPath, memberPath } from '../errors.ts'
import { Upload } from './upload.ts'
import { type Schema, unmodified } from './vocabulary.ts'

export type Members = Record<string, unknown>

/** Whether a value has members; an uploaded file is one value, as a text is. */
export function isObject(value: unknown): value is Members {
  const isOne = typeof value === 'object' && value !== null
  return isOne && !Array.isArray(value) && !(value instanceof Upload)
}

/**
 * Folds a name or id to the form by which it is compared without case. The Greek sigma has two small forms, of which its
 * place in the word decides: as one, they let a part of a folded word be found in it.
 */
export function fold(text: string): string {
  return text.normalize('NFC').toLowerCase().replaceAll('ς', 'σ').normalize('NFC')
}

const controlCharacter = /\p{Cc}/u
/** Whether a text can be kept and shown: engines and terminals choke on the rest. */
export function isReadable(text: string): boolean {
  return text.isWellFormed() && !controlCharacter.test(text)
}

const numberWithSeparators = /^\+?\d(?:[ -]*\d)*$/

/** Drops the spaces and dashes of a phone number; any other text stays. */
function compactNumber(text: string): string {
  return numberWithSeparators.test(text) ? text.replaceAll(/[ -]/g, '') : text
}

/** An id completed with the domain that those without one get; `.` and `..` are no names, with a domain neither. */
export function withDomain(id: string, domain: string | undefined): string {
  return domain === undefined || /@|^\.{0,2}$/.test(id) ? id : `${id}@${domain}`
}

function normaliseText(given: string, schema: Schema | undefined, domain?: string): string {
  // A password is used as it was typed.
  if (schema?.writeOnly) return given
  const text = given.trim().normalize('NFC')
  if (schema?.atDomain) return withDomain(text, domain)
  return schema?.compact ? compactNumber(text) : text
}

/** Whether a member is a text; an enumeration has no type. */
export function isText({ type = 'string' }: Schema): boolean {
  return type === 'string'
}

export interface Normalisation {
  /** Gets the texts with control characters or lone surrogates, which are left out. */
  faults: Fault[]
  /** What ids without a domain get, where there is one. */
  domain?: string | undefined
}

/**
 * Copies a request body with its texts trimmed and NFC-normalised, ids completed, and `undefined` in place of what clears
 * a clearable member.
 */
export function normalise(
  value: unknown,
  schema: Schema | undefined,
  options: Normalisation,
  path = '',
): unknown {
  if (typeof value === 'string') {
    if (!isReadable(value)) {
      const { faults } = options
      const message = `The '${path}' field contains control or malformed characters.`
      if (faults.length < faultsMax) faults.push(invalid(path, message))
      return undefined
    }
    const text = normaliseText(value, schema, options.domain)
    return text === '' && schema?.clearable && isText(schema) ? undefined : text
  }
  if (value === null) return schema?.clearable ? undefined : null
  if (Array.isArray(value)) {
    return value.map((item, index) => {
      const slot = schema?.slots
      if (slot && item === unmodified) return { [slot]: unmodified }
      return normalise(item, schema?.items, options, itemPath(path, index))
    })
  }
  if (isObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        key,
        normalise(member, schema?.properties?.[key], options, memberPath(path, key)),
      ]),
    )
  }
  return value
}
