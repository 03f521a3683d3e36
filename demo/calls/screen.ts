import { styleText } from 'node:util'
import { outcomes } from '../../src/features/calls/call.ts'
import type { ShownCall } from '../../src/features/calls/shown.ts'
import type { EndedCall, Seen } from './watch.ts'

type Style = Parameters<typeof styleText>[0]

/** How long a call that is over is still shown, in milliseconds. */
const lingerMilliseconds = 6_000

/** The widths of the columns: when it came, who calls, their number, the DNIS, what it does, waits, place, agent. */
const widths = [8, 16, 13, 8, 12, 6, 5, 20]
const headings = ['Came', 'Caller', 'Number', 'DNIS', 'State', 'Waits', 'Place', 'Agent']
const rightAligned = new Set(['Waits', 'Place'])

/** A text in its column; one that is too long is cut. */
function cell(text: string, column: number): string {
  const width = widths[column] ?? 0
  const letters = Array.from(text)
  const cut = letters.length > width ? `${letters.slice(0, width - 1).join('')}…` : letters.join('')
  const room = ' '.repeat(Math.max(width - Array.from(cut).length, 0))
  return rightAligned.has(headings[column] ?? '') ? room + cut : cut + room
}

const row = (cells: readonly string[]) => cells.map(cell).join('  ').trimEnd()

function clock(milliseconds: number): string {
  return new Date(milliseconds).toTimeString().slice(0, 8)
}

const nameOf = (userId: string | null | undefined) => userId?.split('@', 1)[0] ?? ''

const styles: Partial<Record<ShownCall['state'], Style>> = {
  offered: 'yellow',
  connected: 'green',
  forwarded: 'cyan',
  overflowed: 'red',
}

function rowOf({ at }: Seen, call: ShownCall): [string, Style] {
  const { caller, dnis = '–', state, isBounced, place, offer, waitingSince } = call
  const waits = waitingSince && `${Math.round((at - Date.parse(waitingSince)) / 1_000)} s`
  const whom = offer?.agent ? nameOf(offer.agent) : (offer?.destination ?? '')
  const agent = isBounced && state === 'waiting' ? '(came back)' : whom
  const came = clock(Date.parse(call.arrivedAt))
  const cells = [came, caller.name, caller.number, dnis, state, waits ?? '', `${place ?? ''}`]
  return [row([...cells, agent]), styles[state] ?? 'reset']
}

function rowOfEnded({ arrivedAt, caller, dnis, outcome, agent }: EndedCall): [string, Style] {
  const cells = [clock(arrivedAt), caller.name, caller.number, dnis ?? '–', outcome, '', '']
  return [row([...cells, nameOf(agent)]), 'dim']
}

/** How many calls there were, and how they ended. */
export function totalsOf({ calls, ended }: Seen): string {
  const counts = outcomes
    .map((outcome) => ({ outcome, count: ended.filter((one) => one.outcome === outcome).length }))
    .filter(({ count }) => count > 0)
    .map(({ outcome, count }) => `${outcome} ${count}`)
  const waiting = calls.filter(({ place }) => place !== undefined).length
  return [`came ${calls.length + ended.length}`, `waiting ${waiting}`, ...counts].join(' · ')
}

/** The calls as a table, no larger than a screen. */
export function tableOf(seen: Seen, room: { columns: number; rows: number }): string[] {
  const lately = seen.ended.filter(({ endedAt }) => endedAt > seen.at - lingerMilliseconds)
  const all = [...seen.calls.map((call) => rowOf(seen, call)), ...lately.map(rowOfEnded)]
  // Above and below stand five lines, and one is the cursor's.
  const shown = all.slice(0, Math.max(room.rows - 6, 1))
  const width = widths.reduce((sum, one) => sum + one + 2, -2)
  const lines: [string, Style][] = [
    ['', 'reset'],
    [row(headings), 'bold'],
    ['─'.repeat(width), 'dim'],
    ...shown,
    ['─'.repeat(width), 'dim'],
    [totalsOf(seen), 'bold'],
  ]
  return lines.map(([text, style]) =>
    styleText(
      style,
      Array.from(text)
        .slice(0, room.columns - 1)
        .join(''),
    ),
  )
}

/** What a call does, in words. */
function wordsOf({ state, place, offer, isBounced }: ShownCall): string {
  const whom = nameOf(offer?.agent) || (offer?.destination ?? '')
  if (state === 'waiting') return `${isBounced ? 'came back and waits' : 'waits'} at place ${place}`
  if (state === 'offered') return `rings at ${whom}`
  return state === 'connected' && offer ? `speaks with ${whom}` : `is ${state}`
}

function lineOf(at: number, { caller, dnis }: Pick<EndedCall, 'caller' | 'dnis'>, words: string) {
  const called = dnis === null ? '' : ` for ${dnis}`
  return `${clock(at)} ${caller.name} ${caller.number}${called}: ${words}`
}

/** What has happened between two looks, a line for each call. */
export function newsOf(before: Seen | undefined, seen: Seen): string[] {
  const known = new Map(before?.calls.map((call) => [call.callId, wordsOf(call)]))
  const changed = seen.calls.filter((call) => known.get(call.callId) !== wordsOf(call))
  return [
    ...changed.map((call) => lineOf(seen.at, { dnis: null, ...call }, wordsOf(call))),
    ...seen.ended
      .slice(before?.ended.length ?? 0)
      .map((call) => lineOf(call.endedAt, call, `${call.outcome}. ${call.reason}`)),
  ]
}
