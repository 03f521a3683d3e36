import { setTimeout as delay } from 'node:timers/promises'
import { openStage, until } from '../../failures/calls/stage.ts'
import { answerTimes, percentile, pointsman, startBare, type Treatment } from './measure.ts'

// A run that is broken off leaves no process behind: those who started one end it at exit.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1))

/**
 * `npm run bench:calls`: calls on a real Asterisk beside a bare Stasis application that answers and connects, by turns. Callers,
 * agents, Asterisk and the routing system share the machine with what is measured.
 */
const hangUpAfterMilliseconds = 1_000
const rates = [10, 20, 40, 60, 80, 100, 120, 160]
const secondsAtRate = 5
const hotlines = 10
const callsPerHotline = 250

/** All that an Asterisk carries has come to its end. */
async function untilIdle({ asterisk }: Treatment): Promise<void> {
  await until('it is idle', async () => (await asterisk.channels()).length === 0, 120)
}

/** Ends all calls. */
async function hangUpAll({ asterisk }: Treatment): Promise<void> {
  for (const { id } of await asterisk.channels()) {
    await asterisk.ask('DELETE', `/channels/${encodeURIComponent(id)}`)
  }
}

/** Times from a call's arrival to its answer, at 20 a second. */
async function measureAnswers(treatment: Treatment, seconds: number) {
  const callsPerSecond = 20
  const count = callsPerSecond * seconds
  const party = await treatment.callers(count, { callsPerSecond })
  await delay(seconds * 1_000)
  await until('all are answered', async () => answerTimes(party).length === count)
  await hangUpAll(treatment)
  await untilIdle(treatment)
  return answerTimes(party)
}

/** Whether each call at a rate was answered, connected and ended by the other side. */
async function carries(treatment: Treatment, callsPerSecond: number): Promise<boolean> {
  const count = callsPerSecond * secondsAtRate
  const stopRouting = await treatment.route()
  const party = await treatment.callers(count, { callsPerSecond })
  // Nobody waits longer than this in a service that keeps up.
  const end = delay((secondsAtRate + 10) * 1_000, undefined)
  const ended = await Promise.race([party.ended, end])
  await stopRouting()
  await hangUpAll(treatment)
  await untilIdle(treatment)
  const times = answerTimes(party)
  return ended?.isAsScripted === true && times.length === count && percentile(times, 0.99) < 1_000
}

/** The most calls a second that are all carried. */
async function mostCarried(treatment: Treatment): Promise<number> {
  let most = 0
  for (const rate of rates) {
    if (!(await carries(treatment, rate))) break
    most = rate
  }
  return most
}

/** How many wait, when more and more come until not all of them do, and what each takes of memory. */
async function mostWaiting(treatment: Treatment): Promise<{ waiting: number; bytes: number }> {
  const callsPerSecond = 25
  // What a process takes once, for its first call.
  await treatment.callers(1, { callsPerSecond })
  await until('it waits', async () => (await treatment.waiting()) === 1)
  const before = treatment.memory()
  let most = { waiting: 0, bytes: 0 }
  for (let hotline = 0; hotline < hotlines; hotline += 1) {
    await treatment.callers(callsPerHotline, { hotline, callsPerSecond })
    await delay((callsPerHotline / callsPerSecond + 10) * 1_000)
    const waiting = (await treatment.waiting()) - 1
    if (waiting < most.waiting + callsPerHotline) break
    most = { waiting, bytes: (treatment.memory() - before) / waiting }
  }
  await hangUpAll(treatment)
  await untilIdle(treatment)
  return most
}

type Figure = (treatment: Treatment) => Promise<Record<string, number>>

/** What is measured, each on both by turns. */
const figures: Figure[] = [
  async (treatment) => {
    const { waiting, bytes } = await mostWaiting(treatment)
    return { 'calls that wait at once': waiting, 'memory a waiting call, KiB': bytes / 1_024 }
  },
  async (treatment) => {
    const times = await measureAnswers(treatment, 20)
    return {
      'arrival to answer at 20/s, p50, ms': percentile(times, 0.5),
      'arrival to answer at 20/s, p99, ms': percentile(times, 0.99),
    }
  },
  async (treatment) => ({ 'whole calls a second, all carried': await mostCarried(treatment) }),
]

const rounded = (figure: number | undefined) => Math.round((figure ?? Number.NaN) * 10) / 10

const stage = await openStage({ hotlines, hangUpAfterMilliseconds })
const bare = await startBare({ hangUpAfterMilliseconds })
try {
  const table: Record<string, Record<string, number>> = {}
  for (const figure of figures) {
    const one = await figure(bare.treatment)
    const other = await figure(pointsman(stage, hotlines))
    for (const [name, value] of Object.entries(one)) {
      const ours = other[name] ?? Number.NaN
      table[name] = { bare: rounded(value), pointsman: rounded(ours), ratio: rounded(ours / value) }
    }
  }
  // biome-ignore lint/suspicious/noConsole: the table is what the script is for
  console.table(table)
} finally {
  await bare.close()
  await stage.close()
}
