import type { Members } from '../documents/normalise.ts'
import { fillPath } from '../http/operation.ts'
import type { Noun } from './noun.ts'
import { itemPathOf } from './resource.ts'

export function without<Member>(
  value: Readonly<Record<string, Member>>,
  members: readonly string[],
): Record<string, Member> {
  return Object.fromEntries(Object.entries(value).filter(([name]) => !members.includes(name)))
}

/** The body of a GET. */
export function present({ document, answers }: Noun, value: Members): string {
  const shown = answers?.hidden ? without(value, answers.hidden) : value
  return JSON.stringify(document.wrapper ? { [document.wrapper]: shown } : shown)
}

/** The canonical path of one resource, by which it is located and recorded. */
export function pathOf(noun: Noun, parameters: Record<string, string>, value: Members): string {
  const { parameter, member } = noun.id
  return fillPath(itemPathOf(noun), { ...parameters, [parameter]: String(value[member]) })
}
