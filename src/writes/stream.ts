import { setTimeout as delay } from 'node:timers/promises'
import type { Reader } from '../database/database.ts'
import { DatabaseUnavailable, Refusal } from '../errors.ts'
import type { Caller } from '../http/permissions.ts'
import { type Batch, patiently } from './follow.ts'
import type { LogRow } from './log.ts'

/** Milliseconds between two heartbeats, by which both ends and all between them know that a stream is there. */
const heartbeatDefault = 15_000

/** Milliseconds that a browser waits before it connects again. */
const reconnectMilliseconds = 2_000

/** The first line of every stream. */
export const reconnectLine = `retry: ${reconnectMilliseconds}\n`

/** Milliseconds until it is asked again whether a right still holds, where the database could not tell. */
const patienceMilliseconds = 1_000

/** Characters that go out as one text. */
const textLengthMax = 65_536

/** What a stream says of a log. */
export interface Telling<Row extends LogRow> {
  opening: string
  /** Said of a stream that begins now, when it is known where that is. */
  begin(position: number): Promise<string>
  /** @param reached how far the log was looked through, though nothing was to be shown; undefined while that is not known. */
  heartbeat(reached: number | undefined): string
  /** The rows that are shown, up to the end of what the stream is of. */
  shown(rows: readonly Row[]): { rows: readonly Row[]; isEnd: boolean }
  textOf(row: Row): string
  /** Rows that come one by one are gathered for so many milliseconds. */
  restMilliseconds: number
  /** How long it is relied on that a right which was confirmed still holds, in milliseconds. */
  trustMilliseconds: number
}

export interface Listener {
  caller: Pick<Caller, 'confirm'>
  reader: Reader
  signal: AbortSignal
  /** For tests, which have less patience. */
  heartbeatMilliseconds?: number
}

/** The line of an event that names a position. */
export function idLine(position: number | string | undefined): string {
  return position === undefined ? '' : `id: ${position}\n`
}

function* textsOf<Row extends LogRow>(
  rows: readonly Row[],
  { textOf }: Pick<Telling<Row>, 'textOf'>,
): Iterable<string> {
  let text = ''
  for (const row of rows) {
    text += textOf(row)
    if (text.length < textLengthMax) continue
    yield text
    text = ''
  }
  if (text !== '') yield text
}

async function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds > 0) await delay(milliseconds, undefined, { signal }).catch(() => {})
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

/** Confirms a right before something is said, unless that was done a short time ago. */
function confirmSometimes(listener: Listener, trustMilliseconds: number): () => Promise<boolean> {
  let confirmedAt = Number.NEGATIVE_INFINITY
  return async () => {
    const now = performance.now()
    if (now - confirmedAt < trustMilliseconds) return true
    confirmedAt = now
    return mayListen(listener)
  }
}

/** What a stream says that begins now; nothing where its end came before. */
async function begin<Row extends LogRow>(
  position: number,
  telling: Telling<Row>,
  signal: AbortSignal,
): Promise<string> {
  return (await patiently(() => telling.begin(position), signal)) ?? ''
}

/**
 * The text of a stream: rows as they come, and heartbeats. The right of whoever listens is confirmed before they are shown
 * anything, and the stream ends when it is lost.
 *
 * @param after where the stream begins; undefined for now.
 * @param follow begins to follow the log there.
 */
export async function* streamOf<Row extends LogRow>(
  { after, telling }: { after: number | undefined; telling: Telling<Row> },
  listener: Listener,
  follow: (signal: AbortSignal) => AsyncGenerator<Batch<Row>, void>,
): AsyncGenerator<string, void> {
  const { signal, heartbeatMilliseconds = heartbeatDefault } = listener
  const mayHear = confirmSometimes(listener, telling.trustMilliseconds)
  yield telling.opening
  const ended = new AbortController()
  const batches = follow(AbortSignal.any([signal, ended.signal]))
  let next = batches.next()
  let reached = after
  let heartbeatAt = performance.now() + heartbeatMilliseconds
  try {
    for (;;) {
      const batch = await within(next, heartbeatAt - performance.now())
      if (batch?.done) return
      const { rows, isEnd } = telling.shown(batch?.value.rows ?? [])
      const isDue = performance.now() >= heartbeatAt
      const isFirst = reached === undefined
      if (batch) reached = batch.value.reached
      if (rows.length > 0 || isDue || isFirst) {
        if (!(await mayHear())) return
        if (isFirst && reached !== undefined) yield await begin(reached, telling, signal)
        let length = 0
        for (const text of textsOf(rows, telling)) {
          length += text.length
          yield text
        }
        if (isEnd) return
        if (isDue) {
          yield telling.heartbeat(reached)
          heartbeatAt = performance.now() + heartbeatMilliseconds
        }
        // There is hardly more to come at once.
        if (length < textLengthMax) await rest(telling.restMilliseconds, signal)
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
