import { execFile } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify, stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { tableOf } from '../demo/calls/screen.ts'
import { type Demo, startDemo, until } from './demo.ts'
import { canPlayCalls } from './programs.ts'

const main = 'demo/calls/main.ts'
const patience = { timeout: 60_000, interval: 500 }

/** The command lines of processes that have something to do with one of these texts. */
function processesOf(...texts: readonly string[]): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .flatMap((id) => {
      try {
        const [line = '', environment = ''] = ['cmdline', 'environ'].map((file) =>
          readFileSync(join('/proc', id, file), 'utf8').replaceAll('\0', ' '),
        )
        return texts.some((text) => `${line} ${environment}`.includes(text)) ? [line] : []
      } catch {
        // It has ended meanwhile, or is another user's.
        return []
      }
    })
}

const folderOf = (purpose: string) =>
  mkdtempSync(join(tmpdir(), `pointsman-calls-demo-${purpose}-`))

/** As on a machine that has neither Asterisk nor SIPp, and only these programs. */
function onBareMachine(place: string, programs: readonly string[]): Record<string, string> {
  mkdirSync(join(place, 'bin'))
  for (const program of programs) {
    const path = ['/bin', '/usr/bin'].map((bin) => join(bin, program)).find(existsSync)
    if (path !== undefined) symlinkSync(path, join(place, 'bin', program))
  }
  return { PATH: join(place, 'bin'), XDG_CACHE_HOME: join(place, 'cache') }
}

/** Runs the demo until it ends by itself, and expects that it leaves no file. */
async function runToEnd(parameters: readonly string[], environment: Record<string, string> = {}) {
  const place = folderOf('ended')
  const demo = startDemo(place, { command: [main, ...parameters], environment })
  await once(demo.process, 'close')
  expect(readdirSync(place)).toEqual([])
  rmSync(place, { recursive: true })
  return { code: demo.process.exitCode, output: demo.output() }
}

describe('the demo of calls', () => {
  it.each([[['--seconds', 'ten']], [['--seconds', '0']], [['--loud']], [['more']]])(
    'says how it is called, for %j',
    async (parameters) => {
      const { code, output } = await runToEnd(parameters)
      expect(code).toBe(1)
      expect(output).toContain('npm run calls:demo -- [--yes] [--seconds N]')
    },
  )

  it('fetches nothing unasked where nobody can be asked', async () => {
    const place = folderOf('bare')
    const { code, output } = await runToEnd([], onBareMachine(place, []))
    expect(code).toBe(1)
    expect(output).toContain('Nobody can be asked here: --yes agrees to it.')
    expect(readdirSync(place)).toEqual(['bin'])
    rmSync(place, { recursive: true })
  })

  it('says that there are no calls without what can neither be found nor fetched', async () => {
    const programs = ['bash', 'dirname', 'env', 'head', 'mkdir', 'mktemp', 'rm', 'sed', 'sort']
    const place = folderOf('bare')
    const { code, output } = await runToEnd(['--yes'], onBareMachine(place, programs))
    rmSync(place, { recursive: true })
    expect(code).toBe(1)
    expect(output).toContain('sipp: not on the PATH, and this machine has no apt-get to fetch it.')
    expect(output).toMatch(/There is still no .*SIPp, so no call can be played\./)
  })

  it('shows no more than a screen holds', () => {
    const now = Date.parse('2026-11-29T12:00:00Z')
    const since = new Date(now - 5_000).toISOString()
    const call = (place: number) => ({
      callId: `call-${place}`,
      state: 'waiting' as const,
      caller: { name: 'A name that is longer than its column', number: '+3225550100' },
      dialled: '+3225126780',
      arrivedAt: since,
      waitingSince: since,
      place,
      isBounced: false,
      offers: 0,
    })
    const seen = { at: now, calls: Array.from({ length: 50 }, (_, at) => call(at + 1)), ended: [] }
    const lines = tableOf(seen, { columns: 60, rows: 20 }).map(stripVTControlCharacters)
    expect(lines.length).toBeLessThan(20)
    for (const line of lines) expect(Array.from(line).length).toBeLessThan(60)
    expect(lines[3]?.slice(8)).toBe('  A name that is …  +3225550100    –         waitin')
    expect(lines.at(-1)).toBe('came 50 · waiting 50')
  })
})

describe.skipIf(!canPlayCalls())('the demo of calls on an Asterisk of its own', () => {
  /** Ends by itself when this run is broken off. */
  const limit = ['--seconds', '180']
  let place: string
  let demo: Demo
  let site: string

  beforeAll(async () => {
    place = folderOf('played')
    demo = startDemo(place, { command: [main, ...limit], isOwnGroup: true })
    await until(demo, () => demo.output().includes('Ctrl-C ends everything'))
    site = /(http:\S+?), documented/.exec(demo.output())?.[1] ?? ''
  })
  afterAll(() => {
    demo?.process.kill('SIGKILL')
    rmSync(place, { recursive: true })
  })

  it('has callers whom agents answer', async () => {
    await until(demo, () => /: answered\. /.test(demo.output()))
    const running = processesOf(place, site)
    for (const part of ['asterisk', 'scenario.xml', 'longest-idle.ts']) {
      expect(
        running.filter((line) => line.includes(part)),
        part,
      ).not.toEqual([])
    }
  }, 120_000)

  it.skipIf(process.env.WITHOUT_CURL)(
    'obeys the commands that it shows',
    async () => {
      const shown = demo.output().match(/^ {2}(?:RP=|AUTH=|CALL=|curl ).*$/gm) ?? []
      expect(shown).toHaveLength(6)
      const [where, who, look, choose, offer, forward] = shown
      const bash = (...commands: (string | undefined)[]) =>
        promisify(execFile)('bash', ['-euc', [where, who, ...commands].join('\n')])
      expect(JSON.parse((await bash(look)).stdout)).toHaveProperty('calls')
      // Whichever call waits may be taken by the routing system in between.
      await vi.waitFor(async () => {
        const { stdout } = await bash(choose, offer)
        expect(JSON.parse(stdout.slice(stdout.indexOf('{')))).toHaveProperty('offerId')
      }, patience)
      await until(demo, () => demo.output().includes('rings at dora'))
      expect(JSON.parse((await bash(forward)).stdout)).toMatchObject({ active: true })
      await until(demo, () => /: forwarded\. /.test(demo.output()))
    },
    120_000,
  )

  it('leaves no process and no file when Ctrl-C ends it', async () => {
    const ended = once(demo.process, 'close')
    process.kill(-(demo.process.pid ?? 0), 'SIGINT')
    await ended
    expect(demo.process.exitCode, demo.output()).toBe(0)
    expect(demo.output()).toMatch(/^came \d+ · waiting \d+ · answered \d+/m)
    expect(readdirSync(place)).toEqual([])
    expect(processesOf(place, site)).toEqual([])
  }, 60_000)

  it('leaves neither when it ends by itself, or is ended while it starts', async () => {
    const { code, output } = await runToEnd(['--seconds', '6'])
    expect(code, output).toBe(0)
    const early = folderOf('early')
    const other = startDemo(early, { command: [main, ...limit], isOwnGroup: true })
    await until(other, () => readdirSync(early).length > 1)
    process.kill(-(other.process.pid ?? 0), 'SIGINT')
    await once(other.process, 'close')
    expect(other.process.exitCode, other.output()).toBe(0)
    expect(readdirSync(early)).toEqual([])
    expect(processesOf(early)).toEqual([])
    rmSync(early, { recursive: true })
  }, 60_000)
})
