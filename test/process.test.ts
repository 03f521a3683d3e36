import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { password, provokeLoss } from './durability.ts'
import { beginSignIn, type Program, post, signIn, startProgram } from './program.ts'
import { seed } from './seed.ts'

let folder: string
let settings: Record<string, string>
let started: Program[]

async function start(more: Record<string, string> = {}, flags: string[] = []): Promise<Program> {
  const program = await startProgram({ ...settings, ...more }, flags)
  started.push(program)
  return program
}

async function stop(program: Program) {
  program.signal('SIGTERM')
  return program.ended
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pointsman-process-'))
  settings = { DATABASE_URL: `sqlite:${join(folder, 'data', 'test.db')}` }
  started = []
})
afterEach(async () => {
  for (const program of started) program.signal('SIGKILL')
  await Promise.all(started.map(({ ended }) => ended))
  rmSync(folder, { recursive: true })
})

/** Waits until nothing listens at `url` any more. */
async function untilClosed(url: string): Promise<void> {
  const { hostname, port } = new URL(url)
  for (;;) {
    const socket = connect(Number(port), hostname)
    const isOpen = await new Promise((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    })
    socket.destroy()
    if (!isOpen) return
    await delay(5)
  }
}

describe('a signal', () => {
  const body = JSON.stringify({ username: 'admin', password })

  it.each(['SIGTERM', 'SIGINT'] as const)(
    '%s lets a request in flight end, and then the program with 0',
    async (name) => {
      const program = await start({ ADMIN_PASSWORD: password })
      const socket = await beginSignIn(program.url, body)
      program.signal(name)
      await untilClosed(program.url)
      socket.write(body.slice(1))
      socket.write('GET /healthz HTTP/1.1\r\nHost: late.example\r\n\r\n')
      let answers = ''
      for await (const text of socket) answers += text
      expect(answers).toContain('sessionid=')
      // What came behind it on the same connection is served, too, and told that it is the last.
      expect(answers.match(/HTTP\/1.1 200 /g)).toHaveLength(2)
      expect(answers).toMatch(/^connection: close/im)
      expect(await program.ended).toMatchObject({ code: 0 })
      expect(program.output()).toContain(`Stopping at ${name}`)
      expect(program.output()).toContain('"path":"/api/v1/login/","status":200')
      expect(program.output()).toContain('"msg":"Stopped"')
    },
  )

  it('ends a program without requests at once, though clients keep their connections', async () => {
    const program = await start({ DRAIN_SECONDS: '3600' })
    await (await fetch(`${program.url}/healthz`)).text()
    expect(await stop(program)).toMatchObject({ code: 0 })
  })

  it('ends the program with 1 when a request takes longer than it may', async () => {
    const program = await start({ ADMIN_PASSWORD: password, DRAIN_SECONDS: '0.1' })
    const socket = await beginSignIn(program.url, body)
    expect(await stop(program)).toMatchObject({ code: 1 })
    expect(program.output()).toContain('it took longer than 0.1 s')
    socket.destroy()
  })

  it('that comes twice at once, as Ctrl-C does through npm, lets requests in flight end', async () => {
    const program = await start({ ADMIN_PASSWORD: password, DRAIN_SECONDS: '3600' })
    const socket = await beginSignIn(program.url, body)
    for (const signal of ['SIGTERM', 'SIGINT'] as const) program.signal(signal)
    await untilClosed(program.url)
    socket.destroy()
    expect(await program.ended).toMatchObject({ code: 0 })
    expect(program.output()).not.toContain('Stopped before')
  })

  it('that is the second one ends the program with 1 at once', async () => {
    const program = await start({ ADMIN_PASSWORD: password, DRAIN_SECONDS: '3600' })
    const socket = await beginSignIn(program.url, body)
    program.signal('SIGTERM')
    await untilClosed(program.url)
    // Within a second it is the same one, come a second time.
    await delay(1_100)
    program.signal('SIGINT')
    expect(await program.ended).toMatchObject({ code: 1 })
    expect(program.output()).toContain('a second signal, SIGINT, ended it')
    socket.destroy()
  })
})

