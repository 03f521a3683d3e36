import { play } from './play.ts'
import { scenarios } from './scenarios.ts'
import { isGood, type Verdict } from './verdict.ts'

// A run that is broken off leaves no server behind: those who started one end it at exit.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

/** `npm run failures [part of a scenario's name]`: every kind of trouble at length, and a table of what became of writes. */
const wanted = (process.argv[2] ?? '').toLowerCase()
const verdicts: Verdict[] = []
for (const scenario of scenarios.filter(({ name }) => name.toLowerCase().includes(wanted))) {
  try {
    verdicts.push(await play(scenario, { clients: 32, strikes: 5, writes: 2_000 }))
  } catch (error) {
    process.exitCode = 1
    process.stderr.write(`${scenario.name}: ${error instanceof Error ? error.message : error}\n`)
  }
}
// biome-ignore lint/suspicious/noConsole: the table is what the script is for
console.table(verdicts)
if (!verdicts.every(isGood)) process.exitCode = 1
