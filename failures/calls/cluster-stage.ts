import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { type Asterisk, startAsterisk, writeAllEngines } from '../../test/asterisk.ts'
import { freePort, type PostgresServer, startPostgres } from '../../test/postgres-server.ts'
import { freeUdpPort } from '../../test/sip.ts'
import { send } from '../load.ts'
import { createNode, type Node } from '../node.ts'
import { type NetworkProxy, startProxy } from '../proxy.ts'
import { fill, until } from './stage.ts'

const engineNames = ['one', 'two'] as const

/** On which network trouble can be made; where it is not, nothing stands between. */
export type Fragile = 'to engines' | 'to the database'

/** Two nodes, each with the same two Asterisks, on one PostgreSQL: all of them processes that can be killed. */
export interface Cluster {
  server: PostgresServer
  databaseUrl: string
  nodes: readonly [Node, Node]
  engines: readonly [Asterisk, Asterisk]
  /** Of an administrator of everything. */
  token: string
  /** Port at which everybody is called, by both engines. */
  answererPort: number
  /** What a node's requests pass on the fragile network. */
  waysOf(node: number): readonly NetworkProxy[]
  /** Which node treats an engine's calls, as the database has it; undefined where none does. */
  holderOf(engine: number): Promise<number | undefined>
  /** Has an engine take no new calls, or take them again. */
  drain(engine: number, isDraining: boolean): Promise<void>
  close(): Promise<void>
}

interface Places {
  folder: string
  databaseUrl: string
  engines: readonly [Asterisk, Asterisk]
  answererPort: number
}

/** A node that does not run yet, with what its requests pass. */
async function makeNode(
  index: number,
  { folder, databaseUrl, engines, answererPort }: Places,
  fragile: Fragile | undefined,
): Promise<{ node: Node; ways: NetworkProxy[] }> {
  const ways: NetworkProxy[] = []
  const through = async (address: string, isFragile: boolean) => {
    if (!isFragile) return address
    const url = new URL(address)
    const proxy = await startProxy(Number(url.port))
    ways.push(proxy)
    url.port = String(proxy.port)
    return url.href
  }
  const phones = `@127.0.0.1:${answererPort}`
  const entries = await Promise.all(
    engines.map(async (asterisk, engine) => {
      const url = await through(asterisk.ari.url, fragile === 'to engines')
      const members = {
        name: engineNames[engine],
        url,
        agents: `PJSIP/agents/sip:{user}${phones}`,
        numbers: `PJSIP/agents/sip:{number}${phones}`,
      }
      return { asterisk, members }
    }),
  )
  const port = await freePort()
  const node = createNode(await through(databaseUrl, fragile === 'to the database'), port, {
    ENGINES: writeAllEngines(folder, entries, `engines-of-${index}`),
    MEDIA_FOLDER: join(folder, `media-of-${index}`),
    NODE: `node-${index}`,
    NODE_URL: `http://127.0.0.1:${port}`,
    LOG_LEVEL: process.env.CALLS_LOG ?? 'fatal',
  })
  return { node, ways }
}

/** Whoever starts first takes all; balancing them would give one away after a minute, so that is done at once. */
async function spread(databaseUrl: string, holderOf: Cluster['holderOf']): Promise<void> {
  const holders = () => Promise.all([holderOf(0), holderOf(1)])
  await until('both engines are held', async () => !(await holders()).includes(undefined))
  const [first, second] = await holders()
  if (first !== second) return
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query('UPDATE engine_leases SET session = NULL WHERE engine = $1', [engineNames[1]])
  await client.end()
  await until('each node holds one', async () => {
    const [one, two] = await holders()
    return two !== undefined && one !== two
  })
}

/** Asks whichever node answers. */
async function askEither(
  nodes: readonly Node[],
  { token, method, path, body }: { token: string; method: string; path: string; body?: object },
): Promise<Response> {
  for (;;) {
    for (const { url } of nodes) {
      const answer = await send(url + path, token, method, body).catch(() => undefined)
      if (answer?.ok) return answer
    }
    await delay(200)
  }
}

/** Starts everything, and furnishes it with two hotlines. */
export async function openCluster(fragile?: Fragile): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'pointsman-failures-'))
  const server = await startPostgres()
  const databaseUrl = `${server.url}/postgres`
  const engines = [await startAsterisk(), await startAsterisk()] as const
  const answererPort = await freeUdpPort()
  const places = { folder, databaseUrl, engines, answererPort }
  const made = [await makeNode(0, places, fragile), await makeNode(1, places, fragile)] as const
  const nodes = [made[0].node, made[1].node] as const
  await Promise.all(nodes.map((node) => node.start()))
  const token = await fill(nodes[0].url, { hotlines: 2 })
  const holderOf = async (engine: number) => {
    const path = `/api/v1/engines/${engineNames[engine]}/`
    const answer = await askEither(nodes, { token, method: 'GET', path })
    const { node } = (await answer.json()) as { node?: string }
    return node === undefined ? undefined : Number(node.slice('node-'.length))
  }
  await spread(databaseUrl, holderOf)
  return {
    server,
    databaseUrl,
    nodes,
    engines,
    token,
    answererPort,
    waysOf: (node) => made[node]?.ways ?? [],
    holderOf,
    async drain(engine, draining) {
      const path = `/api/v1/engines/${engineNames[engine]}/`
      await askEither(nodes, { token, method: 'PUT', path, body: { draining } })
    },
    async close() {
      await Promise.all(nodes.map((node) => node.stop()))
      await Promise.all(engines.map((asterisk) => asterisk.stop()))
      await Promise.all(made.flatMap(({ ways }) => ways.map((way) => way.close())))
      await server.stop()
      rmSync(folder, { recursive: true })
    },
  }
}