describe('a signal that asks for nothing that there is', () => {
  it.each(['SIGUSR1', 'SIGUSR2', 'SIGHUP'] as const)(
    '%s is ignored with a line in the log, and opens no debugger',
    async (name) => {
      const program = await start()
      program.signal(name)
      await expect.poll(program.output, { timeout: 30_000 }).toContain(`"msg":"Ignored ${name}"`)
      expect((await fetch(`${program.url}/healthz`)).status).toBe(200)
      const { code, stderr } = await stop(program)
      expect(code).toBe(0)
      expect(stderr).not.toContain('Debugger')
    },
  )

  it('closes the debugger that one opened before the program ran', async () => {
    const early =
      "process.kill(process.pid, 'SIGUSR1'); await new Promise((end) => setTimeout(end, 200))"
    const program = await start({}, [
      '--inspect-port=0',
      `--import=data:text/javascript,${encodeURIComponent(early)}`,
    ])
    await expect.poll(program.output).toContain('Debugger listening')
    const address = /ws:\/\/([^/]+)/.exec(program.output())?.[1]
    await expect(fetch(`http://${address}/json/version`)).rejects.toThrow('fetch failed')
  })
})

describe('an error that nobody caught', () => {
  it.each([
    ['thrown', "throw new Error('boom')"],
    ['rejected', "void Promise.reject(new Error('boom'))"],
  ])('is logged and ends the program with 1: %s', async (_, code) => {
    const fault = `process.on('SIGUSR2', () => { ${code} })`
    const flag = `--import=data:text/javascript,${encodeURIComponent(fault)}`
    const program = await start({}, [flag])
    // Node may hang for ever in an exit while it still compiles what a program's first moments run.
    await expect.poll(program.output, { timeout: 30_000 }).toContain('Created the system admin')
    program.signal('SIGUSR2')
    const { code: exitCode, stdout } = await program.ended
    expect(exitCode).toBe(1)
    const line = stdout.split('\n').find((text) => text.includes('uncaught error')) ?? '{}'
    expect(JSON.parse(line)).toMatchObject({ level: 60, err: { message: 'boom' } })
  })
})

describe('the running program', () => {
  it('tells that it lives, that it can serve, and its metrics on an address of their own', async () => {
    const program = await start()
    expect(await (await fetch(`${program.url}/healthz`)).json()).toEqual({ status: 'ok' })
    expect(await (await fetch(`${program.url}/readyz`)).json()).toEqual({ status: 'ok' })
    expect((await fetch(`${program.url}/metrics`)).status).toBe(404)
    const metrics = await (await fetch(program.metricsUrl)).text()
    for (const line of [
      'pointsman_http_requests_total{method="GET",route="/healthz",status="200"} 1',
      'pointsman_http_requests_total{method="GET",route="unknown",status="404"} 1',
      'pointsman_http_request_duration_seconds_count{method="GET",route="/healthz"} 1',
    ]) {
      expect(metrics).toContain(line)
    }
    // The first admin's, and maybe what is looked after beside.
    expect(metrics).toMatch(/^pointsman_commit_writes_count [1-9]/m)
    expect(metrics).toMatch(/^pointsman_database_bytes [1-9]/m)
    expect(metrics).toMatch(/^pointsman_connections [1-9]/m)
    expect(metrics).toMatch(/^nodejs_eventloop_lag_p99_seconds /m)
  })

  it('serves no metrics when told so', async () => {
    const program = await start({ METRICS_ADDRESS: 'off' })
    expect(program.metricsUrl).toBe('')
    await stop(program)
    expect(program.output()).not.toContain('Metrics')
  })

  it('logs each request, and never a password, a cookie or a token', async () => {
    const program = await start({ ADMIN_PASSWORD: password, LOG_LEVEL: 'trace' })
    const { url } = program
    const cookie = (await signIn(url, 'admin', password)) ?? ''
    await signIn(url, 'admin', 'wrong password')
    const made = await post(`${url}/api/v1/tokens/`, { name: 'script' }, { cookie })
    const { token } = (await made.json()) as { token: string }
    await fetch(`${url}/api/v1/tenants/?insensitiveNameContains=${token}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    await post(`${url}/api/v1/login/`, { username: 'admin', password, surprise: password })
    await stop(program)
    const secrets = [password, 'wrong password', cookie.replace('sessionid=', ''), token]
    for (const text of secrets) {
      expect(text.length).toBeGreaterThan(10)
      expect(program.output()).not.toContain(text)
    }
    const requests = program.output().match(/"msg":"request"/g)
    expect(requests).toHaveLength(5)
  })
})

describe(`a write that was acknowledged (seed ${seed})`, () => {
  it('is there after the program was killed under load', async () => {
    const writes = 200 + (seed % 300)
    const path = join(folder, 'killed.db')
    const { acknowledged, lost } = await provokeLoss(path, { clients: 8, writes })
    expect(acknowledged).toBeGreaterThanOrEqual(writes)
    expect(lost).toBe(0)
  })
})
