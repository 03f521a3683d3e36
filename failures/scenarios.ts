import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { type PostgresServer, startPostgres } from '../test/postgres-server.ts'
import { installPatroni } from './patroni.ts'
import type { Installation, Scenario, Stage } from './play.ts'
import { startProxy } from './proxy.ts'

type Strike = (server: PostgresServer, stage: Stage) => Promise<void>

/** A scenario with one PostgreSQL server. */
function onOneServer(name: string, strike: Strike): Scenario {
  return {
    name,
    async install(): Promise<Installation> {
      const server = await startPostgres()
      return {
        databaseUrl: `${server.url}/postgres`,
        strike: (stage) => strike(server, stage),
        stop: () => server.stop(),
      }
    },
  }
}

async function cutConnections({ url }: PostgresServer): Promise<void> {
  const client = new pg.Client({ connectionString: `${url}/postgres` })
  await client.connect()
  await client.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pointsman'`,
  )
  await client.end()
}

/** Milliseconds: longer than a node waits for any answer, so that its every connection is found dead. */
const silence = 15_000

/** A scenario with one server behind a network that swallows whatever is sent, and forgets the connections it had. */
async function installSwallowing(): Promise<Installation> {
  const server = await startPostgres()
  const proxy = await startProxy(Number(new URL(server.url).port))
  return {
    databaseUrl: `postgres://postgres@127.0.0.1:${proxy.port}/postgres`,
    async strike() {
      proxy.swallow()
      await delay(silence)
      proxy.heal()
    },
    async stop() {
      await proxy.close()
      await server.stop()
    },
  }
}

export const scenarios: readonly Scenario[] = [
  onOneServer('a node is killed', async (_, { nodes: [first], progress }) => {
    await first.kill()
    await progress(100)
    await first.start()
  }),
  onOneServer('PostgreSQL restarts', (server) => server.restart('fast')),
  onOneServer('PostgreSQL is killed', (server) => server.restart('kill')),
  onOneServer('all connections are cut', cutConnections),
  { name: 'the network swallows everything for 15 s', install: installSwallowing },
  { name: 'the primary is killed and a standby takes over (Patroni)', install: installPatroni },
]
