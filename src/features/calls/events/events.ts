import type { Reader } from '../../../database/database.ts'
import type { GroupKey } from '../../../http/place.ts'
import { idLine, reconnectLine, type Telling } from '../../../writes/stream.ts'
import type { KeptEvent } from './kept-events.ts'
import { readStanding } from './standing.ts'

/**
 * Where a client of a stream stands: all up to the position is known to it, and those above it that a snapshot showed, whose
 * writes overtook others.
 */
export interface Known {
  position: number
  /** In order. */
  ahead: readonly number[]
}

/** Positions ahead that an id names at most: those beyond would be told again to whoever comes back in that moment. */
const aheadMax = 100

const idPattern = /^\d{1,16}(?:\+\d{1,16}){0,100}$/

/** The id of an event: a position, and, for a moment after a snapshot, positions that it showed already. */
function idOf(position: number, ahead: readonly number[]): string {
  return [position, ...ahead.filter((one) => one > position).slice(0, aheadMax)].join('+')
}

/** What an id tells; undefined where it is none. */
export function readId(text: string): Known | undefined {
  if (!idPattern.test(text)) return undefined
  const [position = 0, ...ahead] = text.split('+').map(Number)
  return [position, ...ahead].every(Number.isSafeInteger) ? { position, ahead } : undefined
}

/** Events under their ids, made once for all who hear them. */
const texts = new WeakMap<KeptEvent, string>()

function fieldsOf({ kind, value }: KeptEvent): string {
  return `event: ${kind}\ndata: ${value}\n\n`
}

function plainText(event: KeptEvent): string {
  const known = texts.get(event)
  if (known !== undefined) return known
  const text = `${idLine(event.position)}${fieldsOf(event)}`
  texts.set(event, text)
  return text
}

/** How a stream of events begins. */
export interface Start {
  /** What the client knows, behind which it goes on; undefined for one that begins with a snapshot. */
  known: Known | undefined
  /** What it knew, where that can no longer be gone on from. */
  lost?: string
}

/** Whose events a stream tells. */
export interface Audience {
  reader: Reader
  group: GroupKey
  /** Keys of its route points; undefined for all of the group. */
  chosen: ReadonlySet<string> | undefined
  /** Does what may take long when its turn comes. */
  inTurn<Result>(work: () => Promise<Result>): Promise<Result>
}

function opening({ known, lost }: Start): string {
  const first = `${reconnectLine}${idLine(known && idOf(known.position, known.ahead))}\n`
  if (lost === undefined) return first
  return `${first}event: reset\ndata: ${JSON.stringify({ after: lost })}\n\n`
}

/** What a stream of events says. */
export function tellEvents(start: Start, audience: Audience): Telling<KeptEvent> {
  const { reader, group, chosen, inTurn } = audience
  let ahead = start.known?.ahead ?? []
  const isChosen = (key: string) => chosen === undefined || chosen.has(key)

  return {
    opening: opening(start),
    async begin(position) {
      const { calls, agents, shown } = await inTurn(() =>
        readStanding(reader, group, { after: position, isChosen }),
      )
      ahead = shown
      return `${idLine(idOf(position, ahead))}event: snapshot\ndata: ${JSON.stringify({ calls, agents })}\n\n`
    },
    heartbeat(reached) {
      const id = reached === undefined ? undefined : idOf(reached, ahead)
      return `${idLine(id)}event: heartbeat\ndata: {}\n\n`
    },
    shown(rows) {
      // What is the group's own concerns whoever routes any of it.
      const own = rows.filter(
        ({ position, route_point_key: key }) =>
          (key === '' || isChosen(key)) && !ahead.includes(position),
      )
      return { rows: own, isEnd: false }
    },
    textOf(event) {
      if (ahead.length > 0) ahead = ahead.filter((one) => one > event.position)
      if (ahead.length === 0) return plainText(event)
      return `${idLine(idOf(event.position, ahead))}${fieldsOf(event)}`
    },
    restMilliseconds: 0,
    trustMilliseconds: 1_000,
  }
}
