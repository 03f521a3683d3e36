import { isObject, type Members } from './normalise.ts'
import { type Schema, unmodified } from './vocabulary.ts'

function mergeSlots(member: string, stored: unknown, change: unknown[]): unknown[] | undefined {
  const merged: unknown[] = Array.isArray(stored) ? [...stored] : []
  for (const [position, item] of change.entries()) {
    if (isObject(item) && item[member] === unmodified) continue
    merged[position] = item
  }
  const filled = Array.from(merged, (item) => item ?? null)
  while (filled.length > 0 && filled.at(-1) === null) filled.pop()
  return filled.length > 0 ? filled : undefined
}

function mergeMember(schema: Schema, stored: unknown, change: unknown): unknown {
  if (schema.slots && Array.isArray(change)) return mergeSlots(schema.slots, stored, change)
  if (schema.properties && !schema.whole && isObject(change)) {
    return merge(schema, isObject(stored) ? stored : {}, change)
  }
  return change
}

/** A constant stays as it is stored, in whatever case an update repeats it. */
function isConstant(property: Schema, stored: unknown): boolean {
  return stored !== undefined && Boolean(property.fixed || property.readOnly)
}

/**
 * Applies a partial update: an absent member stays, `undefined` removes it, objects merge member by member. The result's
 * members stand in the schema's order, so that equal documents are equal texts. Members that the schema does not know stay
 * as well, at the end: a node of a later version has stored them, and no update brings them.
 */
export function merge(schema: Schema, stored: Members, change: Members): Members {
  const merged: Members = {}
  const known = schema.properties ?? {}
  for (const [key, property] of Object.entries(known)) {
    const stays = !Object.hasOwn(change, key) || isConstant(property, stored[key])
    const value = stays ? stored[key] : mergeMember(property, stored[key], change[key])
    if (value !== undefined) merged[key] = value
  }
  for (const [key, value] of Object.entries({ ...stored, ...change })) {
    if (!Object.hasOwn(known, key)) merged[key] = value
  }
  return merged
}
