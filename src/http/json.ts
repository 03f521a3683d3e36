import { invalid, Refusal } from '../errors.ts'

/** Deeper than any body of ours; a recursive reader of the value is safe within it. */
const jsonDepthMax = 20

/** Far more members, items and nested values than any body of ours has; to judge millions takes seconds. */
const jsonValuesMax = 5_000

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
 * an object's prototype. The text is known to be valid JSON, so a string after `{` or `,` of an object is a key.
 */
function refuseAmbiguousKeys(text: string): void {
  const open: (Set<string> | undefined)[] = []
  let previous = ''
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? ''
    if (character === '"') {
      const end = endOfString(text, at)
      if (previous === '{' || previous === ',') admitKey(open.at(-1), text.slice(at, end + 1))
      at = end
    } else if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : undefined)
      if (open.length > jsonDepthMax) {
        throw malformed(`The body is nested deeper than ${jsonDepthMax} levels.`)
      }
    } else if (character === '}' || character === ']') {
      open.pop()
    }
    if ('{}[],:'.includes(character)) previous = character
  }
}

const prototypeKeys = new Set(['__proto__', 'constructor', 'prototype'])

function admitKey(keys: Set<string> | undefined, quoted: string): void {
  if (!keys) return
  const key: string = JSON.parse(quoted)
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
 * @throws Refusal (2) for bytes that are not UTF-8 or not JSON, that nest too deep or that name a field twice.
 */
export function parseJson(bytes: Uint8Array): unknown {
  const text = decode(bytes)
  if (text.trim() === '') return undefined
  refuseHuge(text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw malformed('The body is not valid JSON.')
  }
  refuseAmbiguousKeys(text)
  return value
}
