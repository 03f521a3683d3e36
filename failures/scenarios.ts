import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { openDatabase } from '../src/database/open.ts'
import { freePort, type PostgresServer, startPostgres } from '../test/postgres-server.ts'
import { furnish, type Load, startLoad } from './load.ts'
import { createNode, type Node } from './node.ts'
import { judge, type Verdict } from './verdict.ts'

/** Two nodes on one PostgreSQL, under load. */
interface Stage {
  nodes: readonly [Node, Node]
  server: PostgresServer
  load: Load
  /** Waits until this many more writes were acknowledged. */
  progress(writes: number): Promise<void>
}

export interface Scenario {
  name: string
  /** Makes the trouble once. */
  strike(stage: Stage): Promise<void>
}

/** A service that takes longer than this to come back does not come back by itself. */
const recoverySecondsMax = 90

async function cutConnections({ server }: Stage): Promise<void> {
  const client = new pg.Client({ connectionString: `${server.url}/postgres` })
  await client.connect()
  await client.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pointsman'`,
  )
  await client.end()
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'a node is killed',
    async strike({ nodes: [first], progress }) {
      await first.kill()
      await progress(100)
      await first.start()
    },
  },
  { name: 'PostgreSQL restarts', strike: ({ server }) => server.restart('fast') },
  { name: 'PostgreSQL is killed', strike: ({ server }) => server.restart('kill') },
  { name: 'all connections are cut', strike: cutConnections },
]

/**
 * Runs a scenario on a fresh server and tells what became of the writes.
 *
 * @param options `strikes` times the trouble is made, with `writes` acknowledged before each and after the last.
 */
export async function play(
  { name, strike }: Scenario,
  options: { clients: number; strikes: number; writes: number },
): Promise<Verdict> {
  const server = await startPostgres()
  const databaseUrl = `${server.url}/postgres`
  const nodes = [
    createNode(databaseUrl, await freePort()),
    createNode(databaseUrl, await freePort()),
  ] as const
  try {
    // At once, on an empty database: one migrates, the other waits.
    await Promise.all(nodes.map((node) => node.start()))
    const token = await furnish(nodes[0].url, options.clients)
    const load = startLoad(
      nodes.map(({ url }) => url),
      token,
      options.clients,
    )
    const progress = async (writes: number) => {
      const goal = load.acknowledged() + writes
      while (load.acknowledged() < goal) {
        if (load.secondsWithoutService() > recoverySecondsMax)
          throw new Error(`${name}: no recovery.`)
        await delay(20)
      }
    }
    for (let count = 0; count < options.strikes; count += 1) {
      await progress(options.writes)
      await strike({ nodes, server, load, progress })
    }
    await progress(options.writes)
    await load.stop()
    const database = await openDatabase(databaseUrl)
    const verdict = await judge(name, database, load)
    await database.close()
    for (const surprise of new Set(load.surprises)) process.stderr.write(`${name}: ${surprise}\n`)
    return verdict
  } finally {
    await Promise.all(nodes.map((node) => node.stop()))
    await server.stop()
  }
}
