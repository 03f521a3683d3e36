import { type Database, sql } from '../src/database/database.ts'
import type { Load } from './load.ts'

/** What became of the writes of a load; `lost`, `appliedTwice` and `surprises` must be 0. */
export interface Verdict {
  scenario: string
  acknowledged: number
  found: number
  lost: number
  appliedTwice: number
  /** Written though the client was never told: the answer was lost, not the write. */
  unanswered: number
  surprises: number
  secondsWithoutService: number
  /** Longest time in seconds that a client waited for an answer, whatever it was. */
  slowestAnswerSeconds: number
}

/** Nobody waits longer than this for an answer, in seconds. The limits of `src/database/postgres/pools.ts` keep it so. */
const answerSecondsMax = 20

export function isGood(verdict: Verdict): boolean {
  const { lost, appliedTwice, surprises, slowestAnswerSeconds } = verdict
  return lost + appliedTwice + surprises === 0 && slowestAnswerSeconds <= answerSecondsMax
}

const selectChanges = sql<{ after_value: string | null }>(
  "SELECT after_value FROM changes WHERE target LIKE '%/overflow/'",
)
const selectCreations = sql<{ target: string }>(
  "SELECT target FROM changes WHERE action = 'create' AND target LIKE '/api/v1/tokens/%'",
)
const selectTokens = sql<{ token_id: string; name: string }>('SELECT token_id, name FROM tokens')
const selectStates = sql<{ value: string }>(
  "SELECT value FROM route_point_settings WHERE setting = 'overflow'",
)

function numberIn(text: string): string {
  return String(JSON.parse(text).transferPhoneNumber)
}

/**
 * Compares what clients were told with what is there: each acknowledged value has exactly one record of its change or
 * creation, no value has two, and each setting shows a value at least as late as the last acknowledged one.
 */
export async function judge(scenario: string, database: Database, load: Load): Promise<Verdict> {
  const records = new Map<string, number>()
  const count = (value: string) => records.set(value, (records.get(value) ?? 0) + 1)
  for (const { after_value } of await database.all(selectChanges)) {
    count(numberIn(after_value ?? '{}'))
  }
  // A creation is recorded under the id that its client was told; one that nobody was told of is there still, by its name.
  const told = new Map([...load.values].map(([value, { path }]) => [path, value]))
  for (const { target } of await database.all(selectCreations)) {
    const value = told.get(target)
    if (value !== undefined) count(value)
  }
  for (const { token_id, name } of await database.all(selectTokens)) {
    if (load.values.has(name) && !told.has(`/api/v1/tokens/${token_id}/`)) count(name)
  }
  const acknowledged = [...load.values].filter(([, attempt]) => attempt.acknowledged)
  const found = acknowledged.filter(([value]) => records.has(value)).length
  const shown = new Map<number, number>()
  for (const { value } of await database.all(selectStates)) {
    const state = load.values.get(numberIn(value))
    if (state) shown.set(state.routePoint, state.order)
  }
  const overwritten = acknowledged.filter(
    ([, { kind, routePoint, order }]) => kind === 'change' && (shown.get(routePoint) ?? -1) < order,
  ).length
  return {
    scenario,
    acknowledged: acknowledged.length,
    found,
    lost: acknowledged.length - found + overwritten,
    appliedTwice: [...records.values()].filter((count) => count > 1).length,
    unanswered: records.size - found,
    surprises: load.surprises.length,
    secondsWithoutService: load.secondsWithoutService(),
    slowestAnswerSeconds: load.slowestAnswerSeconds(),
  }
}
