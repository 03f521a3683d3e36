import { type CallVerdict, isGood, playRestart } from './restart.ts'

// A run that is broken off leaves no process behind: those who started one end it at exit.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

/** `npm run failures:calls [calls] [times]`: nodes are killed while they treat calls on a real Asterisk, and a table of what became of these. */
const [calls = 50, times = 3] = process.argv.slice(2).map(Number)
const verdicts: CallVerdict[] = []
for (let time = 0; time < times; time += 1) verdicts.push(await playRestart(calls, 'kill'))
// biome-ignore lint/suspicious/noConsole: the table is what the script is for
console.table(verdicts)
if (!verdicts.every(isGood)) process.exitCode = 1
