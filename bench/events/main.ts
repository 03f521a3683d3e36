import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { startPostgres } from '../../test/postgres-server.ts'
import { password } from '../furnish.ts'
import type { Done, Order } from './server.ts'

/**
 * `npm run bench:events [seconds]`: 100 streams of events of calls on one node and 1,000 events a second; how long an event is
 * on its way from its commit to a client, and what becomes of a client that stands still and comes back.
 */
const seconds = Number(process.argv[2] ?? 20)
const perSecond = 1_000
const streams = 100
/** Fewer than one account may have. */
const streamsOfAccount = 10

const now = () => performance.timeOrigin + performance.now()
const pathOf = (group: string) => `/api/v1/tenants/benchtenant/groups/${group}/`

/** A server with groups, and tokens of admins for its streams. */
interface Node {
  child: ChildProcess
  url: string
  tokens: string[]
}

async function startNode(databaseUrl: string, groups: readonly string[]): Promise<Node> {
  const child = fork(join(import.meta.dirname, 'server.ts'), [databaseUrl])
  const [url] = (await once(child, 'message')) as [string]
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  const post = async (path: string, body: object) => {
    const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`)
    return answer
  }
  const signIn = async (username: string) => {
    const answer = await post('/api/v1/login/', { username, password })
    headers.cookie = answer.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
    const made = await post('/api/v1/tokens/', { name: 'bench' })
    return ((await made.json()) as { token: string }).token
  }
  await signIn('admin')
  const [tenantId, defaultDomain] = ['benchtenant', 'bench.example']
  await post('/api/v1/tenants/', { tenantId, type: 'Enterprise', defaultDomain })
  for (const groupId of groups) await post('/api/v1/tenants/benchtenant/groups/', { groupId })
  const names = Array.from(
    { length: streams / streamsOfAccount + 1 },
    (_, index) => `admin${index}`,
  )
  const person = { firstName: 'Bench', lastName: 'Admin', password }
  for (const userId of names)
    await post('/api/v1/tenants/benchtenant/admins/', { userId, ...person })
  const tokens: string[] = []
  for (const name of names) tokens.push(await signIn(`${name}@bench.example`))
  return { child, url, tokens }
}

/** A client of a stream, on a bare socket, so that it costs little beside the server. */
class Client {
  /** When each event came. */
  readonly heard = new Map<number, number>()
  doubles = 0
  last = ''
  #text = ''
  readonly #socket: Socket
  readonly begun: Promise<void>

  constructor(
    url: string,
    { group, token, last }: { group: string; token: string; last?: string },
  ) {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.begun = promise
    this.#socket = connect(Number(new URL(url).port), '127.0.0.1')
    const behind = last === undefined ? '' : `Last-Event-ID: ${last}\r\n`
    this.#socket.write(
      `GET ${pathOf(group)}services/call_events/ HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${token}\r\n${behind}\r\n`,
    )
    this.#socket.setEncoding('latin1').on('data', (text: string) => {
      this.#hear(text)
      if (this.last !== '') resolve()
    })
  }

  #hear(text: string): void {
    const at = now()
    const whole = this.#text + text
    const end = whole.lastIndexOf('\n\n')
    this.#text = whole.slice(end + 1)
    for (const [, id = ''] of whole.slice(0, end + 1).matchAll(/\nid: (\S+)\n/g)) this.last = id
    for (const [, index] of whole.slice(0, end + 1).matchAll(/"index":(\d+),/g)) {
      if (this.heard.has(Number(index))) this.doubles += 1
      this.heard.set(Number(index), at)
    }
  }

  standStill(): void {
    this.#socket.pause()
  }

  leave(): void {
    this.#socket.destroy()
  }
}

/** Waits until a client has heard so many events, for a while. */
async function hearAll(client: Client, count: number): Promise<void> {
  const until = now() + 60_000
  while (client.heard.size < count && now() < until) await delay(50)
}

function percentiles(clients: readonly Client[], committedAt: readonly number[]) {
  const delays = clients.flatMap(({ heard }) =>
    [...heard].map(([index, at]) => Math.max(at - (committedAt[index] ?? 0), 0)),
  )
  delays.sort((one, other) => one - other)
  const at = (part: number) => Math.round(delays[Math.floor(delays.length * part)] ?? 0)
  return { 'p50, ms': at(0.5), 'p99, ms': at(0.99), 'most, ms': at(0.999_999) }
}

async function measure(databaseUrl: string, groupCount: number) {
  const groups = Array.from({ length: groupCount }, (_, index) => `group${index}`)
  const { child, url, tokens } = await startNode(databaseUrl, groups)
  const clients = Array.from({ length: streams }, (_, index) => {
    const token = tokens[Math.floor(index / streamsOfAccount)] ?? ''
    return new Client(url, { group: groups[index % groupCount] ?? '', token })
  })
  const own = { group: groups[0] ?? '', token: tokens.at(-1) ?? '' }
  const still = new Client(url, own)
  await Promise.all([...clients, still].map(({ begun }) => begun))
  still.standStill()
  const order: Order = { groups, perSecond, seconds }
  child.send(order)
  const [{ committedAt, rss, processor, perSecond: told }] = (await once(child, 'message')) as [
    Done,
  ]
  const each = committedAt.length / groupCount
  for (const client of clients) await hearAll(client, each)
  still.leave()
  const back = new Client(url, { ...own, last: still.last })
  await hearAll(back, each - still.heard.size)
  const lost = (sizes: readonly number[], of: number) =>
    sizes.reduce((sum, size) => sum + of - size, 0)
  const result = {
    'told a second': Math.round(told),
    ...percentiles(clients, committedAt),
    lost: lost(
      clients.map(({ heard }) => heard.size),
      each,
    ),
    doubled: clients.reduce((sum, { doubles }) => sum + doubles, 0),
    'still: lost': lost([new Set([...still.heard.keys(), ...back.heard.keys()]).size], each),
    'memory, MB': `${Math.round(rss.before / 1e6)} → ${Math.round(rss.most / 1e6)}`,
    processor: Math.round(processor * 100) / 100,
  }
  for (const client of [...clients, back]) client.leave()
  child.kill()
  await once(child, 'exit')
  return result
}

const folder = mkdtempSync(join(tmpdir(), 'pointsman-bench-'))
const server = await startPostgres()
try {
  const results: Record<string, object> = {}
  const client = new pg.Client({ connectionString: `${server.url}/postgres` })
  await client.connect()
  for (const groupCount of [10, 1]) {
    await client.query(`CREATE DATABASE events${groupCount}`)
    const words = groupCount === 1 ? 'all of one group' : `${groupCount} groups`
    const sqlite = `sqlite:${join(folder, `${groupCount}.db`)}`
    results[`SQLite, ${words}`] = await measure(sqlite, groupCount)
    results[`PostgreSQL, ${words}`] = await measure(`${server.url}/events${groupCount}`, groupCount)
  }
  await client.end()
  // biome-ignore lint/suspicious/noConsole: the table is what the script is for
  console.table(results)
} finally {
  await server.stop()
  rmSync(folder, { recursive: true })
}
