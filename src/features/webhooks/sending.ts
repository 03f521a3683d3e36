import type { Database } from '../../database/database.ts'
import type { DeliveryOutcome } from '../../metrics/webhooks.ts'
import { type AttemptOptions, attempt, type Outcome } from './attempt.ts'
import { type Claim, type Settlement, settle } from './claims.ts'
import { pingKind } from './ping.ts'

/** Until what says nothing of its receiver is tried again. */
const againMilliseconds = 5_000

const minute = 60
const hour = 3_600

/** Seconds after an attempt until the next: about 22 hours in all. */
const retrySecondsDefault = [
  ...[5, 30, 2 * minute, 10 * minute, hour, 3 * hour],
  ...[6 * hour, 6 * hour, 6 * hour],
]

export interface SenderTimes {
  /** Seconds after each attempt until the next one; after the last it is given up. */
  retrySeconds: readonly number[]
  /** Of one attempt. */
  timeLimitMilliseconds: number
  /** How often it is looked for what is due. */
  lookMilliseconds: number
}

export const senderTimes: SenderTimes = {
  retrySeconds: retrySecondsDefault,
  timeLimitMilliseconds: 10_000,
  lookMilliseconds: 1_000,
}

export interface SendingOptions extends Pick<AttemptOptions, 'isReachable'> {
  database: Database
  times: SenderTimes
  /** Told of each attempt. */
  count?(outcome: DeliveryOutcome, count?: number): void
}

/** When the next attempt is: up to a fifth sooner than said, so that what failed together does not come together. */
function nextAttempt(seconds: number): number {
  return Date.now() + seconds * 1_000 * (1 - Math.random() / 5)
}

function settlementOf(
  outcome: Exclude<Outcome, { became: 'nothing' }>,
  { kind, attempts }: Claim,
  retrySeconds: readonly number[],
): Settlement {
  if (outcome.became === 'delivered') return { state: kind === pingKind ? 'delivered' : 'gone' }
  const seconds = kind === pingKind || outcome.isFinal ? undefined : retrySeconds[attempts]
  const failure = outcome.why
  if (seconds === undefined) return { state: 'dead', failure }
  return { state: 'waiting', failure, nextAt: Math.round(nextAttempt(seconds)) }
}

/** How the outcome of an attempt is counted. */
function countedAs({ state }: Settlement): DeliveryOutcome | undefined {
  if (state === 'given back') return undefined
  if (state === 'waiting') return 'failed'
  return state === 'dead' ? 'dead' : 'delivered'
}

/** Sends what was taken once, and notes what became of it; when `signal` aborts, it gives it back. */
export async function sendOne(
  { database, times, isReachable, count }: SendingOptions,
  claimed: Claim,
  signal: AbortSignal,
): Promise<void> {
  const { retrySeconds, timeLimitMilliseconds } = times
  const outcome = await attempt(claimed.letter, { isReachable, timeLimitMilliseconds, signal })
  // Who stops leaves it to others, or to itself after the start.
  const nextAt = Date.now() + (signal.aborted ? 0 : againMilliseconds)
  const settlement: Settlement =
    outcome.became === 'nothing'
      ? { state: 'given back', nextAt }
      : settlementOf(outcome, claimed, retrySeconds)
  const dropped = await settle(database, claimed, settlement)
  const counted = countedAs(settlement)
  if (counted) count?.(counted)
  if (dropped > 0) count?.('dropped', dropped)
}
