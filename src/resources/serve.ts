import type { Api } from '../api.ts'
import type { Members } from '../documents/normalise.ts'
import type { Schema } from '../documents/vocabulary.ts'
import { addOperation, type Operation } from '../http/operation.ts'
import * as operations from './operations.ts'
import { without } from './presentation.ts'
import { listParameters } from './query.ts'
import { fieldsOf, type Resource } from './resource.ts'
import { tableKeeper } from './table-keeper.ts'
import { capitalised, oneOf, wordsOf } from './words.ts'

function listSchema(listMember: string, item: Schema, totals: Record<string, Schema> = {}): Schema {
  const schema = {
    type: 'object',
    properties: { [listMember]: { type: 'array', items: item }, ...totals },
    required: [listMember, ...Object.keys(totals)],
  }
  return schema as unknown as Schema
}

/** The schema of what a GET of one shows. */
function schemaWithout(schema: Schema, members: readonly string[]): Schema {
  if (members.length === 0) return schema
  const required = schema.required?.filter((member) => !members.includes(member))
  const properties = without(schema.properties ?? {}, members)
  return { ...schema, properties, ...(required && { required }) } as unknown as Schema
}

const emptyObject = { type: 'object', maxProperties: 0 } as unknown as Schema

/** Serves a resource: its list, creation, read, partial update and deletion. */
export function addResource<Value extends Members>(
  { app, door }: Pick<Api, 'app' | 'door'>,
  resource: Resource<Value>,
  keeper = tableKeeper(resource, door),
): void {
  const { noun, path, permissions, document, hidden = [], answers = {}, examples = {} } = resource
  const { shown, forCreation, forChange } = document.schemas.documented
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
  const isNamed = resource.carry !== undefined
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
      answer: listSchema(
        resource.listMember,
        resource.item?.schema ?? shown,
        resource.totals?.schema,
      ),
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
      body: forCreation,
      status: 201,
      answer: answers.create === 'empty' ? emptyObject : schemaWithout(shown, hidden),
      example: examples.create ?? {},
      ...(resource.reveal && { isFinal: 'what is created is shown once, and would not be there' }),
      handler: (request) => operations.create(served, request),
    },
    {
      ...shared,
      method: 'GET',
      path: item,
      id: `get${subject}`,
      summary: `Get ${one}`,
      permission: permissions.read,
      answer: schemaWithout(shown, hidden),
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
      body: forChange,
      isDear: isNamed,
      answer: answers.change === 'empty' ? emptyObject : schemaWithout(shown, hidden),
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
