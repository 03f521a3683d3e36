import type { Static, TObject } from 'typebox'
import { type Document, defineDocument, type Rule } from '../../../documents/document.ts'
import { type Marks, marksIn } from '../../../documents/marks.ts'
import type { Members } from '../../../documents/normalise.ts'
import type { ReferenceKind, Schema } from '../../../documents/vocabulary.ts'

/** What settings name: no departments. */
const namedKinds = ['announcement', 'dispositionCode'] as const satisfies ReferenceKind[]
export type NamedKind = (typeof namedKinds)[number]

/** Where documents of a schema name things, by what these are; only of such kinds as they can name. */
function namesIn(schema: Schema): Setting['names'] {
  const names = namedKinds.map((kind) => ({
    kind,
    ...marksIn(schema, ({ refersTo }) => refersTo === kind),
  }))
  return names.filter(({ isEmpty }) => !isEmpty)
}

/** What has settings. */
export type SettingOwner = 'route point' | 'DNIS'

export interface SettingExample {
  get: unknown
  put: { request: unknown; response: unknown }
}

interface SettingDefinition<S extends TObject, Name extends string> {
  /** As in the path. */
  name: Name
  summary: string
  schema: S
  /** The state of an owner that was never told otherwise. */
  default: Static<S>
  rules?: Rule<Static<S>>
  /** The reference's own, where it has the setting. */
  example: SettingExample
  /** A path that the reference prints beside the canonical one, for PUT. */
  alias?: string
}

/**
 * One kind of configuration of an owner, such as a route point; its operations and storage follow from the definition. What
 * it names, such as a file, is marked in its schema and must exist as long as it does.
 */
export interface Setting<Value extends Members = Members, Name extends string = string> {
  name: Name
  summary: string
  document: Document<Value>
  /** The default as GET answers it. */
  defaultText: string
  /** Where it sends calls. */
  destinations: Marks
  /** Where it names things that must be there, by what they are. */
  names: readonly (Marks & { kind: NamedKind })[]
  example: SettingExample
  alias: string | undefined
}

/** The documents of some settings, by the settings' names. */
export type SettingValues<Settings extends readonly Setting[]> = {
  [Each in Settings[number] as Each['name']]: Each extends Setting<infer Value> ? Value : never
}

export function defineSetting<S extends TObject, const Name extends string>(
  definition: SettingDefinition<S, Name>,
): Setting<Static<S>, Name> {
  const { name, summary, schema, rules, example, alias } = definition
  const document = defineDocument({
    schema,
    defaults: definition.default,
    ...(rules && { rules }),
  })
  const { shown } = document.schemas
  return {
    name,
    summary,
    document,
    defaultText: JSON.stringify(document.arrange(definition.default)),
    destinations: marksIn(shown, ({ destination }) => destination === true),
    names: namesIn(shown),
    example,
    alias,
  }
}
