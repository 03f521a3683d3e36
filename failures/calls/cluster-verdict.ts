import { type CallerSeen, legsOf, type Seen } from './cluster-parties.ts'
import type { Struck } from './cluster-scenarios.ts'

/** What became of calls; `lost`, `doubled`, `stuck`, `wronglyRecorded` and `surprises` must be 0. */
export interface ClusterVerdict {
  scenario: string
  calls: number
  answered: number
  /** Calls that the engine's own fallback had, and over how many seconds they came. */
  refused: number
  refusedSeconds: number
  /** Calls that died with their engine: nothing can be said of them. */
  dead: number
  /** Calls and conversations that ended though nobody hung up, or were not answered at all. */
  lost: number
  /** Records beyond one a call, and callers who spoke with two at once. */
  doubled: number
  /** Rows, channels and bridges that are there when all is over, and callers who were not told so. */
  stuck: number
  /** Calls whose record says otherwise than their telephones saw, or is missing. */
  wronglyRecorded: number
  /** Answers to the routing system that the API does not promise, and calls that a drained engine took. */
  surprises: number
  /** Longest time after the strike in which no call of a struck engine began to speak. */
  secondsWithoutTreatment: number
}

export function isGood(verdict: ClusterVerdict): boolean {
  const { lost, doubled, stuck, wronglyRecorded, surprises } = verdict
  return lost + doubled + stuck + wronglyRecorded + surprises === 0
}

/** A record as it is kept. */
export interface Recorded {
  outcome: string
  reason: string
}

/** All that is known of one caller. */
interface Known {
  caller: CallerSeen
  legs: readonly Seen[]
  records: readonly Recorded[]
}

export interface Evidence {
  callers: readonly CallerSeen[]
  answerers: readonly Seen[]
  /** By the callers' numbers. */
  records: ReadonlyMap<string, readonly Recorded[]>
  strikeAt: number
  /** When no more calls came. */
  loadUntil: number
  struck: Struck
  /** What is left on engines and in the database. */
  left: number
  surprises: number
}

/** Milliseconds between two moments that may have happened in either order. */
const sameMoment = 1_500

const isOver = ({ endedAt }: Seen, at: number) => endedAt !== undefined && endedAt < at

interface Gap {
  from: number
  until: number
}

/** Milliseconds without a call that begins to speak, after which it is taken that none can. */
const gapMilliseconds = 500

/** The times after the strike in which no call of an engine began to speak. */
function gapsOf(engine: number, all: readonly Known[], { strikeAt, loadUntil }: Evidence): Gap[] {
  const answers = all
    .filter(({ caller }) => caller.engine === engine)
    .flatMap(({ legs }) => legs.flatMap(({ answeredAt = 0 }) => answeredAt))
    .filter((at) => at > strikeAt && at < loadUntil)
    .sort((one, other) => one - other)
  return [...answers, loadUntil]
    .map((until, index) => ({ from: answers[index - 1] ?? strikeAt, until }))
    .filter(({ from, until }) => until - from > gapMilliseconds)
}

/** Why a caller's call ended wrongly; undefined where it did not. */
function lossOf({ caller, legs }: Known, mayBeRefused: boolean): string | undefined {
  const { status, endedAt, hasHungUp } = caller
  if (status === undefined) return 'was not answered'
  if (status !== 200) return status === 503 && mayBeRefused ? undefined : `was answered ${status}`
  const somebodyHungUp = legs.some((leg) => leg.hasHungUp && isOver(leg, endedAt ?? Infinity))
  if (endedAt !== undefined && !hasHungUp && !somebodyHungUp) return 'was ended by nobody'
  const isTorn = legs.some(
    (leg) =>
      leg.answeredAt !== undefined &&
      leg.endedAt !== undefined &&
      !leg.hasHungUp &&
      !(hasHungUp && isOver(caller, leg.endedAt + sameMoment)),
  )
  return isTorn ? 'was torn from whom they spoke with' : undefined
}

function doubleOf({ legs, records }: Known): string | undefined {
  if (records.length > 1) return `has ${records.length} records`
  const spoken = legs.filter(({ answeredAt }) => answeredAt !== undefined)
  const isTwice = spoken.some((leg, index) => {
    const next = spoken[index + 1]?.answeredAt
    return next !== undefined && !isOver(leg, next + sameMoment)
  })
  return isTwice ? 'spoke with two at once' : undefined
}

/** The outcomes that a record may tell of what telephones saw; none where there must be no record. */
function outcomesOf({ caller, legs }: Known, isUntreated: (at: number) => boolean): string[] {
  const { status, endedAt = Infinity, hasHungUp } = caller
  if (status !== 200) return []
  const spoken = legs.findLast(({ answeredAt }) => answeredAt !== undefined)
  // Of a caller who went meanwhile nobody knows more.
  const gone = hasHungUp && isUntreated(endedAt) ? ['abandoned', 'failed'] : ['abandoned']
  if (!spoken) return gone
  const { answeredAt = 0 } = spoken
  const isAtOnce = hasHungUp && endedAt - answeredAt < sameMoment
  // Nobody connected the two.
  const isInVain = hasHungUp && isUntreated(answeredAt) && isUntreated(endedAt)
  return isAtOnce || isInVain ? ['answered', ...gone] : ['answered']
}

