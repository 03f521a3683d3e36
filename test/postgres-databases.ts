import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { type NetworkProxy, startProxy } from '../failures/proxy.ts'
import type { Database } from '../src/database/database.ts'
import type { Migration } from '../src/database/migrations.ts'
import { openPostgres } from '../src/database/postgres/engine.ts'

/** Asks a server without a word of ours in between. */
export async function administer(url: string, text: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await client.query(text)
  } finally {
    await client.end()
  }
}

export const portOf = (url: string): number => Number(new URL(url).port)

/** Databases, connections and proxies of one test, which `remove` takes away. */
export interface PostgresDatabases {
  /** An empty database, on the common server unless told; answers its URL. */
  create(server?: string): Promise<string>
  open(url: string, migrations: readonly Migration[], connectionsMax?: number): Promise<Database>
  /** The same database by way of a proxy. */
  throughProxy(url: string): Promise<{ proxy: NetworkProxy; url: string }>
  remove(): Promise<void>
}

export function postgresDatabases(): PostgresDatabases {
  const made: { server: string; name: string }[] = []
  const opened: Database[] = []
  const proxies: NetworkProxy[] = []
  return {
    async create(server = inject('postgresUrl')) {
      const name = `pointsman_${randomUUID().replaceAll('-', '')}`
      await administer(`${server}/postgres`, `CREATE DATABASE ${name}`)
      made.push({ server, name })
      return `${server}/${name}`
    },
    async open(url, migrations, connectionsMax = 4) {
      const database = await openPostgres(url, migrations, { connectionsMax })
      opened.push(database)
      return database
    },
    async throughProxy(url) {
      const proxy = await startProxy(portOf(url))
      proxies.push(proxy)
      return { proxy, url: url.replace(`:${portOf(url)}/`, `:${proxy.port}/`) }
    },
    async remove() {
      for (const proxy of proxies) proxy.refuse()
      await Promise.all(opened.map((database) => database.close()))
      await Promise.all(proxies.map((proxy) => proxy.close()))
      for (const { server, name } of made) {
        await administer(`${server}/postgres`, `DROP DATABASE ${name} WITH (FORCE)`)
      }
    },
  }
}
