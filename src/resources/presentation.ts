import type { Members } from '../documents/normalise.ts'
import { fillPath } from '../http/operation.ts'
import { itemPathOf, type Resource } from './resource.ts'

export function without(value: Members, members: readonly string[]): Members {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !members.includes(name)))
}

/** The body of a GET. */
export function present<Value extends Members>(
  { document, answers }: Pick<Resource<Value>, 'document' | 'answers'>,
  value: Value,
): string {
  const shown = answers?.hidden ? without(value, answers.hidden) : value
  return JSON.stringify(document.wrapper ? { [document.wrapper]: shown } : shown)
}

/** The canonical path of one resource, by which it is located and recorded. */
export function pathOf<Value extends Members>(
  resource: Pick<Resource<Value>, 'path' | 'id'>,
  parameters: Record<string, string>,
  value: Value,
): string {
  const { parameter, member } = resource.id
  return fillPath(itemPathOf(resource), { ...parameters, [parameter]: String(value[member]) })
}
