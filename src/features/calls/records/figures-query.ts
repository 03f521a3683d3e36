import Type from 'typebox'
import { named, type Schema } from '../../../documents/vocabulary.ts'
import { type Fault, invalid, refuseIfAny } from '../../../errors.ts'
import { givenOnce, type Query, readTimeParameter, timeParameter } from '../../../http/query.ts'
import { type FiguresQuery, spanOf } from './figures.ts'
import { type Grouping, groupings } from './measures.ts'
import { quarterMilliseconds } from './record.ts'
import { spans } from './roll.ts'

const quarterSeconds = quarterMilliseconds / 1_000
const dayMilliseconds = 86_400_000

/** Intervals of one answer. */
export const intervalsMax = 1_000

/** Days of which figures are asked for at a time, and of which by something: so many rows are read in some tenths of a second. */
export const daysMax = { together: 3_700, quarters: 62, hours: 400 }

export const figuresParameters: Readonly<Record<string, Schema>> = {
  from: named(
    'CallFiguresFrom',
    timeParameter(
      'When the first interval begins, at a whole quarter of an hour; a day before `to` unless told',
    ),
  ),
  to: named(
    'CallFiguresTo',
    timeParameter(
      'When the last interval ends, at a whole quarter of an hour; with the present one unless told',
    ),
  ),
  interval: named(
    'CallFiguresInterval',
    Type.Integer({
      minimum: quarterSeconds,
      multipleOf: quarterSeconds,
      description:
        'Seconds of each interval, counted from `from`, such as 900, 3600 or 86400; all is one without it. The last one may be shorter.',
    }),
  ),
  by: named(
    'CallFiguresBy',
    Type.Enum([...groupings], {
      description: 'Count by this as well; of each interval then only what had calls is told.',
    }),
  ),
}

function readQuarter(name: string, text: string | undefined, faults: Fault[]): number | undefined {
  const moment = readTimeParameter(name, text, faults)
  if (moment !== undefined && moment % quarterMilliseconds !== 0) {
    const message = `The '${name}' parameter must be at a whole quarter of an hour, such as '2026-11-28T12:15:00Z'.`
    faults.push(invalid(name, message))
  }
  return moment
}

/** Milliseconds. */
function readInterval(text: string, faults: Fault[]): number {
  const seconds = Number(text)
  if (/^\d{1,10}$/.test(text) && seconds >= quarterSeconds && seconds % quarterSeconds === 0) {
    return seconds * 1_000
  }
  const message = `The 'interval' parameter must be a multiple of ${quarterSeconds} seconds.`
  faults.push(invalid('interval', message))
  return quarterMilliseconds
}

/** What is too much for one answer. */
function* excessOf(query: FiguresQuery): Iterable<Fault> {
  const { from, to, milliseconds, by } = query
  if ((to - from) / milliseconds > intervalsMax) {
    const message = `There would be more than ${intervalsMax} intervals: the 'interval' parameter must be longer.`
    yield invalid('interval', message)
  }
  const days = (to - from) / dayMilliseconds
  if (days > daysMax.together) {
    yield invalid(
      'to',
      `Figures are of ${daysMax.together} days at most: the 'to' parameter must be earlier.`,
    )
    return
  }
  if (by === '') return
  if (days > daysMax.hours) {
    const message = `With 'by', figures are of ${daysMax.hours} days at most: the 'to' parameter must be earlier.`
    yield invalid('to', message)
  } else if (days > daysMax.quarters && spanOf(query) !== spans.hour) {
    const message = `With 'by', figures of more than ${daysMax.quarters} days need whole hours: in 'from', in 'to' and as 'interval'.`
    yield invalid('from', message)
  }
}

/** @throws Refusal (2) naming each parameter that is wrong, or asks for too much. */
export function readFiguresQuery(query: Query): FiguresQuery {
  const faults: Fault[] = []
  const given = givenOnce(query)
  const present = Math.floor(Date.now() / quarterMilliseconds) * quarterMilliseconds
  const to = readQuarter('to', given.to, faults) ?? present + quarterMilliseconds
  const from = readQuarter('from', given.from, faults) ?? to - dayMilliseconds
  refuseIfAny(faults)
  if (from >= to) faults.push(invalid('to', "The 'to' parameter must be later than 'from'."))
  const { interval, by = '' } = given
  const milliseconds = interval === undefined ? to - from : readInterval(interval, faults)
  refuseIfAny(faults)
  const read = { from, to, milliseconds, by: by as Grouping }
  refuseIfAny([...excessOf(read)])
  return read
}
