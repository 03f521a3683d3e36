import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import autocannon from 'autocannon'
import { type Furnished, furnish } from './furnish.ts'

/**
 * `npm run bench:pairs -- BEFORE [pairs] [slices]`: this checkout beside another one on the same machine. Processes of the same
 * program differ by a fifth, so each pair is of two new ones, and ten pairs tell more than five. They are measured by turns, a
 * second each, and of each the best slice counts, since what else goes on in the machine only takes. Each figure is the median of
 * the ratios of the pairs: above 1 this checkout is better. A copy of this checkout as BEFORE tells what a difference must exceed.
 */
const [of, pairs = '5', slices = '6'] = process.argv.slice(2)
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
    duration: 1,
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

/** One pair of processes: how this checkout's does beside the other's. */
async function compare({ server, kind, connections }: (typeof cases)[number], pair: number) {
  const before = await start(checkouts.before, server, `before-${kind}-${connections}-${pair}`)
  const after = await start(checkouts.after, server, `after-${kind}-${connections}-${pair}`)
  try {
    const best = {
      before: { perSecond: 0, each: Infinity },
      after: { perSecond: 0, each: Infinity },
    }
    // The first slice of each is there to warm it up.
    for (let slice = 0; slice <= Number(slices); slice += 1) {
      const turns = [
        ['before', before],
        ['after', after],
      ] as const
      for (const [name, measured] of slice % 2 === 0 ? turns : turns.toReversed()) {
        const { perSecond, each } = await measure(measured, kind, connections)
        if (slice === 0) continue
        best[name].perSecond = Math.max(best[name].perSecond, perSecond)
        best[name].each = Math.min(best[name].each, each)
      }
    }
    return {
      throughput: best.after.perSecond / best.before.perSecond,
      processor: best.before.each / best.after.each,
    }
  } finally {
    for (const { child } of [before, after]) child.kill()
  }
}

try {
  const table = []
  for (const one of cases) {
    const ratios = []
    for (let pair = 0; pair < Number(pairs); pair += 1) ratios.push(await compare(one, pair))
    table.push({
      name: one.name,
      'requests a second': Number(median(ratios.map(({ throughput }) => throughput)).toFixed(3)),
      'processor a request': Number(median(ratios.map(({ processor }) => processor)).toFixed(3)),
    })
  }
  // biome-ignore lint/suspicious/noConsole: the table is what the script is for
  console.table(table)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
