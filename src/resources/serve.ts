import type { Api } from '../api.ts'
import type { Members } from '../documents/normalise.ts'
import { emptyObject } from '../http/openapi/answers.ts'
import { addOperation, type Operation } from '../http/operation.ts'
import * as operations from './operations.ts'
import { pathParameterOf } from './path-parameter.ts'
import { listParameters } from './query.ts'
import { fieldsOf, type Resource } from './resource.ts'
import { resourceSchemas } from './schemas.ts'
import { tableKeeper } from './table-keeper.ts'
import { capitalised, oneOf, wordsOf } from './words.ts'

/** Serves a resource: its list, creation, read, partial update and deletion. */
export function addResource<Value extends Members>(
  { app, door }: Pick<Api, 'app' | 'door'>,
  resource: Resource<Value>,
  keeper = tableKeeper(resource, door),
): void {
  const { noun, path, permissions, examples = {} } = resource
  const schemas = resourceSchemas(resource)
  const served = { resource, keeper, door }
  const subject = capitalised(noun)
  const one = oneOf(noun)
  const nouns = resource.nouns ?? `${noun}s`
  const shared = {
    tag: resource.tag,
    ...(resource.description && { description: resource.description }),
  }
  const { bodyBytesMax, consumes } = resource
  const sized = { ...(bodyBytesMax && { bodyBytesMax }), ...(consumes && { consumes }) }
  // A new name is taken over by all that names it, and nothing is deleted before all of that was asked.
  const isNamed = resource.parts.some(({ carry }) => carry)
  const item = `${path}:${resource.parameter}/`
  const entries: Operation[] = [
    {
      ...shared,
      method: 'GET',
      path,
      id: `list${capitalised(nouns)}`,
      summary: `List the ${wordsOf(nouns)}`,
      permission: permissions.list,
      query: listParameters(Object.keys(fieldsOf(resource)), !resource.wholeList),
      answer: schemas.list,
      example: examples.list ?? {},
      handler: (request) => operations.list(served, request),
    },
    {
      ...shared,
      ...sized,
      method: 'POST',
      path,
      id: `create${subject}`,
      summary: `Create ${one}`,
      permission: permissions.create,
      body: schemas.forCreation,
      status: 201,
      answer: schemas.created,
      example: examples.create ?? {},
      ...(resource.parts.some(({ reveal }) => reveal) && {
        isFinal: 'what is created is shown once, and would not be there',
      }),
      handler: (request) => operations.create(served, request),
    },
    {
      ...shared,
      method: 'GET',
      path: item,
      names: pathParameterOf(resource),
      id: `get${subject}`,
      summary: `Get ${one}`,
      permission: permissions.read,
      answer: schemas.read,
      isDear: resource.computed?.readPage !== undefined,
      example: examples.read ?? {},
      handler: (request) => operations.read(served, request),
    },
    {
      ...shared,
      ...sized,
      method: 'PUT',
      path: item,
      id: `update${subject}`,
      summary: `Change ${one}: absent members stay as they are`,
      permission: permissions.change,
      body: schemas.forChange,
      isDear: isNamed,
      answer: schemas.changed,
      example: examples.change ?? {},
      handler: (request) => operations.change(served, request),
    },
    {
      ...shared,
      method: 'DELETE',
      path: item,
      id: `delete${subject}`,
      summary: `Delete ${one}`,
      permission: permissions.remove,
      isDear: isNamed || resource.holdsMany === true,
      ...(resource.removeParameters && { query: resource.removeParameters }),
      answer: emptyObject,
      example: { response: {} },
      handler: (request) => operations.remove(served, request),
    },
  ]
  for (const operation of entries) addOperation(app, operation)
}
