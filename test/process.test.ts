import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { password, provokeLoss } from './durability.ts'
import { type Program, post, runProgram, signIn, startProgram } from './program.ts'
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

describe('the first start', () => {
  it('creates an admin with a generated password and shows it once', async () => {
    const first = await start()
    const shown = /Created the system admin 'admin' with the password (\S+)/
    await expect.poll(first.output).toMatch(shown)
    const generated = shown.exec(first.output())?.[1] ?? ''
    expect(generated.length).toBeGreaterThanOrEqual(32)
    expect(await signIn(first.url, 'admin', generated)).toMatch(/^sessionid=./)
    expect(await signIn(first.url, 'admin', 'a wrong password')).toBeUndefined()
    const { code, stdout } = await stop(first)
    expect(code).toBe(0)
    // Standard output is for machines.
    for (const line of stdout.trimEnd().split('\n')) JSON.parse(line)
    expect(stdout).not.toContain(generated)

    const second = await start()
    expect(await signIn(second.url, 'admin', generated)).toMatch(/^sessionid=./)
    await stop(second)
    expect(second.output()).not.toContain(generated)
    expect(second.output()).not.toContain('Created')
  })

  it('takes the username and password that it is given, and shows neither', async () => {
    const given = { ADMIN_USERNAME: 'chief', ADMIN_PASSWORD: password }
    const program = await start(given)
    expect(await signIn(program.url, 'chief', password)).toMatch(/^sessionid=./)
    expect(await signIn(program.url, 'admin', password)).toBeUndefined()
    await stop(program)
    expect(program.output()).not.toContain(password)
    expect(program.output()).not.toContain('Created')
  })
})

describe('a start that fails says why in one line and ends with 1', () => {
  async function expectFailure(more: Record<string, string>, reason: string): Promise<void> {
    const { code, stderr, stdout } = await runProgram({ ...settings, ...more })
    expect(stderr).toMatch(/^pointsman: .+\n$/)
    expect(stderr).toContain(reason)
    expect(stdout).not.toContain('Server listening')
    expect(code).toBe(1)
  }

  it('for a bad setting and an unknown one, both named', async () => {
    await expectFailure(
      { PORT: 'eighty', SURPRISE: 'secret value' },
      'POINTSMAN_SURPRISE is not a setting; POINTSMAN_PORT must be integer',
    )
  })

  it('for a folder that cannot be written', async () => {
    writeFileSync(join(folder, 'file'), '')
    const path = join(folder, 'file', 'test.db')
    await expectFailure({ DATABASE_URL: `sqlite:${path}` }, `The database ${path} cannot be opened`)
  })

  it.each([
    ['PORT', (port: number) => `${port}`],
    ['METRICS_ADDRESS', (port: number) => `127.0.0.1:${port}`],
  ])(
    'for a port of %s that is in use, and leaves a database that the next start opens',
    async (name, toSetting) => {
      const holder = createServer().listen(0, '127.0.0.1')
      await once(holder, 'listening')
      const { port } = holder.address() as AddressInfo
      await expectFailure(
        { [name]: toSetting(port), ADMIN_PASSWORD: password },
        `address already in use 127.0.0.1:${port}`,
      )
      holder.close()
      const program = await start()
      expect(await signIn(program.url, 'admin', password)).toMatch(/^sessionid=./)
    },
  )
})

/** Sends the head and the first byte of a sign-in; the answer to `Expect` shows that the program has the request. */
async function beginSignIn(url: string, body: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname).setEncoding('utf8')
  socket.write(
    `POST /api/v1/login/ HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`,
  )
  const [interim] = await once(socket, 'data')
  expect(interim).toContain('100 Continue')
  socket.write(body.slice(0, 1))
  return socket
}

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

describe('an error that nobody caught', () => {
  it.each([
    ['thrown', "throw new Error('boom')"],
    ['rejected', "void Promise.reject(new Error('boom'))"],
  ])('is logged and ends the program with 1: %s', async (_, code) => {
    const fault = `process.on('SIGUSR2', () => { ${code} })`
    const flag = `--import=data:text/javascript,${encodeURIComponent(fault)}`
    const program = await start({}, [flag])
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
      'pointsman_commit_writes_count 1',
    ]) {
      expect(metrics).toContain(line)
    }
    expect(metrics).toMatch(/^pointsman_database_bytes [1-9]/m)
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
