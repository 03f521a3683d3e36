import { itemPath, memberPath } from '../errors.ts'
import { isObject, type Members } from './normalise.ts'
import type { Schema } from './vocabulary.ts'

/** A member of a document that its schema marks. */
export interface MarkedMember {
  /** Where it stands, as faults name it. */
  path: string
  value: unknown
  /** Where in a list it stands, if in one. */
  position: number
}

/** The members of a document whose schema bears a mark, at every depth. */
export function* markedMembers(
  schema: Schema,
  value: Members,
  isMarked: (schema: Schema) => boolean,
  at: { path: string; position: number } = { path: '', position: 0 },
): Iterable<MarkedMember> {
  for (const [key, property] of Object.entries(schema.properties ?? {})) {
    const member = value[key]
    const path = memberPath(at.path, key)
    if (member !== undefined && isMarked(property)) yield { ...at, path, value: member }
    if (isObject(member)) yield* markedMembers(property, member, isMarked, { ...at, path })
    if (!Array.isArray(member) || !property.items) continue
    for (const [position, item] of member.entries()) {
      const place = { path: itemPath(path, position), position }
      if (isObject(item)) yield* markedMembers(property.items, item, isMarked, place)
    }
  }
}

/** A document with its marked members changed, at every depth. */
export function mapMarked(
  schema: Schema,
  value: Members,
  isMarked: (schema: Schema) => boolean,
  change: (value: unknown) => unknown,
): Members {
  const inside = (property: Schema | undefined, member: unknown): unknown =>
    property && isObject(member) ? mapMarked(property, member, isMarked, change) : member
  const members = Object.entries(value).map(([key, member]) => {
    const property = schema.properties?.[key]
    if (!property) return [key, member]
    if (isMarked(property)) return [key, change(member)]
    if (!Array.isArray(member)) return [key, inside(property, member)]
    return [key, member.map((item) => inside(property.items, item))]
  })
  return Object.fromEntries(members)
}

/** Whether a schema has a marked member at all. */
export function hasMarked(schema: Schema, isMarked: (schema: Schema) => boolean): boolean {
  const parts = [...Object.values(schema.properties ?? {}), ...(schema.items ? [schema.items] : [])]
  return parts.some((part) => isMarked(part) || hasMarked(part, isMarked))
}
