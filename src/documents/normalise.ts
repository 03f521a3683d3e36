import { type Fault, invalid } from '../errors.ts'
import { type Schema, unmodified } from './vocabulary.ts'

export type Members = Record<string, unknown>

export function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Folds a name or id to the form by which it is compared without case. */
export function fold(text: string): string {
  return text.normalize('NFC').toLowerCase()
}

const controlCharacter = /\p{Cc}/u
const numberWithSeparators = /^\+?\d(?:[ -]*\d)*$/

/** Drops the spaces and dashes of a phone number; any other text stays. */
export function compactNumber(text: string): string {
  return numberWithSeparators.test(text) ? text.replaceAll(/[ -]/g, '') : text
}

function normaliseText(given: string, schema: Schema | undefined): string {
  // A password is used as it was typed.
  if (schema?.writeOnly) return given
  const text = given.trim().normalize('NFC')
  return schema?.compact ? compactNumber(text) : text
}

/**
 * Copies a request body with its texts trimmed and NFC-normalised, and `undefined` in place of what clears a clearable
 * member. Texts with control characters or lone surrogates are reported to `faults` and left out.
 */
export function normalise(
  value: unknown,
  schema: Schema | undefined,
  faults: Fault[],
  path = '',
): unknown {
  if (typeof value === 'string') {
    if (!value.isWellFormed() || controlCharacter.test(value)) {
      faults.push(invalid(path, `The '${path}' field contains control or malformed characters.`))
      return undefined
    }
    const text = normaliseText(value, schema)
    return text === '' && schema?.clearable ? undefined : text
  }
  if (value === null) return schema?.clearable ? undefined : null
  if (Array.isArray(value)) {
    return value.map((item, index) => {
      const slot = schema?.slots
      if (slot && item === unmodified) return { [slot]: unmodified }
      return normalise(item, schema?.items, faults, `${path}[${index}]`)
    })
  }
  if (isObject(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        key,
        normalise(member, schema?.properties?.[key], faults, path ? `${path}.${key}` : key),
      ]),
    )
  }
  return value
}
