import type { KeptChange } from '../../writes/kept-changes.ts'
import type { Scope } from '../../writes/record.ts'
import { idLine, reconnectLine, type Telling } from '../../writes/stream.ts'
import { toText } from './change.ts'

/** Changes that come one by one are gathered for so many milliseconds: each time the right is confirmed. */
const restMilliseconds = 100

/** Where a stream begins. */
export interface Start {
  /** Undefined for now. */
  after: number | undefined
  /** The position up to which the client knows the record, where some of what follows cannot be shown any more. */
  gapAfter?: number
}

function opening({ after, gapAfter }: Start): string {
  const first = `${reconnectLine}${idLine(after)}\n`
  if (gapAfter === undefined) return first
  return `${first}event: gap\ndata: ${JSON.stringify({ after: gapAfter })}\n\n`
}

function heartbeat(reached: number | undefined): string {
  return `:\n${idLine(reached)}\n`
}

/** Whether a change is the deletion of what a stream is of: what comes after it is of another one with the same id. */
function isItsEnd(
  { action, kind, group_key, route_point_key }: KeptChange,
  { groupKey = '', routePointKey = '' }: Scope,
): boolean {
  if (action !== 'delete' || group_key !== groupKey || route_point_key !== routePointKey)
    return false
  if (routePointKey !== '') return kind === 'routePoint'
  return kind === (groupKey === '' ? 'tenant' : 'group')
}

/** The changes that a stream shows of some, up to the end of what it is of. */
function upToEnd(rows: readonly KeptChange[], endsWith: Scope | undefined) {
  const end = endsWith ? rows.findIndex((change) => isItsEnd(change, endsWith)) : -1
  return { rows: end === -1 ? rows : rows.slice(0, end + 1), isEnd: end !== -1 }
}

/**
 * What a stream of changes says.
 *
 * @param endsWith with the deletion of what it ends; undefined for who may see what comes after it.
 */
export function tellChanges(start: Start, endsWith: Scope | undefined): Telling<KeptChange> {
  return {
    opening: opening(start),
    begin: async (position) => heartbeat(position),
    heartbeat,
    shown: (rows) => upToEnd(rows, endsWith),
    textOf: (change) => `${idLine(change.position)}event: change\ndata: ${toText(change)}\n\n`,
    restMilliseconds,
    trustMilliseconds: 0,
  }
}
