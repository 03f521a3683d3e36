import type { Members } from '../documents/normalise.ts'
import { fillPath } from '../http/operation.ts'
import type { Resource } from './resource.ts'

export function without(value: Members, members: readonly string[]): Members {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !members.includes(name)))
}

/** The body of a GET. */
export function present<Value extends Members>(
  { document, hidden = [] }: Pick<Resource<Value>, 'document' | 'hidden'>,
  value: Value,
): string {
  const shown = hidden.length > 0 ? without(value, hidden) : value
  return JSON.stringify(document.wrapper ? { [document.wrapper]: shown } : shown)
}

/** The canonical path of one resource, by which it is located and recorded. */
export function pathOf<Value extends Members>(
  { path, parameter, idMember }: Pick<Resource<Value>, 'path' | 'parameter' | 'idMember'>,
  parameters: Record<string, string>,
  value: Value,
): string {
  return fillPath(`${path}:${parameter}/`, { ...parameters, [parameter]: String(value[idMember]) })
}
