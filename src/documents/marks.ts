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

/** Into each item of a list. */
const each = Symbol('each')

/** How a marked member is reached: by names, and into lists. */
type Way = readonly (string | typeof each)[]

function waysIn(schema: Schema, isMarked: (schema: Schema) => boolean, way: Way = []): Way[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    const here = [...way, key]
    const below = waysIn(property, isMarked, here)
    const inItems = property.items ? waysIn(property.items, isMarked, [...here, each]) : []
    return [...(isMarked(property) ? [here] : []), ...below, ...inItems]
  })
}

/** Adds what stands at the end of the way, from its step at `index` on. */
function follow(
  way: Way,
  index: number,
  { path, value, position }: MarkedMember,
  found: MarkedMember[],
): void {
  const step = way[index]
  if (value === undefined) return
  if (step === undefined) found.push({ path, value, position })
  else if (step !== each) {
    if (!isObject(value)) return
    follow(way, index + 1, { path: memberPath(path, step), value: value[step], position }, found)
  } else if (Array.isArray(value)) {
    for (const [place, item] of value.entries()) {
      const at = { path: itemPath(path, place), value: item, position: place }
      follow(way, index + 1, at, found)
    }
  }
}

/** The members that bear a mark in documents of a schema, at every depth. */
export interface Marks {
  isEmpty: boolean
  find(value: Members): MarkedMember[]
}

/** Finds once where marked members can stand; each document is then looked at only there. */
export function marksIn(schema: Schema, isMarked: (schema: Schema) => boolean): Marks {
  const ways = waysIn(schema, isMarked)
  return {
    isEmpty: ways.length === 0,
    find(value) {
      const found: MarkedMember[] = []
      for (const way of ways) follow(way, 0, { path: '', value, position: 0 }, found)
      return found
    },
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
