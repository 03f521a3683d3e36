import { play, scenarios } from './scenarios.ts'
import type { Verdict } from './verdict.ts'

/** `npm run failures [part of a scenario's name]`: every kind of trouble at length, and a table of what became of writes. */
const wanted = process.argv[2] ?? ''
const verdicts: Verdict[] = []
for (const scenario of scenarios.filter(({ name }) => name.includes(wanted))) {
  verdicts.push(await play(scenario, { clients: 32, strikes: 5, writes: 2_000 }))
}
// biome-ignore lint/suspicious/noConsole: the table is what the script is for
console.table(verdicts)
const isGood = verdicts.every(
  ({ lost, appliedTwice, surprises }) => lost + appliedTwice + surprises === 0,
)
process.exit(isGood ? 0 : 1)
