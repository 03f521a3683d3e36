import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, constants, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const main = join(import.meta.dirname, '..', 'src', 'main.ts')

let folder: string
let children: ChildProcess[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pointsman-log-'))
  children = []
})
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(folder, { recursive: true })
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Starts the program with its log at `output`; its addresses cannot be read there. */
async function startWithLog(output: 'pipe' | number, flags: string[] = []) {
  const [port, metricsPort] = [await freePort(), await freePort()]
  const child = spawn(process.execPath, [...flags, main], {
    stdio: ['ignore', output, 'ignore'],
    env: {
      POINTSMAN_PORT: `${port}`,
      POINTSMAN_METRICS_ADDRESS: `127.0.0.1:${metricsPort}`,
      POINTSMAN_DATABASE_URL: `sqlite:${join(folder, 'log.db')}`,
      POINTSMAN_DRAIN_SECONDS: '3600',
    },
  })
  children.push(child)
  const ended = once(child, 'exit')
  const url = `http://127.0.0.1:${port}`
  const isUp = () =>
    fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    )
  await expect.poll(isUp, { timeout: 30_000 }).toBe(true)

  async function droppedLines(): Promise<number> {
    const metrics = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()
    return Number(/^pointsman_log_lines_dropped_total (\d+)$/m.exec(metrics)?.[1])
  }

  /** Sends requests with long paths until lines are dropped; answers how many it sent. */
  async function overflow(): Promise<number> {
    const path = `/${'x'.repeat(8_000)}`
    let requests = 0
    while ((await droppedLines()) === 0) {
      for (let request = 0; request < 100; request += 1) {
        expect((await fetch(url + path)).status).toBe(404)
      }
      requests += 100
      expect(requests).toBeLessThan(20_000)
    }
    return requests
  }

  return { child, url, ended, droppedLines, overflow }
}

/** Where lines go that nobody takes: what to start the program with, and what to do once it serves. */
const standstills: [string, () => 'pipe' | number, (child: ChildProcess) => void][] = [
  ['whose disk is full', () => openSync('/dev/full', 'w'), () => {}],
  ['whose reader stands still, at a socket', () => 'pipe', () => {}],
  [
    'whose reader stands still, at a pipe',
    () => {
      const path = join(folder, 'pipe')
      spawnSync('bash', ['-c', 'mkfifo "$0"', path])
      return openSync(path, constants.O_RDWR)
    },
    () => {},
  ],
  ['whose reader has gone', () => 'pipe', ({ stdout }) => stdout?.destroy()],
]

// Only Linux has a device that is always full.
const tried = standstills.filter(([name]) => !name.includes('disk') || existsSync('/dev/full'))

describe.each(tried)('a log %s', (_, open, begin) => {
  it('keeps no request waiting, drops lines and counts them, and does not keep the program from ending', async () => {
    const output = open()
    const program = await startWithLog(output)
    begin(program.child)
    await program.overflow()
    expect((await fetch(`${program.url}/readyz`)).status).toBe(200)
    program.child.kill('SIGTERM')
    expect(await program.ended).toEqual([0, null])
    if (typeof output === 'number') closeSync(output)
  })

  it('does not keep an error that nobody caught from ending the program', async () => {
    const fault = "process.on('SIGUSR2', () => { throw new Error('boom') })"
    const flag = `--import=data:text/javascript,${encodeURIComponent(fault)}`
    const output = open()
    const program = await startWithLog(output, [flag])
    begin(program.child)
    await program.overflow()
    program.child.kill('SIGUSR2')
    expect(await program.ended).toEqual([1, null])
    if (typeof output === 'number') closeSync(output)
  })
})

describe('a log whose reader goes on', () => {
  it('has whole lines only, and one that tells how many are missing', async () => {
    const program = await startWithLog('pipe')
    const requests = await program.overflow()
    const dropped = await program.droppedLines()
    let output = ''
    program.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
    // The report stands behind everything that waited.
    await expect.poll(() => output, { timeout: 30_000 }).toContain('log lines were dropped')
    program.child.kill('SIGTERM')
    expect(await program.ended).toEqual([0, null])
    const lines = output.split('\n')
    expect(lines.pop()).toBe('')
    const entries = lines.map((line) => JSON.parse(line))
    const reports = entries.filter(({ lines }) => lines !== undefined)
    expect(reports).toMatchObject([{ level: 50, lines: dropped }])
    const kept = entries.filter(({ status }) => status === 404)
    expect(kept).toHaveLength(requests - dropped)
    expect(entries.at(-1)).toMatchObject({ msg: 'Stopped' })
  })
})
