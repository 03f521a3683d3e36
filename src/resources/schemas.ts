import type { Members } from '../documents/normalise.ts'
import { named, type Schema } from '../documents/vocabulary.ts'
import { emptyObject } from '../http/openapi/answers.ts'
import { without } from './presentation.ts'
import { nounsOf, type Resource } from './resource.ts'
import { capitalised, oneOf, wordsOf } from './words.ts'

/** The schemas of a resource's operations, as OpenAPI shows them. */
export interface ResourceSchemas {
  list: Schema
  forCreation: Schema
  forChange: Schema
  created: Schema
  read: Schema
  changed: Schema
}

/** The schema of what a GET of one shows. */
function schemaWithout(schema: Schema, members: readonly string[]): Schema {
  if (members.length === 0) return schema
  const required = schema.required?.filter((member) => !members.includes(member))
  const properties = without(schema.properties ?? {}, members)
  return { ...schema, properties, ...(required && { required }) }
}

/** The schema of what GET shows, under its noun; one in a wrapper has a component for that too. */
function shownAs(noun: string, shown: Schema, wrapper: string | undefined): Schema {
  const subject = capitalised(noun)
  const description = `${capitalised(oneOf(noun))}.`
  const inner = wrapper && shown.properties?.[wrapper]
  if (!inner) return named(subject, shown, description)
  const properties = { [wrapper]: named(subject, inner, description) }
  return named(capitalised(wrapper), { ...shown, properties }, description)
}

function listSchema<Value extends Members>(resource: Resource<Value>, item: Schema): Schema {
  const { member, totals } = resource.list
  const description = `The ${wordsOf(nounsOf(resource))} of this page.`
  const schema = {
    type: 'object',
    properties: { [member]: { type: 'array', items: item, description }, ...totals?.schema },
    required: [member, ...Object.keys(totals?.schema ?? {})],
  }
  return named(`${capitalised(resource.noun)}List`, schema, 'A page of a list.')
}

/** All follow from the definition; their names from its noun. */
export function resourceSchemas<Value extends Members>(resource: Resource<Value>): ResourceSchemas {
  const { document, noun, answers = {}, list } = resource
  const { hidden = [] } = answers
  const { shown, forCreation, forChange } = document.schemas.documented
  const subject = capitalised(noun)
  const words = oneOf(noun)
  const one = shownAs(noun, schemaWithout(shown, hidden), document.wrapper)
  const differs = hidden.length > 0 || list.item !== undefined
  const item = differs
    ? named(`${subject}Item`, list.item?.schema ?? shown, `${capitalised(words)} in a list.`)
    : one
  return {
    list: listSchema(resource, item),
    forCreation: named(`${subject}Creation`, forCreation, `What creates ${words}.`),
    forChange: named(
      `${subject}Change`,
      forChange,
      `What changes ${words}; absent members stay as they are.`,
    ),
    created: answers.create === 'empty' ? emptyObject : one,
    read: one,
    changed: answers.change === 'empty' ? emptyObject : one,
  }
}
