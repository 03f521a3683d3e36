import Type, { type Static } from 'typebox'
import { named } from '../../../documents/vocabulary.ts'
import { time, timeOf } from '../shown.ts'
import type { FiguresQuery, FiguresRow } from './figures.ts'
import { measures, soonSeconds } from './measures.ts'

const count = (description: string) => Type.Integer({ minimum: 0, description })
const seconds = (description: string) => Type.Number({ minimum: 0, description })
const text = (description: string) => Type.Optional(Type.String({ description }))

export const CallFigures = named(
  'CallFigures',
  Type.Object({
    from: time('When the interval begins.'),
    to: time('When it ends.'),
    dnis: text('By DNIS: its name; absent for calls without one.'),
    agent: text('By agent: the id of whoever took the calls; absent for those that no agent took.'),
    code: text('By code: the disposition code. A call with several is counted with each.'),
    codeLevel: text('By code: whose it is.'),
    calls: count('Calls that ended in the interval.'),
    answered: count('Those that somebody took who was offered them.'),
    answeredSoon: count(`Those of them that had waited ${soonSeconds} s at most.`),
    abandoned: count('Those whose callers gave up.'),
    overflowed: count('Those that overflowed.'),
    forwarded: count('Those that were forwarded.'),
    bouncedOut: count('Those that bounced to a number.'),
    refused: count('Those that were refused.'),
    failed: count('Those that failed.'),
    released: count('Those that were ended from here.'),
    bounced: count('Those of all that had come back from an agent who did not take them.'),
    serviceLevel: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 1,
        description:
          'The part of those that were answered or abandoned that was answered soon; absent where there is none.',
      }),
    ),
    meanWaitSeconds: Type.Optional(seconds('Of those that waited; absent where there is none.')),
    longestWaitSeconds: seconds('Of all.'),
    meanTalkSeconds: Type.Optional(
      seconds('Of those that somebody took; absent where there is none.'),
    ),
  }),
  'Figures of the calls that ended in an interval.',
)

type CallFigures = Static<typeof CallFigures>

const noCalls = Object.fromEntries(measures.map(({ column }) => [column, 0]))

const thousandth = (value: number) => Math.round(value * 1_000) / 1_000

const meanSeconds = (milliseconds: number, calls: number) =>
  calls === 0 ? undefined : thousandth(milliseconds / calls / 1_000)

/** What the figures are of; nothing is told where there is none. */
function namesOf({ by }: FiguresQuery, { name, level, user_id }: FiguresRow) {
  if (by === 'dnis') return { dnis: name || undefined }
  if (by === 'agent') return { agent: user_id ?? (name || undefined) }
  return by === 'code' ? { code: name, codeLevel: level } : {}
}

/** Figures as the API shows them; JSON leaves out what is undefined. */
function showRow(query: FiguresQuery, row: FiguresRow) {
  const { from, to, milliseconds } = query
  const began = from + row.slot * milliseconds
  const of = (measure: string) => Number(row[measure])
  const ended = of('answered') + of('abandoned')
  return {
    from: timeOf(began),
    to: timeOf(Math.min(began + milliseconds, to)),
    ...namesOf(query, row),
    calls: of('calls'),
    answered: of('answered'),
    answeredSoon: of('answered_soon'),
    abandoned: of('abandoned'),
    overflowed: of('overflowed'),
    forwarded: of('forwarded'),
    bouncedOut: of('bounced_out'),
    refused: of('refused'),
    failed: of('failed'),
    released: of('released'),
    bounced: of('bounced'),
    serviceLevel: ended === 0 ? undefined : thousandth(of('answered_soon') / ended),
    meanWaitSeconds: meanSeconds(of('wait_sum'), of('waits')),
    longestWaitSeconds: of('wait_max') / 1_000,
    meanTalkSeconds: meanSeconds(of('talk_sum'), of('talks')),
  }
}

/** Figures as the API shows them: of every interval, or by what was asked for of what had calls. */
export function showFigures(query: FiguresQuery, rows: readonly FiguresRow[]) {
  if (query.by !== '') return rows.map((row) => showRow(query, row))
  const bySlot = new Map(rows.map((row) => [row.slot, row]))
  const count = Math.ceil((query.to - query.from) / query.milliseconds)
  return Array.from({ length: count }, (_, slot) =>
    showRow(query, bySlot.get(slot) ?? { ...noCalls, slot, name: '', level: '', user_id: null }),
  )
}

export const exampleFigures: CallFigures = {
  from: '2026-11-29T09:00:00.000Z',
  to: '2026-11-29T10:00:00.000Z',
  calls: 120,
  answered: 96,
  answeredSoon: 84,
  abandoned: 9,
  overflowed: 6,
  forwarded: 4,
  bouncedOut: 3,
  refused: 0,
  failed: 1,
  released: 1,
  bounced: 5,
  serviceLevel: 0.8,
  meanWaitSeconds: 11.204,
  longestWaitSeconds: 95.31,
  meanTalkSeconds: 182.66,
}
