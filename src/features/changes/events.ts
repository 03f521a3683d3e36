import { setTimeout as delay } from 'node:timers/promises'
import type { Reader } from '../../database/database.ts'
import { DatabaseUnavailable, Refusal } from '../../errors.ts'
import type { Caller } from '../../http/permissions.ts'
import type { Batch } from '../../writes/follow.ts'
import type { KeptChange } from '../../writes/kept-changes.ts'
import type { Scope } from '../../writes/record.ts'
import { toText } from './change.ts'

/** Milliseconds in which a stream says something at least, so that both ends and all between them know that it is there. */
const heartbeatDefault = 15_000

/** Milliseconds that a browser waits before it connects again. */
const reconnectMilliseconds = 2_000

/** Changes that come one by one are gathered for so many milliseconds: each time the right is confirmed. */
const restMilliseconds = 100

/** Milliseconds until it is asked again whether a right still holds, where the database could not tell. */
const patienceMilliseconds = 1_000

/** Characters that go out as one text. */
const textLengthMax = 65_536

/** Where a stream begins. */
export interface Start {
  /** Undefined for now. */
  after: number | undefined
  /** The position up to which the client knows the record, where some of what follows cannot be shown any more. */
  gapAfter?: number
}

export interface Listener {
  caller: Pick<Caller, 'confirm'>
  /** With the deletion of what it ends; undefined for who may see what comes after it. */
  endsWith: Scope | undefined
  reader: Reader
  signal: AbortSignal
  /** For tests, which have less patience. */
  heartbeatMilliseconds?: number
}

function idOf(position: number | undefined): string {
  return position === undefined ? '' : `id: ${position}\n`
}

function opening({ after, gapAfter }: Start): string {
  const first = `retry: ${reconnectMilliseconds}\n${idOf(after)}\n`
  if (gapAfter === undefined) return first
  return `${first}event: gap\ndata: ${JSON.stringify({ after: gapAfter })}\n\n`
}

/** An id tells how far the record was looked through, though nothing was to be shown. */
function heartbeat(reached: number | undefined): string {
  return `:\n${idOf(reached)}\n`
}

function* textsOf(changes: readonly KeptChange[]): Iterable<string> {
  let text = ''
  for (const change of changes) {
    text += `${idOf(change.position)}event: change\ndata: ${toText(change)}\n\n`
    if (text.length < textLengthMax) continue
    yield text
    text = ''
  }
  if (text !== '') yield text
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
function upToEnd(changes: readonly KeptChange[], endsWith: Scope | undefined) {
  const end = endsWith ? changes.findIndex((change) => isItsEnd(change, endsWith)) : -1
  return { shown: end === -1 ? changes : changes.slice(0, end + 1), isEnd: end !== -1 }
}

/** Whether a caller may still do what they were let in for; waits as long as nobody can tell. */
async function mayListen({ caller, reader, signal }: Listener): Promise<boolean> {
  while (!signal.aborted) {
    try {
      await caller.confirm(reader)
      return !signal.aborted
    } catch (error) {
      if (error instanceof Refusal) return false
      if (!(error instanceof DatabaseUnavailable)) throw error
    }
    await rest(patienceMilliseconds, signal)
  }
  return false
}

async function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  await delay(milliseconds, undefined, { signal }).catch(() => {})
}

/** What a promise answers, or undefined when it takes longer than so many milliseconds. */
async function within<Result>(
  promise: Promise<Result>,
  milliseconds: number,
): Promise<Result | undefined> {
  const inTime = new AbortController()
  try {
    return await Promise.race([
      promise,
      rest(Math.max(milliseconds, 0), inTime.signal).then(() => undefined),
    ])
  } finally {
    inTime.abort()
  }
}

/**
 * The text of a stream: changes as they come, and a heartbeat where none do. The right of whoever listens is confirmed before
 * each of them, and the stream ends when it is lost.
 *
 * @param follow begins to follow the record at the stream's start.
 */
export async function* eventsOf(
  start: Start,
  listener: Listener,
  follow: (signal: AbortSignal) => AsyncGenerator<Batch, void>,
): AsyncGenerator<string, void> {
  const { signal, heartbeatMilliseconds = heartbeatDefault } = listener
  yield opening(start)
  const ended = new AbortController()
  const batches = follow(AbortSignal.any([signal, ended.signal]))
  let next = batches.next()
  let reached = start.after
  let heardAt = performance.now()
  try {
    for (;;) {
      const batch = await within(next, heardAt + heartbeatMilliseconds - performance.now())
      if (batch?.done) return
      const { shown: changes, isEnd } = upToEnd(batch?.value.changes ?? [], listener.endsWith)
      const isDue = performance.now() - heardAt >= heartbeatMilliseconds
      const isFirst = reached === undefined
      if (batch) reached = batch.value.reached
      if (changes.length > 0 || isDue || isFirst) {
        if (!(await mayListen(listener))) return
        const texts = changes.length > 0 ? textsOf(changes) : [heartbeat(reached)]
        let length = 0
        for (const text of texts) {
          length += text.length
          yield text
        }
        if (isEnd) return
        heardAt = performance.now()
        // There is hardly more to come at once.
        if (length < textLengthMax) await rest(restMilliseconds, signal)
      }
      if (batch) next = batches.next()
    }
  } finally {
    // What it waits for may never come, and nobody is left who would hear of an error.
    next.catch(() => {})
    ended.abort()
    batches.return().catch(() => {})
  }
}
