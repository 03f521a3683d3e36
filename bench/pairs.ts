import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import autocannon from 'autocannon'
import { type Furnished, furnish } from './furnish.ts'

/**
 * `npm run bench:pairs -- BEFORE [pairs] [seconds]`: this checkout beside another one on the same machine, by turns, so that what
 * else goes on there falls on both. Each figure is the median of the ratios of the pairs: above 1 this one is better.
 */
const [of, pairs = '5', seconds = '3'] = process.argv.slice(2)
if (of === undefined) throw new Error('Name the checkout to compare with.')

interface Server extends Furnished {
  url: string
  child: ChildProcess
}

const folder = mkdtempSync(join(tmpdir(), 'pointsman-pairs-'))

async function start(checkout: string, kind: 'shared' | 'alone', name: string): Promise<Server> {
  const path = join(folder, `${name}-${kind}.db`)
  const child = spawn(process.execPath, [join(checkout, 'bench', 'server.ts'), kind, path], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const [address] = await once(child, 'message')
  const url = String(address)
  return { ...(await furnish(url, 100)), url, child }
}

/** Milliseconds of processor that a process has used; the kernel counts hundredths of a second. */
function processorOf({ child }: Server): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}

let count = 0

async function measure(server: Server, kind: 'GET' | 'PUT', connections: number) {
  const headers = { authorization: server.authorization, 'content-type': 'application/json' }
  const nextBody = () => {
    count += 1
    return JSON.stringify({ playAnnouncementBeforeForwarding: count % 2 === 0 })
  }
  const before = processorOf(server)
  const result = await autocannon({
    url: server.url,
    connections,
    duration: Number(seconds),
    requests: server.paths.map((path) => ({
      method: kind,
      path,
      headers,
      ...(kind === 'PUT' && { setupRequest: (one) => ({ ...one, body: nextBody() }) }),
    })),
  })
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${server.url} refused or failed.`)
  const answered = result.requests.total
  return { perSecond: answered, each: (processorOf(server) - before) / answered }
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0
}

const cases = [
  { name: 'GET a setting, 64 clients', server: 'shared', kind: 'GET', connections: 64 },
  { name: 'PUT a setting, 64 clients', server: 'shared', kind: 'PUT', connections: 64 },
  { name: 'PUT a setting, 1 client', server: 'shared', kind: 'PUT', connections: 1 },
  { name: 'PUT, one flush each, 64 clients', server: 'alone', kind: 'PUT', connections: 64 },
] as const

const checkouts = { before: resolve(of), after: join(import.meta.dirname, '..') }
const started: Server[] = []
try {
  const servers = { before: new Map<string, Server>(), after: new Map<string, Server>() }
  for (const name of ['before', 'after'] as const) {
    for (const kind of ['shared', 'alone'] as const) {
      const server = await start(checkouts[name], kind, name)
      started.push(server)
      servers[name].set(kind, server)
    }
  }
  const table = []
  for (const { name, server, kind, connections } of cases) {
    const [before, after] = [servers.before.get(server), servers.after.get(server)]
    if (!before || !after) continue
    const throughput: number[] = []
    const processor: number[] = []
    for (let pair = 0; pair < Number(pairs); pair += 1) {
      const [first, second] = pair % 2 === 0 ? [before, after] : [after, before]
      const one = await measure(first, kind, connections)
      const other = await measure(second, kind, connections)
      const [old, now] = pair % 2 === 0 ? [one, other] : [other, one]
      throughput.push(now.perSecond / old.perSecond)
      processor.push(old.each / now.each)
    }
    table.push({
      name,
      'requests a second': Number(median(throughput).toFixed(3)),
      'processor a request': Number(median(processor).toFixed(3)),
    })
  }
  // biome-ignore lint/suspicious/noConsole: the table is what the script is for
  console.table(table)
} finally {
  for (const { child } of started) child.kill()
  rmSync(folder, { recursive: true, force: true })
}
