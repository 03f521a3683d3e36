import { isObject, type Members } from '../documents/normalise.ts'
import type { Schema } from '../documents/vocabulary.ts'
import type { PathParameter } from '../http/operation.ts'
import type { Resource } from './resource.ts'
import { capitalised, wordsOf } from './words.ts'

/** How the id in a path is compared with those that there are. */
function comparison({ caseless, atDomain }: Schema): string {
  if (!caseless) return 'exactly as it is spelt'
  const domain = atDomain ? '; without a domain it gets the default one' : ''
  return `without regard to case${domain}`
}

/** The id of the first item that the list's example shows. */
function idExample<Value extends Members>(resource: Resource<Value>): unknown {
  const { id, list, documentation } = resource
  const answer = documentation.examples.list?.response
  const items = isObject(answer) ? answer[list.member] : undefined
  const item = Array.isArray(items) ? items[0] : undefined
  return isObject(item) ? item[id.member] : undefined
}

/** What the path's parameter says that names one of a resource: all of it follows from the definition. */
export function pathParameterOf<Value extends Members>(resource: Resource<Value>): PathParameter {
  const { noun, id, document } = resource
  const member: Schema = document.schemas.shown.properties?.[id.member] ?? {}
  const { minLength, maxLength } = member
  return {
    component: `${capitalised(noun)}Id`,
    description: `\`${id.member}\` of the ${wordsOf(noun)}, ${comparison(member)}.`,
    schema: {
      type: 'string',
      ...(minLength !== undefined && { minLength }),
      ...(maxLength !== undefined && { maxLength }),
    },
    example: idExample(resource),
  }
}