function wrongOf(known: Known, isUntreated: (at: number) => boolean): string | undefined {
  const { caller, records } = known
  const outcomes = outcomesOf(known, isUntreated)
  const [record] = records
  if (!record) return outcomes.length === 0 ? undefined : `has no record, not ${outcomes}`
  // The dialplan gave up waiting when we had just come to know of the call: that it has gone is all that we saw.
  const isOvertaken = caller.status === 503 && isUntreated(caller.endedAt ?? Infinity)
  if (outcomes.includes(record.outcome) || isOvertaken) return undefined
  return `is recorded '${record.outcome}' (${record.reason}), not ${outcomes}`
}

/** Callers who are up though all is over. */
const isForgotten = ({ caller }: Known) =>
  caller.status === 200 && caller.endedAt === undefined ? 'was never told the end' : undefined

function isOfDead({ engine, invitedAt, endedAt = Infinity }: CallerSeen, evidence: Evidence) {
  const { dead } = evidence.struck
  return (
    dead !== undefined &&
    engine === dead.engine &&
    invitedAt < dead.until &&
    endedAt > evidence.strikeAt - sameMoment
  )
}

const secondsOf = (milliseconds: number) => Math.round(milliseconds / 100) / 10

/** What can be told of all calls together. */
function summaryOf(all: readonly Known[], { loadUntil, struck: { drained } }: Evidence) {
  const refusedAt = all.flatMap(({ caller: { status, endedAt } }) => {
    return (status === 503 && endedAt) || []
  })
  const isTakenByDrained = ({ engine, invitedAt, status }: CallerSeen) =>
    engine === drained?.engine &&
    invitedAt > drained.since &&
    invitedAt < loadUntil &&
    status === 200
  return {
    calls: all.length,
    answered: all.filter(({ legs }) => legs.some(({ answeredAt }) => answeredAt)).length,
    refused: refusedAt.length,
    refusedSeconds: secondsOf(Math.max(0, Math.max(...refusedAt) - Math.min(...refusedAt))),
    takenByDrained: all.filter(({ caller }) => isTakenByDrained(caller)).length,
  }
}

/** @param complain is told of each call of which something is wrong. */
export function judge(
  scenario: string,
  evidence: Evidence,
  complain: (text: string) => void,
): ClusterVerdict {
  const { callers, answerers, records, strikeAt, struck } = evidence
  const all: Known[] = callers.map((caller) => ({
    caller,
    legs: legsOf(caller, answerers),
    records: records.get(caller.number) ?? [],
  }))
  const judged = all.filter(({ caller }) => !isOfDead(caller, evidence))
  // Also of the others: an engine that is given to the node that has come back is not treated for a moment.
  const engines = [...new Set(callers.map(({ engine }) => engine))]
  const gaps = new Map(engines.map((engine) => [engine, gapsOf(engine, all, evidence)]))
  const isUntreated = (engine: number) => (at: number) =>
    (gaps.get(engine) ?? []).some(
      ({ from, until }) => at > from - sameMoment && at < until + sameMoment,
    )
  const mayBeRefused = ({ engine, invitedAt }: CallerSeen) =>
    isUntreated(engine)(invitedAt) || engine === struck.drained?.engine
  const count = (from: readonly Known[], why: (known: Known) => string | undefined) =>
    from.filter((known) => {
      const reason = why(known)
      if (reason === undefined) return false
      const seen = [known.caller, ...known.legs].map((one) => tell(one, strikeAt))
      complain(`${known.caller.number} ${reason}: ${seen.join('; ')}`)
      return true
    }).length
  const lengths = struck.engines
    .flatMap((engine) => gaps.get(engine) ?? [])
    .map(({ from, until }) => until - from)
  const { takenByDrained, ...summary } = summaryOf(all, evidence)
  return {
    scenario,
    ...summary,
    dead: all.length - judged.length,
    lost: count(judged, (known) => lossOf(known, mayBeRefused(known.caller))),
    doubled: count(all, doubleOf),
    stuck: evidence.left + count(judged, isForgotten),
    wronglyRecorded: count(judged, (known) => wrongOf(known, isUntreated(known.caller.engine))),
    surprises: evidence.surprises + takenByDrained,
    secondsWithoutTreatment: secondsOf(Math.max(0, ...lengths)),
  }
}

/** What somebody saw, in seconds from the strike. */
function tell({ invitedAt, status, answeredAt, endedAt, hasHungUp }: Seen, strikeAt: number) {
  const at = (moment?: number) => (moment === undefined ? '–' : secondsOf(moment - strikeAt))
  const end = hasHungUp ? 'hung up' : 'ended'
  return `invited ${at(invitedAt)}, ${status} ${at(answeredAt)}, ${end} ${at(endedAt)}`
}
