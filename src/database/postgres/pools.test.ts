import { chownSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  administer,
  type PostgresDatabases,
  portOf,
  postgresDatabases,
} from '../../../test/postgres-databases.ts'
import { type PostgresServer, startPostgres } from '../../../test/postgres-server.ts'
import { DatabaseUnavailable } from '../../errors.ts'
import { sql } from '../database.ts'
import type { Migration } from '../migrations.ts'
import { openPostgres } from './engine.ts'
import { createLine } from './line.ts'
import { splitHosts } from './pools.ts'

const items: Migration = {
  version: 1,
  name: 'items',
  sql: 'CREATE TABLE items (name TEXT PRIMARY KEY, number BIGINT NOT NULL) WITHOUT ROWID',
}
const insert = sql('INSERT INTO items (name, number) VALUES (?, ?)')
const select = sql<{ name: string; number: number }>('SELECT name, number FROM items ORDER BY name')
const sleep = sql('SELECT pg_sleep(20)')

let databases: PostgresDatabases
beforeEach(() => {
  databases = postgresDatabases()
})
afterEach(() => databases.remove())

const openItems = (url: string, connectionsMax?: number) =>
  databases.open(url, [items], connectionsMax)

const unavailable = { reason: expect.any(DatabaseUnavailable) }

describe('connections to PostgreSQL', () => {
  it('flush what they acknowledge, whatever the server’s default is', async () => {
    const url = await databases.create()
    const name = new URL(url).pathname.slice(1)
    const show = sql<{ synchronous_commit: string }>('SHOW synchronous_commit')
    for (const [given, used] of [
      ['off', 'on'],
      ['local', 'on'],
      ['on', 'on'],
      ['remote_apply', 'remote_apply'],
    ]) {
      await administer(url, `ALTER DATABASE ${name} SET synchronous_commit = '${given}'`)
      const database = await openItems(url)
      expect(await database.get(show)).toEqual({ synchronous_commit: used })
    }
  })

  it('are kept for reads while writes hold theirs', async () => {
    const database = await openItems(await databases.create(), 2)
    const { promise: done, resolve: finish } = Promise.withResolvers<void>()
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const write = database.write(async (transaction) => {
      await transaction.run(insert, 'a', 1)
      begin()
      await done
    })
    await begun
    const waiting = database.write((transaction) => transaction.run(insert, 'b', 1))
    expect(await database.all(select)).toEqual([])
    finish()
    await Promise.all([write, waiting])
    expect(await database.all(select)).toHaveLength(2)
  })

  it('are replaced when all were ended while idle: the next read and write notice nothing', async () => {
    const url = await databases.create()
    const database = await openItems(url)
    const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'pointsman'`
    await Promise.all(Array.from({ length: 4 }, () => database.all(select)))
    await administer(url, end)
    expect(await database.all(select)).toEqual([])
    await administer(url, end)
    await database.write((transaction) => transaction.run(insert, 'a', 1))
    expect(await database.all(select)).toHaveLength(1)
  })

  it('answer unavailable when a statement takes too long, and serve the next', async () => {
    const database = await openItems(`${await databases.create()}?statement_timeout=50`)
    await expect(database.get(sleep)).rejects.toMatchObject({
      name: 'DatabaseUnavailable',
      cause: { code: '57014' },
    })
    const write = database.write((transaction) => transaction.get(sleep))
    await expect(write).rejects.toThrow(DatabaseUnavailable)
    expect(await database.all(select)).toEqual([])
  })

  it('do not wait without end for a network that swallows everything, and recover from it', async () => {
    const way = await databases.throughProxy(await databases.create())
    const database = await openItems(`${way.url}?query_timeout=200`)
    await Promise.all(Array.from({ length: 4 }, () => database.all(select)))
    way.proxy.swallow()
    const write = () => database.write((transaction) => transaction.run(insert, 'a', 1))
    const read = () => database.all(select)
    // The first finds the old connection dead, the second finds no new one.
    for (const outcome of await Promise.allSettled([write(), read()])) {
      expect(outcome).toMatchObject(unavailable)
    }
    for (const outcome of await Promise.allSettled([write(), read()])) {
      expect(outcome).toMatchObject(unavailable)
    }
    way.proxy.heal()
    await write()
    expect(await read()).toHaveLength(1)
  })
})

describe('a line of requests that wait for a connection', () => {
  it('lets so many go at once and the others in the order in which they came', async () => {
    const line = createLine(2, 10_000)
    const order: number[] = []
    const leaves = await Promise.all([line(), line()])
    const others = [1, 2, 3].map(async (number) => {
      const leave = await line()
      order.push(number)
      leave()
    })
    await Promise.resolve()
    expect(order).toEqual([])
    for (const leave of leaves) leave()
    await Promise.all(others)
    expect(order).toEqual([1, 2, 3])
  })

  it('tells who waited too long that the database is unavailable, and loses no turn by it', async () => {
    const line = createLine(1, 10)
    const leave = await line()
    await expect(line()).rejects.toThrow(DatabaseUnavailable)
    leave()
    const next = await line()
    await expect(line()).rejects.toThrow(DatabaseUnavailable)
    next()
  })

  it('has an end: whoever comes while a thousand wait is told at once', async () => {
    const line = createLine(1, 10_000)
    const leave = await line()
    const waiting = Array.from({ length: 1_000 }, async () => (await line())())
    await expect(line()).rejects.toMatchObject({
      cause: { message: '1000 wait for a connection already.' },
    })
    leave()
    await Promise.all(waiting)
  })
})

describe('the hosts of a URL', () => {
  it.each([
    ['postgres://db/name', ['postgres://db/name']],
    [
      'postgres://me:secret@one:5001,two:5002/name?sslmode=require',
      [
        'postgres://me:secret@one:5001/name?sslmode=require',
        'postgres://me:secret@two:5002/name?sslmode=require',
      ],
    ],
    [
      'postgresql://one,two,three:5433',
      ['postgresql://one', 'postgresql://two', 'postgresql://three:5433'],
    ],
    [
      'postgres://me@[::1]:5001,[::2]/name',
      ['postgres://me@[::1]:5001/name', 'postgres://me@[::2]/name'],
    ],
    ['postgres:///name?host=/run/postgresql', ['postgres:///name?host=/run/postgresql']],
    ['postgres://a,b:c,d@one,two/x', ['postgres://a,b:c,d@one/x', 'postgres://a,b:c,d@two/x']],
  ])('%s are %j', (url, hosts) => {
    expect(splitHosts(url)).toEqual(hosts)
  })
})

describe('a PostgreSQL server of our own', () => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(() => server.stop())

  /** Until the query answers a row. */
  async function until(url: string, query: string): Promise<Record<string, unknown>> {
    for (;;) {
      const { rows } = await administer(url, query)
      if (rows[0]) return rows[0]
    }
  }

  it('does not acknowledge a write that its standbys do not have', async () => {
    const url = await databases.create(server.url)
    const database = await openItems(url)
    await administer(url, "ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    await administer(url, 'SELECT pg_reload_conf()')
    await until(url, "SELECT 1 WHERE current_setting('synchronous_standby_names') = 'nobody'")
    let runs = 0
    const write = database.write((transaction) => {
      runs += 1
      return transaction.run(insert, 'a', 1)
    })
    const outcome = expect(write).rejects.toThrow(DatabaseUnavailable)
    const waiting = `SELECT pid FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event = 'SyncRep'`
    const { pid } = await until(url, waiting)
    await administer(url, `SELECT pg_cancel_backend(${pid})`)
    await outcome
    expect(runs).toBe(1)
    await administer(url, 'ALTER SYSTEM RESET synchronous_standby_names')
    await administer(url, 'SELECT pg_reload_conf()')
  })

  it('is passed over while it is a standby, and used once it is the primary', async () => {
    const url = await databases.create()
    const name = new URL(url).pathname.slice(1)
    await administer(`${server.url}/postgres`, `CREATE DATABASE ${name}`)
    // Nobody stays connected: a server that stops waits for none.
    await (await openPostgres(`${server.url}/${name}`, [items], { connectionsMax: 2 })).close()

    const { rows } = await administer(`${server.url}/${name}`, 'SHOW data_directory')
    const signal = join(rows[0].data_directory, 'standby.signal')
    writeFileSync(signal, '')
    const { uid, gid } = statSync(rows[0].data_directory)
    chownSync(signal, uid, gid)
    await server.restart('fast')

    const { proxy } = await databases.throughProxy(url)
    const hosts = `127.0.0.1:${portOf(server.url)},127.0.0.1:${proxy.port}`
    const database = await openItems(`postgres://postgres@${hosts}/${name}`)
    const write = (item: string) =>
      database.write((transaction) => transaction.run(insert, item, 1))
    await write('a')
    expect((await administer(url, 'SELECT name FROM items')).rows).toEqual([{ name: 'a' }])

    proxy.refuse()
    await expect(write('b')).rejects.toThrow(DatabaseUnavailable)
    await expect(database.all(select)).rejects.toThrow(DatabaseUnavailable)
    await administer(`${server.url}/postgres`, 'SELECT pg_promote()')
    await write('c')
    expect(await database.all(select)).toEqual([{ name: 'c', number: 1 }])
  })
})
