import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import autocannon from 'autocannon'
import { type Furnished, furnish } from './furnish.ts'

/**
 * `npm run bench`: reads and writes over HTTP, as ratios to a bare server measured in the same run. Server and load each
 * have a process; rounds are interleaved, and each figure is the median of its rounds.
 */
const rounds = 3
const roundSeconds = Number(process.argv[2] ?? 4)

interface Server {
  url: string
  child: ChildProcess
}

async function startServer(kind: 'bare' | 'shared' | 'alone', folder: string): Promise<Server> {
  const parameters = [join(import.meta.dirname, 'server.ts'), kind, join(folder, `${kind}.db`)]
  const child = spawn(process.execPath, parameters, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const [address] = await once(child, 'message')
  return { url: String(address), child }
}

interface Case {
  name: string
  url: string
  connections: number
  /** Reads, unless it makes the body of a write; each body differs from the one before. */
  body?: () => string
  headers: Record<string, string>
  paths: readonly string[]
}

function nextBody(): () => string {
  let count = 0
  return () => {
    count += 1
    return JSON.stringify({ forwardToPhoneNumber: String(100_000 + (count % 900_000)) })
  }
}

function casesOf(
  bare: Server,
  shared: Server,
  alone: Server,
  data: [Furnished, Furnished],
): Case[] {
  const [{ cookie, authorization, paths }, other] = data
  const json = { 'content-type': 'application/json' }
  const write = (name: string, server: Server, furnished: Furnished, connections: number) => ({
    name,
    url: server.url,
    connections,
    body: nextBody(),
    headers: { ...json, authorization: furnished.authorization },
    paths: furnished.paths,
  })
  return [
    {
      name: 'bare Fastify, constant JSON',
      url: bare.url,
      connections: 64,
      headers: {},
      paths: ['/'],
    },
    {
      name: 'GET a setting, token',
      url: shared.url,
      connections: 64,
      headers: { authorization },
      paths,
    },
    {
      name: 'GET a setting, session',
      url: shared.url,
      connections: 64,
      headers: { cookie },
      paths,
    },
    write('PUT, shared commits, 64 clients', shared, data[0], 64),
    write('PUT, shared commits, 128 clients', shared, data[0], 128),
    write('PUT, one flush each, 64 clients', alone, other, 64),
  ]
}

async function measure({ url, connections, body, headers, paths }: Case) {
  const method = body ? 'PUT' : 'GET'
  const result = await autocannon({
    url,
    connections,
    duration: roundSeconds,
    requests: paths.map((path) => ({
      method,
      path,
      headers,
      ...(body && { setupRequest: (request) => ({ ...request, body: body() }) }),
    })),
  })
  if (result.non2xx > 0 || result.errors > 0) {
    throw new Error(`${url}: ${result.non2xx} refused, ${result.errors} failed`)
  }
  return { perSecond: result.requests.average, p99: result.latency.p99 }
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0
}

const folder = mkdtempSync(join(tmpdir(), 'pointsman-bench-'))
const servers = await Promise.all(
  (['bare', 'shared', 'alone'] as const).map((kind) => startServer(kind, folder)),
)
try {
  const [bare, shared, alone] = servers as [Server, Server, Server]
  const furnished = [await furnish(shared.url, 100), await furnish(alone.url, 100)]
  const cases = casesOf(bare, shared, alone, furnished as [Furnished, Furnished])
  const measured = new Map(
    cases.map(({ name }) => [name, [] as Awaited<ReturnType<typeof measure>>[]]),
  )
  for (let round = 0; round < rounds; round += 1) {
    for (const one of cases) measured.get(one.name)?.push(await measure(one))
  }
  const baseline = median(measured.get(cases[0]?.name ?? '')?.map((one) => one.perSecond) ?? [])
  const table = [...measured].map(([name, results]) => {
    const perSecond = median(results.map((one) => one.perSecond))
    return {
      name,
      perSecond: Math.round(perSecond),
      ratio: Number((perSecond / baseline).toFixed(3)),
      'p99 (ms)': median(results.map((one) => one.p99)),
    }
  })
  // biome-ignore lint/suspicious/noConsole: the table is what the script is for
  console.table(table)
} finally {
  for (const { child } of servers) child.kill()
  rmSync(folder, { recursive: true, force: true })
}
