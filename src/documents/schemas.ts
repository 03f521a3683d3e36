import { isDeepStrictEqual } from 'node:util'
import { isText } from './normalise.ts'
import { type Schema, unmodified, vocabularyWords } from './vocabulary.ts'

/** The schemas of one kind of document: what GET shows, what POST and PUT take, and the latter as OpenAPI tells it. */
export interface DocumentSchemas {
  shown: Schema
  forCreation: Schema
  forChange: Schema
  documented: { shown: Schema; forCreation: Schema; forChange: Schema }
}

type Keep = (property: Schema, key: string) => boolean

/** A copy of an object schema with some members, recursively; `required` says which of them must be there. */
function derive(schema: Schema, keep: Keep, required: Keep): Schema {
  if (!schema.properties) return schema
  const kept = Object.entries(schema.properties).filter(([key, property]) => keep(property, key))
  const properties = Object.fromEntries(
    kept.map(([key, property]) => [
      key,
      property.whole ? property : derive(property, keep, required),
    ]),
  )
  const names = kept
    .filter(([key, property]) => schema.required?.includes(key) && required(property, key))
    .map(([key]) => key)
  const { required: _, ...rest } = schema
  return {
    ...rest,
    properties,
    ...(names.length > 0 && { required: names }),
    additionalProperties: false,
  }
}

/** With what clears a member: `null`, or an empty text. It is one schema where that says it all, which most generators prefer. */
function orCleared(schema: Record<string, unknown>): Record<string, unknown> {
  const { type, enum: values, pattern, minLength, ...rest } = schema
  const isText = type === 'string'
  if (Array.isArray(values)) {
    return { ...rest, type: [type, 'null'], enum: [...values, ...(isText ? [''] : []), null] }
  }
  if (isText && pattern === undefined && (minLength === undefined || minLength === 1)) {
    return { type: [type, 'null'], ...rest }
  }
  if (type === 'integer' || type === 'boolean') return { ...schema, type: [type, 'null'] }
  const clears = [{ type: 'null' }, ...(isText ? [{ type: 'string', const: '' }] : [])]
  // A component has its description with it.
  if (schema.component !== undefined) return { anyOf: [schema, ...clears] }
  const { description, ...alternative } = schema
  return { ...(description !== undefined && { description }), anyOf: [alternative, ...clears] }
}

/** The schema without our own words, but for its name; where `clearing`, as requests may be: also with what clears a member. */
export function documented(schema: Schema, clearing: boolean): Schema {
  const file = schema.upload && { type: 'string', contentEncoding: 'base64' }
  const copy: Record<string, unknown> = {
    ...(isText(schema) && { type: 'string' }),
    ...schema,
    ...file,
  }
  for (const word of vocabularyWords) if (word !== 'component') delete copy[word]
  // Requests and answers have schemas of their own; marked besides, generators would make two types of each.
  delete copy[clearing ? 'writeOnly' : 'readOnly']
  if (schema.properties) {
    copy.properties = Object.fromEntries(
      Object.entries(schema.properties).map(([key, property]) => [
        key,
        documented(property, clearing),
      ]),
    )
  }
  if (schema.items) copy.items = documented(schema.items, clearing)
  if (schema.contentSchema) copy.contentSchema = documented(schema.contentSchema, clearing)
  if (clearing && schema.slots)
    copy.items = { anyOf: [copy.items, { type: 'string', const: unmodified }] }
  // The pattern is that of the number without the spaces and dashes that requests may have in it.
  if (clearing && schema.compact === 'separators') delete copy.pattern
  if (schema.contentSchema) copy.contentSchema = documented(schema.contentSchema, clearing)
  if (schema.anyOf) copy.anyOf = schema.anyOf.map((one) => documented(one, clearing))
  // What requests may say otherwise than answers is another component.
  if (clearing && schema.component && !isDeepStrictEqual(copy, documented(schema, false))) {
    copy.component = `${schema.component}Input`
  }
  return clearing && schema.clearable ? orCleared(copy) : copy
}

function wrap(schema: Schema, wrapper: string | undefined): Schema {
  if (!wrapper) return schema
  return { type: 'object', properties: { [wrapper]: schema }, required: [wrapper] }
}

export function documentSchemas(
  schema: Schema,
  options: { optionalAtCreation: readonly string[]; wrapper: string | undefined },
): DocumentSchemas {
  const { optionalAtCreation, wrapper } = options
  const shown = derive(
    schema,
    (property) => !property.writeOnly,
    () => true,
  )
  const forCreation = derive(
    schema,
    (property) => !property.readOnly,
    (_, key) => !optionalAtCreation.includes(key),
  )
  const forChange = derive(
    schema,
    () => true,
    () => false,
  )
  return {
    shown,
    forCreation,
    forChange,
    documented: {
      shown: wrap(documented(shown, false), wrapper),
      forCreation: documented(forCreation, true),
      forChange: documented(forChange, true),
    },
  }
}
