import type { Members } from '../documents/normalise.ts'
import { emptyObject } from '../http/openapi/answers.ts'
import { addOperation, type Operation } from '../http/operation.ts'
import { amongNouns, removeParameters } from './contents.ts'
import type { Keep } from './keeper.ts'
import type { NounHost } from './noun.ts'
import * as operations from './operations.ts'
import { pathParameterOf } from './path-parameter.ts'
import { listParameters } from './query.ts'
import { recordedNoun } from './recorded-noun.ts'
import { fieldsOf, itemPathOf, nounsOf, type Resource } from './resource.ts'
import { type ResourceSchemas, resourceSchemas } from './schemas.ts'
import { tableKeeper } from './table-keeper.ts'
import { capitalised, oneOf, wordsOf } from './words.ts'

/** What all operations of a resource tell. */
function sharedBy({ documentation: { tag, description } }: Pick<Resource, 'documentation'>) {
  return { tag, ...(description && { description }) }
}

/** What bodies of a resource may be, where it differs from others. */
function bodyOf({ body: { bytesMax, consumes } = {} }: Pick<Resource, 'body'>) {
  return { ...(bytesMax && { bodyBytesMax: bytesMax }), ...(consumes && { consumes }) }
}

/** The operations of the collection. */
function collectionOperations<Value extends Members>(
  served: operations.Served<Value>,
  schemas: ResourceSchemas,
): Operation[] {
  const { resource } = served
  const { noun, path, permissions, list, parts } = resource
  const { examples } = resource.documentation
  const nouns = nounsOf(resource)
  const shared = { ...sharedBy(resource), path }
  const isRevealing = parts.some(({ reveal }) => reveal)
  return [
    {
      ...shared,
      method: 'GET',
      id: `list${capitalised(nouns)}`,
      summary: `List the ${wordsOf(nouns)}`,
      permission: permissions.list,
      query: listParameters(Object.keys(fieldsOf(resource)), !list.isWhole),
      answer: schemas.list,
      example: examples.list ?? {},
      handler: (request) => operations.list(served, request),
    },
    {
      ...shared,
      ...bodyOf(resource),
      method: 'POST',
      id: `create${capitalised(noun)}`,
      summary: `Create ${oneOf(noun)}`,
      permission: permissions.create,
      body: schemas.forCreation,
      status: 201,
      answer: schemas.created,
      example: examples.create ?? {},
      ...(isRevealing && {
        isFinal: 'what is created is shown once, and would not be there',
        revealsSecret: true,
      }),
      handler: (request) => operations.create(served, request),
    },
  ]
}

/** The operations of one document. */
function itemOperations<Value extends Members>(
  served: operations.Served<Value>,
  schemas: ResourceSchemas,
): Operation[] {
  const { resource } = served
  const { noun, id, document, permissions, parts, computed, removal } = resource
  const { examples } = resource.documentation
  const subject = capitalised(noun)
  const one = oneOf(noun)
  const shared = { ...sharedBy(resource), path: itemPathOf(resource) }
  // A new name is taken over by all that names it, and a deletion asks all of that first.
  const hasNamers = parts.some(({ carry }) => carry)
  const holdsMany = removal?.holdsMany === true
  // Rows below it have its name in their keys.
  const moves = holdsMany && document.schemas.shown.properties?.[id.member]?.fixed !== true
  return [
    {
      ...shared,
      method: 'GET',
      names: pathParameterOf(resource),
      id: `get${subject}`,
      summary: `Get ${one}`,
      permission: permissions.read,
      answer: schemas.read,
      isDear: computed?.readPage !== undefined,
      example: examples.read ?? {},
      handler: (request) => operations.read(served, request),
    },
    {
      ...shared,
      ...bodyOf(resource),
      method: 'PUT',
      id: `update${subject}`,
      summary: `Change ${one}: absent members stay as they are`,
      permission: permissions.change,
      body: schemas.forChange,
      isDear: hasNamers || moves,
      answer: schemas.changed,
      example: examples.change ?? {},
      handler: (request) => operations.change(served, request),
    },
    {
      ...shared,
      method: 'DELETE',
      id: `delete${subject}`,
      summary: `Delete ${one}`,
      permission: permissions.remove,
      isDear: hasNamers || holdsMany,
      ...(removal?.keptBy === 'contents' && { query: removeParameters }),
      answer: emptyObject,
      example: { response: {} },
      handler: (request) => operations.remove(served, request),
    },
  ]
}

/** Serves a resource: its list, creation, read, partial update and deletion. */
export function addResource<Value extends Members>(
  { app, door, nouns, recorded }: NounHost,
  definition: Resource<Value>,
  keep: Keep<Value> = (resource) => ({ resource, keeper: tableKeeper(resource, door, recorded) }),
): void {
  nouns.push(definition)
  recorded.push(...recordedNoun(definition))
  const served = { ...keep(amongNouns(definition, nouns)), door }
  const schemas = resourceSchemas(served.resource)
  const all = [...collectionOperations(served, schemas), ...itemOperations(served, schemas)]
  for (const operation of all) addOperation(app, operation)
}
