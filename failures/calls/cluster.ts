import { playOnCluster } from './cluster-play.ts'
import { scenarios } from './cluster-scenarios.ts'
import { type ClusterVerdict, isGood } from './cluster-verdict.ts'

// A run that is broken off leaves no process behind: those who started one end it at exit.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

/**
 * `npm run failures:nodes [calls a second] [seconds] [times] [part of a scenario's name]`: two nodes treat calls on two real
 * Asterisks, every kind of trouble comes, and a table tells what became of the calls.
 */
const [callsPerSecond = 20, seconds = 45, times = 1] = process.argv.slice(2, 5).map(Number)
const wanted = process.argv[5] ?? ''
const load = { callsPerSecond, seconds, calmSeconds: 8 }
const verdicts: ClusterVerdict[] = []
for (const scenario of scenarios.filter(({ name }) => name.includes(wanted))) {
  for (let time = 0; time < times; time += 1) {
    const complain = (text: string) => process.stderr.write(`${scenario.name}: ${text}\n`)
    try {
      verdicts.push(await playOnCluster(scenario, load, complain))
    } catch (error) {
      process.exitCode = 1
      complain(error instanceof Error ? (error.stack ?? error.message) : String(error))
    }
  }
}
// biome-ignore lint/suspicious/noConsole: the table is what the script is for
console.table(verdicts)
if (!verdicts.every(isGood)) process.exitCode = 1
