import Type, { type Static, type TOptional, type TSchema, type TUnsafe } from 'typebox'
import type { Compaction } from './characters.ts'
import type { Upload } from './upload.ts'

/** What a document can name. */
export type ReferenceKind = 'announcement' | 'department' | 'dispositionCode'

/**
 * What a document's schema says beyond JSON Schema. `documentSchemas` turns these words into the three schemas of the
 * API, so none of them is seen outside.
 */
export interface Vocabulary {
  /** `null`, or `""` for a string, removes the member. */
  clearable?: boolean
  /** An object that is replaced, not merged: a key that points elsewhere. */
  whole?: boolean
  /** Given at creation; later only accepted when it equals what is stored. */
  fixed?: boolean
  /** An id: compared without case. */
  caseless?: boolean
  /** An id of the form `user@domain`: one without a domain gets the default one. */
  atDomain?: boolean
  /** The item's member that names what a slot holds. */
  slots?: string
  /** What is dropped of a number. */
  compact?: Compaction
  /** Says where calls go, so it must not lead back to where they came from. */
  destination?: boolean
  /** Names what exists or is only compared: it may have characters that are refused today. */
  refers?: boolean
  /** Names something of another kind, which must be there as long as it is named. */
  refersTo?: ReferenceKind
  /** An uploaded file: base64 in JSON, or the file of a form. */
  upload?: boolean
  /** Completes "must be …" when the pattern does not match. */
  expects?: string
  /** The name under which OpenAPI says it once, for all that refer to it. */
  component?: string
}

export const vocabularyWords: readonly (keyof Vocabulary)[] = [
  'clearable',
  'whole',
  'fixed',
  'caseless',
  'atDomain',
  'slots',
  'compact',
  'destination',
  'refers',
  'refersTo',
  'upload',
  'expects',
  'component',
]

/** A schema as it is read: one of TypeBox's, whose types tell less than it has, or one that was put together. */
export type Schema = TSchema &
  Vocabulary & {
    type?: string
    properties?: Record<string, Schema>
    items?: Schema
    maxItems?: number
    minLength?: number
    maxLength?: number
    minimum?: number
    maximum?: number
    enum?: readonly unknown[]
    anyOf?: Schema[]
    required?: string[]
    additionalProperties?: boolean
    maxProperties?: number
    contentEncoding?: string
    contentSchema?: Schema
    default?: unknown
    description?: string
    readOnly?: boolean
    writeOnly?: boolean
  }

function marked<S extends TSchema>(schema: S, words: Vocabulary & Record<string, unknown>): S {
  // TypeBox keeps its own marks in properties that a spread would lose.
  const copy = Object.create(Object.prototype, Object.getOwnPropertyDescriptors(schema))
  return Object.assign(copy, words)
}

/** An optional member that can be removed again. */
export function clearable<S extends TSchema>(schema: S) {
  return Type.Optional(marked(schema, { clearable: true }))
}

export function fixed<S extends TSchema>(schema: S): S {
  return marked(schema, { fixed: true })
}

/** A member that answers show and no request sets. */
export function readOnly<S extends TSchema>(schema: S) {
  return Type.Optional(marked(schema, { readOnly: true }))
}

/** A member that requests set and no answer shows; it is handed over apart from the document. */
export function secret<S extends TSchema>(schema: S): S {
  return marked(schema, { writeOnly: true })
}

/** A file that requests bring and no answer shows; it is handed over apart from the document. */
export function upload<File extends Upload>(options: Record<string, unknown> = {}): TUnsafe<File> {
  return Type.Unsafe<File>({ upload: true, writeOnly: true, ...options })
}

/** A schema that OpenAPI shows under a name of its own. */
export function named<S extends TSchema>(component: string, schema: S, description?: string): S {
  return marked(schema, { component, ...(description !== undefined && { description }) })
}

/** Text of 1 to `maxLength` code points. */
export function text(maxLength: number, options: Record<string, unknown> = {}) {
  return Type.String({ minLength: 1, maxLength, ...options })
}

/** A name that stands in a path, where `.` and `..` would mean something else. */
export function name(maxLength: number, options: Record<string, unknown> = {}) {
  return text(maxLength, {
    pattern: '^(?!\\.{1,2}$)',
    expects: "a name other than '.' and '..'",
    ...options,
  })
}

/** An id: a name that ignores case. */
export function id(maxLength: number, options: Record<string, unknown> = {}) {
  return name(maxLength, { caseless: true, ...options })
}

/** In a slot of a PUT: leave what the slot holds. */
export const unmodified = 'Unmodify'

/** Positions in a list of slots. */
const slotsMax = 4

/** A list of positions, each holding an `item` or nothing (`null`); `member` is the item's one member. */
export function slots<S extends TSchema>(
  item: S,
  member: keyof Static<S> & string,
  options: Record<string, unknown> = {},
): TOptional<TUnsafe<(Static<S> | null)[]>> {
  return Type.Optional(
    Type.Unsafe<(Static<S> | null)[]>({
      type: 'array',
      items: { ...item, type: ['object', 'null'] },
      maxItems: slotsMax,
      slots: member,
      ...options,
    }),
  )
}
