import { type Fault, invalid, Refusal } from '../errors.ts'

/** Deeper than any body of ours; a recursive reader of the value is safe within it. */
const jsonDepthMax = 20

/** Far more members, items and nested values than any body of ours has; to judge millions takes seconds. */
const jsonValuesMax = 5_000

/** UTF-16 units of a member's name: none of ours has half as many. Paths in answers are made of names. */
export const keyUnitsMax = 64

/**
 * Each escape is looked at by itself, so that millions would hold everybody up. Encoders that escape the `/` or `+` of base64
 * and its line breaks have one in 24 characters.
 */
const charactersPerEscape = 16
/** So many escapes a body may have in any case: texts of ours that are nothing but escapes. */
const escapesFree = 65_536

function refuseEscapes(text: string): void {
  const most = escapesFree + Math.floor(text.length / charactersPerEscape)
  let count = 0
  for (let at = text.indexOf('\\'); at !== -1; at = text.indexOf('\\', at + 2)) {
    count += 1
    if (count > most) throw malformed(`The body has more than ${most} escaped characters.`)
  }
}

/** Every value but the first of its list or object follows a comma, and opens nothing or one bracket. */
function refuseHuge(text: string): void {
  for (const sign of [',', '{', '[']) {
    if (text.split(sign, jsonValuesMax + 1).length > jsonValuesMax) {
      throw malformed(`The body has more than ${jsonValuesMax} values.`)
    }
  }
}

function malformed(message: string): Refusal {
  return new Refusal([{ code: 2, message }])
}

/** The end of the string that starts at `start`, in a text known to be valid JSON. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1)
  for (;;) {
    let backslashes = 0
    while (text[end - 1 - backslashes] === '\\') backslashes += 1
    if (backslashes % 2 === 0) return end
    end = text.indexOf('"', end + 1)
  }
}

/**
 * Refuses what JSON.parse lets pass and two readers may understand differently: a key given twice, and keys that reach
 * an object's prototype. The text is known to be valid JSON, so a string after `{` or `,` of an object is a key. What
 * stands between brackets, commas, colons and quotes is passed over by a native search, however long it is.
 */
function refuseAmbiguousKeys(text: string): void {
  const open: (Set<string> | undefined)[] = []
  const signs = /["{}[\],:]/g
  let previous = ''
  while (signs.test(text)) {
    const at = signs.lastIndex - 1
    const sign = text[at] ?? ''
    if (sign === '"') {
      const end = endOfString(text, at)
      if (previous === '{' || previous === ',') admitKey(open.at(-1), text.slice(at, end + 1))
      signs.lastIndex = end + 1
      continue
    }
    if (sign === '{' || sign === '[') {
      open.push(sign === '{' ? new Set() : undefined)
      if (open.length > jsonDepthMax) {
        throw malformed(`The body is nested deeper than ${jsonDepthMax} levels.`)
      }
    } else if (sign === '}' || sign === ']') {
      open.pop()
    }
    previous = sign
  }
}

const prototypeKeys = new Set(['__proto__', 'constructor', 'prototype'])

/** Characters of the longest escape, as in `\u00e9`. */
const escapeLength = 6

/** Characters of a name that is too long by which its sender will know it. */
const keyShown = 32

/** The fault of a member's name, as it was sent, that has more than `keyUnitsMax` units. */
export function longName(name: string): Fault {
  const start = name.slice(0, keyShown)
  const message = `The name of a field has more than ${keyUnitsMax} characters: '${start}…'.`
  return { code: 2, message }
}

function admitKey(keys: Set<string> | undefined, quoted: string): void {
  if (!keys) return
  const mayFit = quoted.length - 2 <= keyUnitsMax * escapeLength
  const key: string | undefined = mayFit ? JSON.parse(quoted) : undefined
  if (key === undefined || key.length > keyUnitsMax) {
    throw new Refusal([longName(quoted.slice(1, -1))])
  }
  if (keys.has(key)) throw new Refusal([invalid(key, `The '${key}' field is given twice.`)])
  if (prototypeKeys.has(key)) throw new Refusal([invalid(key, `The '${key}' field is unknown.`)])
  keys.add(key)
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Bytes that are no UTF-8 are refused: to replace them would store what nobody sent. A byte order mark is dropped. */
function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw malformed('The body is not valid UTF-8.')
  }
}

/**
 * Parses a request body.
 *
 * @returns undefined for an empty body.
 * @throws Refusal (2) for bytes that are not UTF-8 or not JSON, that nest too deep, that name a field twice or by a
 *   long name, or that have more values or escapes than any body of ours.
 */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decode(bytes)
  if (text.trim() === '') return undefined
  refuseHuge(text)
  refuseEscapes(text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw malformed('The body is not valid JSON.')
  }
  refuseAmbiguousKeys(text)
  return value
}
