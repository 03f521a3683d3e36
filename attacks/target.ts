import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort, startPostgres } from '../test/postgres-server.ts'

export const password = 'correct horse battery'
export const group = '/api/v1/tenants/victims/groups/victims/'
export const domain = 'victims.example'
/** Requests from this machine may tell whom they come from. */
const trusted = '127.0.0.1'

/** Whom connections come from, each a network of its own; only Linux has more than one such address. */
export const addresses =
  process.platform === 'linux' ? { attacker: '127.0.0.2', witness: '127.0.0.3' } : {}

export interface Answer {
  status: number
  text: string
  milliseconds: number
}

/** The program under attack, alone on a database of its own. */
export interface Target {
  port: number
  databaseUrl: string
  token: string
  /** Asks by the system admin's token unless `headers` say otherwise; the status is 0 where no answer came. */
  ask(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>
  /** A connection on which an attacker says what he likes. */
  open(): Socket
  /** Megabytes that the process has ever held; NaN where the system does not tell. */
  peakMemory(): number
  isAlive(): boolean
  stop(): Promise<void>
}

function peakMemoryOf({ pid }: ChildProcess): number {
  try {
    const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Math.round(Number(kilobytes) / 1_024)
  } catch {
    return Number.NaN
  }
}

async function send(
  url: string,
  method: string,
  body: unknown,
  headers: Record<string, string>,
): Promise<Answer> {
  const started = performance.now()
  const content = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body)
  const answered = (status: number, text: string) => ({
    status,
    text,
    milliseconds: Math.round(performance.now() - started),
  })
  try {
    const answer = await fetch(url, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: content as string }),
      signal: AbortSignal.timeout(180_000),
    })
    return answered(answer.status, await answer.text())
  } catch (error) {
    return answered(0, String(error))
  }
}

/** What every installation has: a tenant, a group, a route point with a DNIS. */
async function furnish(ask: Target['ask']): Promise<void> {
  const steps: [string, object][] = [
    [
      '/api/v1/tenants/',
      { tenantId: 'victims', type: 'ServiceProvider', defaultDomain: domain, country: 'BE' },
    ],
    ['/api/v1/tenants/victims/groups/', { groupId: 'victims' }],
    [
      `${group}services/route_points/`,
      { serviceUserId: 'hotline', serviceInstanceProfile: { name: 'Hotline' } },
    ],
    [`${group}services/route_points/hotline/dnis/`, { name: 'main', allowOutgoingACDCall: true }],
  ]
  for (const [path, body] of steps) {
    const { status, text } = await ask('POST', path, body)
    if (status !== 201) throw new Error(`${path}: ${status} ${text}`)
  }
}

export type Engine = 'sqlite' | 'postgres'

/** An empty database that nobody else uses. */
async function createDatabase(engine: Engine) {
  if (engine === 'postgres') {
    const server = await startPostgres()
    return { url: `${server.url}/postgres`, remove: () => server.stop() }
  }
  const folder = mkdtempSync(join(tmpdir(), 'pointsman-attack-'))
  const remove = async () => rmSync(folder, { recursive: true })
  return { url: `sqlite:${join(folder, 'pointsman.db')}`, remove }
}

/**
 * Starts the program of a checkout on an empty database of its own.
 *
 * @param folder of the checkout, with its dependencies installed.
 */
export async function startTarget(folder: string, engine: Engine): Promise<Target> {
  const port = await freePort()
  const database = await createDatabase(engine)
  const child = spawn(process.execPath, [join(folder, 'src', 'main.ts')], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: {
      PATH: process.env.PATH,
      POINTSMAN_PORT: String(port),
      POINTSMAN_DATABASE_URL: database.url,
      POINTSMAN_ADMIN_PASSWORD: password,
      POINTSMAN_TRUSTED_PROXIES: trusted,
      POINTSMAN_METRICS_ADDRESS: 'off',
    },
  })
  const exited = once(child, 'exit')
  const isAlive = () => child.exitCode === null && child.signalCode === null
  const url = `http://127.0.0.1:${port}`
  let token = ''
  const ask: Target['ask'] = (method, path, body, headers = {}) => {
    const bearer = { authorization: `Bearer ${token}` }
    return send(url + path, method, body, { ...(token && bearer), ...headers })
  }
  while ((await ask('GET', '/readyz')).status !== 200) {
    if (!isAlive()) throw new Error(`The program in ${folder} did not start.`)
    await delay(50)
  }
  const login = await fetch(`${url}/api/v1/login/`, {
    method: 'POST',
    body: JSON.stringify({ username: 'admin', password }),
    headers: { 'content-type': 'application/json' },
  })
  const cookie = login.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
  const made = await ask('POST', '/api/v1/tokens/', { name: 'attack' }, { cookie })
  token = JSON.parse(made.text).token
  await furnish(ask)

  return {
    port,
    databaseUrl: database.url,
    token,
    ask,
    open() {
      const socket = connect({ port, host: '127.0.0.1', localAddress: addresses.attacker })
      // A connection that the victim ends is the attacker's loss.
      socket.on('error', () => {})
      return socket
    },
    peakMemory: () => peakMemoryOf(child),
    isAlive,
    async stop() {
      child.kill('SIGKILL')
      await exited
      await database.remove()
    },
  }
}
