import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { outside, type Stage } from '../../failures/calls/stage.ts'
import { type Asterisk, startAsterisk } from '../../test/asterisk.ts'
import { type SipParty, startAnswerer, startCaller } from '../../test/sip.ts'
import { tone } from '../../test/tones.ts'

/** Who treats calls, seen by those who call. */
export interface Treatment {
  asterisk: Asterisk
  callers(count: number, to: { hotline?: number; callsPerSecond: number }): Promise<SipParty>
  /** Has every call that waits taken by somebody outside from now on. @returns what ends it. */
  route(): Promise<() => Promise<void>>
  /** Calls that wait now. */
  waiting(): Promise<number>
  /** Bytes of its process that are in memory. */
  memory(): number
}

/** Milliseconds from INVITE to 200, of every call that was answered, in order of size. */
export function answerTimes(party: SipParty): number[] {
  const invited = new Map<string, number>()
  for (const { at, headers } of party.messages({ request: 'INVITE' })) {
    const call = headers['call-id'] ?? ''
    if (!invited.has(call)) invited.set(call, at)
  }
  const answered = new Map<string, number>()
  for (const { at, headers } of party.messages({ answerTo: 'INVITE', status: 200 })) {
    const call = headers['call-id'] ?? ''
    if (!answered.has(call)) answered.set(call, at - (invited.get(call) ?? at))
  }
  return [...answered.values()].sort((one, other) => one - other)
}

export function percentile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(Math.floor(sorted.length * part), sorted.length - 1)] ?? Number.NaN
}

/** Bytes of a process that are in memory. */
function residentBytes(pid: number | undefined): number {
  const [, kilobytes] =
    /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1_024
}

/** The routing system of the measurement: it looks ten times a second, and has everybody who waits connected. */
export function pointsman(stage: Stage, hotlines: number): Treatment {
  return {
    asterisk: stage.asterisk,
    callers: stage.callers,
    async route() {
      let isOver = false
      async function run(): Promise<void> {
        while (!isOver) {
          const calls = await stage.calls()
          const waiting = calls.filter(({ state }) => state === 'waiting')
          await Promise.all(waiting.map(({ callId }) => stage.connect(callId)))
          await delay(100)
        }
      }
      const running = run()
      return async () => {
        isOver = true
        await running
      }
    },
    async waiting() {
      const calls = await Promise.all(
        Array.from({ length: hotlines }, (_, hotline) => stage.calls(hotline)),
      )
      return calls.flat().filter(({ state }) => state === 'waiting').length
    },
    memory: () => residentBytes(stage.node.pid),
  }
}

/** Starts the bare application on an Asterisk of its own; it dials whoever calls through when it is told to. */
export async function startBare({ hangUpAfterMilliseconds }: { hangUpAfterMilliseconds: number }) {
  const asterisk = await startAsterisk()
  const media = join(asterisk.mediaFolder, 'hold')
  writeFileSync(`${media}.sln`, tone(440, 600))
  const other = await startAnswerer({
    port: asterisk.world.port,
    ringMilliseconds: 0,
    hangUpAfterMilliseconds,
  })
  const parties = [other]
  let child: ChildProcess | undefined

  async function run(endpoint?: string): Promise<void> {
    child?.kill('SIGKILL')
    const { url, username, password } = asterisk.ari
    child = spawn(process.execPath, [join(import.meta.dirname, 'bare.ts')], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: {
        ARI_URL: url,
        ARI_USERNAME: username,
        ARI_PASSWORD: password,
        MEDIA: media,
        ...(endpoint !== undefined && { ENDPOINT: endpoint }),
      },
    })
    await once(child, 'message')
  }

  await run()
  const treatment: Treatment = {
    asterisk,
    async callers(calls, { callsPerSecond }) {
      const party = await startCaller(asterisk.sip, { dial: '1', calls, callsPerSecond })
      parties.push(party)
      return party
    },
    async route() {
      await run(`PJSIP/${outside}@trunk`)
      return () => run()
    },
    waiting: async () => (await asterisk.channels()).filter(({ state }) => state === 'Up').length,
    memory: () => residentBytes(child?.pid),
  }
  return {
    treatment,
    async close() {
      child?.kill('SIGKILL')
      await Promise.all(parties.map((party) => party.stop()))
      await asterisk.stop()
    },
  }
}
