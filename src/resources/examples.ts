import type { Members } from '../documents/normalise.ts'
import type { Documentation } from './resource.ts'

/** The examples of a resource that its answers and its list show alike. */
export function examplesOf(
  listMember: string,
  { create, shown, change }: { create: Members; shown: Members; change: Members },
): Documentation['examples'] {
  return {
    list: { response: { [listMember]: [shown] } },
    create: { request: create, response: shown },
    read: { response: shown },
    change: { request: change, response: { ...shown, ...change } },
  }
}
