import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sql } from '../src/database/database.ts'
import { loadMigrations } from '../src/database/migrations.ts'
import { password } from './durability.ts'
import { postgresDatabases } from './postgres-databases.ts'
import { beginSignIn, type Program, runProgram, signIn, startProgram } from './program.ts'

let folder: string
let settings: Record<string, string>
let started: Program[]

async function start(more: Record<string, string> = {}): Promise<Program> {
  const program = await startProgram({ ...settings, ...more })
  started.push(program)
  return program
}

async function stop(program: Program) {
  program.signal('SIGTERM')
  return program.ended
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pointsman-start-'))
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

describe('a start beside a Kubernetes service called pointsman', () => {
  it('goes well, and the log names the variables that it ignored', async () => {
    const program = await start({ SERVICE_HOST: '10.0.0.1', METRICS_PORT: 'tcp://10.0.0.1:0' })
    expect(program.output()).toContain(
      '"variables":["POINTSMAN_SERVICE_HOST","POINTSMAN_METRICS_PORT"]',
    )
    expect(program.output()).not.toContain('10.0.0.1')
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

  it.each([
    ['under /proc', () => '/proc/pointsman/test.db'],
    ['that is a folder', () => folder],
    ['that is a device', () => '/dev/null'],
    ['in a file', () => join(folder, 'file', 'deep', 'test.db')],
  ])('for a database %s', async (_, toPath) => {
    writeFileSync(join(folder, 'file'), '')
    const path = toPath()
    await expectFailure({ DATABASE_URL: `sqlite:${path}` }, `The database ${path} cannot be opened`)
    expect(readdirSync(folder)).toEqual(['file'])
  })

  it.each(['sqlite://test.db', 'sqlite:test.db?mode=ro'])(
    'for the database URL %s, whose file would be another than meant',
    async (url) => {
      await expectFailure({ DATABASE_URL: url }, 'Bad configuration: POINTSMAN_DATABASE_URL ')
    },
  )

  it('for a folder that cannot be written', async () => {
    writeFileSync(join(folder, 'file'), '')
    const path = join(folder, 'file', 'test.db')
    await expectFailure({ DATABASE_URL: `sqlite:${path}` }, `The database ${path} cannot be opened`)
  })

  it.each([
    ['PORT', 'POINTSMAN_HOST and POINTSMAN_PORT', (port: number) => `${port}`],
    ['METRICS_ADDRESS', 'POINTSMAN_METRICS_ADDRESS', (port: number) => `127.0.0.1:${port}`],
  ])(
    'for a port of %s that is in use, names the setting, and leaves the admin and its password to the next start',
    async (name, named, toSetting) => {
      const holder = createServer().listen(0, '127.0.0.1')
      await once(holder, 'listening')
      const { port } = holder.address() as AddressInfo
      const reason = `${named}: listen EADDRINUSE: address already in use 127.0.0.1:${port}`
      await expectFailure({ [name]: toSetting(port) }, reason)
      holder.close()
      const program = await start()
      await expect
        .poll(program.output)
        .toMatch(/Created the system admin 'admin' with the password/)
    },
  )

  it.each([
    [{ HOST: '192.0.2.1' }, 'POINTSMAN_HOST and POINTSMAN_PORT: listen EADDRNOTAVAIL'],
    [{ HOST: 'nowhere.invalid' }, 'POINTSMAN_HOST and POINTSMAN_PORT: getaddrinfo'],
    [{ METRICS_ADDRESS: '192.0.2.1:0' }, 'POINTSMAN_METRICS_ADDRESS: listen EADDRNOTAVAIL'],
  ])('for an address that the machine has not: %j', async (more, reason) => {
    await expectFailure(more, reason)
  })
})

describe('before the first admin is created', () => {
  const databases = postgresDatabases()
  afterAll(() => databases.remove())

  /** Starts the program, which does not get on until `holder` commits. */
  async function startHeld(): Promise<{ program: Program; holder: pg.Client }> {
    const url = await databases.create()
    await (await databases.open(url, loadMigrations())).get(sql('SELECT 1'))
    const holder = new pg.Client({ connectionString: url })
    await holder.connect()
    await holder.query('BEGIN; LOCK TABLE system_admins')
    const program = await start({ DATABASE_URL: url, ADMIN_PASSWORD: password })
    return { program, holder }
  }

  it('a signal ends the program as ever', async () => {
    const { program, holder } = await startHeld()
    program.signal('SIGTERM')
    await expect.poll(program.output).toContain('Stopping at SIGTERM')
    await holder.query('COMMIT')
    await holder.end()
    expect(await program.ended).toMatchObject({ code: 0, stderr: '' })
  })

  it('requests wait for it, and are then answered like any other', async () => {
    const { program, holder } = await startHeld()
    const { hostname, port } = new URL(program.url)
    const health = connect(Number(port), hostname).setEncoding('utf8')
    await once(health, 'connect')
    health.write(`GET /healthz HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`)
    const body = JSON.stringify({ username: 'admin', password })
    const socket = await beginSignIn(program.url, body)
    socket.write(body.slice(1))
    const ready = fetch(`${program.url}/readyz`)
    // It would be answered in the turn in which it was read, which a request after the next one comes later than.
    const later = await beginSignIn(program.url, body)
    await nextTurn()
    expect(health.bytesRead).toBe(0)
    await holder.query('COMMIT')
    await holder.end()
    const [answer] = await once(socket, 'data')
    expect(answer).toContain('sessionid=')
    expect((await ready).status).toBe(200)
    if (health.bytesRead === 0) await once(health, 'data')
    for (const one of [socket, later, health]) one.destroy()
  })
})

describe('the front door', () => {
  it.each([
    ['', 'docs/'],
    ['https://calls.example.org/pointsman', '/pointsman/docs/'],
  ])(
    'leads to the documentation, which the log names, with a public URL of "%s"',
    async (publicUrl, path) => {
      const program = await start({ PUBLIC_URL: publicUrl })
      const site = publicUrl || program.url
      expect(program.output()).toContain(`"msg":"Documentation at ${site}/docs/"`)
      const answer = await fetch(`${program.url}/`, { redirect: 'manual' })
      expect(answer.status).toBe(302)
      expect(new URL(answer.headers.get('location') ?? '', `${site}/`).pathname).toContain(path)
      const page = await fetch(`${program.url}/`)
      expect(page.url).toMatch(/\/docs\/$/)
      expect(await page.text()).toContain('<title>Pointsman API</title>')
    },
  )
})
