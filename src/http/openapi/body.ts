import type { Schema } from '../../documents/vocabulary.ts'
import { formType } from '../form.ts'
import type { Operation } from '../operation.ts'
import type { Components } from './components.ts'

export const jsonType = 'application/json'

/** The schema of a form: files come as they are, while in JSON they are base64. */
function asForm(body: Schema): Schema {
  const properties = Object.entries(body.properties ?? {}).map(([name, property]) => {
    const { contentEncoding, ...file } = property
    return [name, contentEncoding === undefined ? property : { ...file, format: 'binary' }]
  })
  const component = body.component && { component: `${body.component}Form` }
  return { ...body, ...component, properties: Object.fromEntries(properties) }
}

/** What a request brings, in each media type that it may have. */
export function bodyOf(components: Components, { body, example, consumes }: Operation) {
  if (!body) return undefined
  const content = (consumes ?? [jsonType]).map((type) => [
    type,
    {
      schema: components.schema(type === formType ? asForm(body) : body),
      ...(type === jsonType && example?.request !== undefined && { example: example.request }),
    },
  ])
  return { required: true, content: Object.fromEntries(content) }
}
