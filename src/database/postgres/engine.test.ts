import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Link, NetworkProxy } from '../../../failures/proxy.ts'
import {
  administer,
  type PostgresDatabases,
  postgresDatabases,
} from '../../../test/postgres-databases.ts'
import { DatabaseUnavailable } from '../../errors.ts'
import { type Database, sql, type Transaction } from '../database.ts'
import type { Migration } from '../migrations.ts'
import { openSqlite } from '../sqlite/engine.ts'

const items: Migration = {
  version: 1,
  name: 'items',
  sql: 'CREATE TABLE items (name TEXT PRIMARY KEY, number BIGINT NOT NULL, bytes BYTEA) WITHOUT ROWID',
}
const insert = sql('INSERT INTO items (name, number) VALUES (?, ?)')
const add = sql('UPDATE items SET number = number + 1 WHERE name = ?')
const find = sql<{ number: number }>('SELECT number FROM items WHERE name = ?')
const count = sql<{ number: number }>('SELECT count(*) AS number FROM items')
const select = sql<{ name: string; number: number }>('SELECT name, number FROM items ORDER BY name')

let databases: PostgresDatabases
beforeEach(() => {
  databases = postgresDatabases()
})
afterEach(() => databases.remove())

const openItems = (url: string, connectionsMax?: number) =>
  databases.open(url, [items], connectionsMax)

/** Holds everybody until so many have come; who comes later goes on at once. */
function meeting(people: number): () => Promise<void> {
  let missing = people
  const { promise, resolve } = Promise.withResolvers<void>()
  return () => {
    missing -= 1
    if (missing <= 0) resolve()
    return promise
  }
}

describe('writes that meet on PostgreSQL', () => {
  let database: Database
  beforeEach(async () => {
    database = await openItems(await databases.create())
  })

  it('are run again when they cannot both be as if alone, and both hold', async () => {
    const meet = meeting(2)
    let runs = 0
    const addNumbered = (name: string) =>
      database.write(async (transaction) => {
        runs += 1
        const row = await transaction.get(count)
        await meet()
        await transaction.run(insert, name, row?.number ?? -1)
      })
    await Promise.all([addNumbered('a'), addNumbered('b')])
    const numbers = (await database.all(select)).map(({ number }) => number)
    expect(numbers.sort()).toEqual([0, 1])
    expect(runs).toBe(3)
  })

  it('are run again when each waits for the other, and both hold', async () => {
    await database.write(async (transaction) => {
      await transaction.run(insert, 'a', 0)
      await transaction.run(insert, 'b', 0)
    })
    const meet = meeting(2)
    let runs = 0
    const addToBoth = (first: string, second: string) =>
      database.write(async (transaction) => {
        runs += 1
        await transaction.run(add, first)
        await meet()
        await transaction.run(add, second)
      })
    await Promise.all([addToBoth('a', 'b'), addToBoth('b', 'a')])
    expect(await database.all(select)).toEqual([
      { name: 'a', number: 2 },
      { name: 'b', number: 2 },
    ])
    expect(runs).toBeGreaterThan(2)
  })

  it('see at the second run the key that the other took, and refuse in their own words', async () => {
    const meet = meeting(2)
    const take = (number: number) =>
      database.write(async (transaction) => {
        const isTaken = await transaction.get(find, 'a')
        await meet()
        if (isTaken) throw new Error('It is taken.')
        await transaction.run(insert, 'a', number)
      })
    const outcomes = await Promise.allSettled([take(1), take(2)])
    const refusals = outcomes.filter(({ status }) => status === 'rejected')
    expect(refusals).toMatchObject([{ reason: { message: 'It is taken.' } }])
    expect(await database.all(select)).toHaveLength(1)
  })

  it('all get through, however many want the same row', async () => {
    await database.write((transaction) => transaction.run(insert, 'a', 0))
    const read = (transaction: Transaction) => transaction.get(find, 'a')
    const set = sql('UPDATE items SET number = ? WHERE name = ?')
    await Promise.all(
      Array.from({ length: 50 }, () =>
        database.write(async (transaction) => {
          const number = (await read(transaction))?.number ?? 0
          await transaction.run(set, number + 1, 'a')
        }),
      ),
    )
    expect(await database.get(find, 'a')).toEqual({ number: 50 })
  })
})

it('a small table is read by its key, and all of it only by what asks for all', async () => {
  const database = await openItems(await databases.create())
  await database.write(async (transaction) => {
    await transaction.run(insert, 'a', 1)
    await transaction.run(insert, 'b', 1)
    await transaction.filled({ name: 'items', key: ['name'] })
  })
  const planOf = async ({ text }: { text: string }, ...values: string[]) =>
    JSON.stringify(await database.all(sql(`EXPLAIN ${text}`), ...values))
  expect(await planOf(find, 'a')).toMatch(/Index.*items_pkey.*Index Cond/)
  expect(await planOf(add, 'a')).toMatch(/Index.*items_pkey.*Index Cond/)
  expect(await planOf(sql('SELECT bytes FROM items'))).toContain('Seq Scan')
})

describe('a write on PostgreSQL', () => {
  it('cannot run a statement after its end', async () => {
    const database = await openItems(await databases.create())
    let escaped: Transaction | undefined
    await database.write(async (transaction) => {
      escaped = transaction
    })
    await expect(escaped?.run(insert, 'late', 1)).rejects.toThrow('an await is missing')
    await expect(escaped?.get(find, 'late')).rejects.toThrow('an await is missing')
    expect(await database.all(select)).toEqual([])
  })

  it('whose statement failed is an error, also when it goes on without noticing', async () => {
    const database = await openItems(await databases.create())
    const outcome = database.write(async (transaction) => {
      await transaction.run(insert, 'a', 1)
      await transaction.run(insert, 'b', null).catch(() => 0)
    })
    await expect(outcome).rejects.toThrow('A statement failed, and its write went on.')
    expect(await database.all(select)).toEqual([])
  })

  it('runs no statement outside its transaction, even if it cannot begin', async () => {
    const way = await databases.throughProxy(await databases.create())
    const database = await openItems(way.url)
    await database.all(select)
    // What cancels a statement may meet BEGIN. Here the server does not know it as one.
    way.proxy.onRequest = (bytes) => {
      const start = bytes.indexOf('BEGIN ISOLATION')
      if (start >= 0) bytes.write('XXXXX', start)
    }
    const outcomes = await Promise.allSettled([
      database.write((transaction) => transaction.run(insert, 'a', 1)),
      database.write(async (transaction) => {
        await transaction.get(find, 'b')
        await transaction.run(insert, 'b', 1)
      }),
      database.write(async (transaction) => {
        await Promise.all([transaction.get(find, 'c'), transaction.run(insert, 'c', 1)])
      }),
    ])
    for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { code: '42601' } })
    expect(await database.all(select)).toEqual([])
  })

  describe('whose connection is cut', () => {
    let database: Database
    let proxy: NetworkProxy
    let runs: number

    beforeEach(async () => {
      const way = await databases.throughProxy(await databases.create())
      proxy = way.proxy
      database = await openItems(way.url)
      runs = 0
    })

    /** Makes trouble for the connections on which this text is sent, so many times. */
    function troubleAt(text: string, times: number, make: (link: Link) => void): void {
      let left = times
      proxy.onRequest = (bytes, link) => {
        if (left === 0 || !bytes.includes(text)) return
        left -= 1
        make(link)
      }
    }

    const write = () =>
      database.write(async (transaction) => {
        runs += 1
        await transaction.run(insert, 'a', 1)
      })

    it.each(['BEGIN', 'INSERT INTO items'])(
      'once, at %s, is run again and holds once',
      async (text) => {
        troubleAt(text, 1, (link) => link.cut())
        await write()
        expect(runs).toBe(2)
        expect(await database.all(select)).toEqual([{ name: 'a', number: 1 }])
      },
    )

    it('again before COMMIT is unavailable, and nothing of it is there', async () => {
      troubleAt('INSERT INTO items', 2, (link) => link.cut())
      await expect(write()).rejects.toThrow(DatabaseUnavailable)
      expect(runs).toBe(2)
      expect(await database.all(select)).toEqual([])
    })

    it('after COMMIT was sent is unavailable, is not run again, and holds once', async () => {
      troubleAt('COMMIT', 1, (link) => link.cutAtAnswer())
      await expect(write()).rejects.toThrow(DatabaseUnavailable)
      expect(runs).toBe(1)
      expect(await database.all(select)).toEqual([{ name: 'a', number: 1 }])
    })
  })
})

describe('values on PostgreSQL', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'pointsman-postgres-'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('are as on SQLite: numbers, bytes, and texts in the order of their code points', async () => {
    // By UTF-16 units the last two would change places; by most locales all of them.
    const names = ['', 'A', 'B', 'Z', 'a', 'b', 'é', '｡', '😀']
    const bytes = Buffer.from([0, 1, 127, 128, 255])
    const keep = sql('INSERT INTO items (name, number, bytes) VALUES (?, ?, ?)')
    const list = sql<{ name: string }>('SELECT name FROM items ORDER BY name')
    const row = sql("SELECT name, number, bytes FROM items WHERE name = 'é'")
    const sqlite = await openSqlite(join(folder, 'test.db'), [items])
    for (const database of [sqlite, await openItems(await databases.create())]) {
      await database.write(async (transaction) => {
        for (const name of names.toReversed()) {
          await transaction.run(keep, name, Number.MAX_SAFE_INTEGER, bytes)
        }
      })
      expect((await database.all(list)).map(({ name }) => name)).toEqual(names)
      const kept = { name: 'é', number: Number.MAX_SAFE_INTEGER, bytes }
      expect(await database.get(row)).toEqual(kept)
      expect(await database.get(count)).toEqual({ number: names.length })
    }
    await sqlite.close()
  })
})

describe('a migration on PostgreSQL', () => {
  const more: Migration = { version: 2, name: 'more', sql: 'CREATE TABLE more (id INTEGER)' }
  const broken: Migration = {
    version: 3,
    name: 'broken',
    sql: 'CREATE TABLE half (id INTEGER); DELETE FROM items; CREATE TABLE half (id INTEGER)',
  }
  const tables = `SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'
    ORDER BY table_name`

  it('is done once when several nodes start at once on an empty database', async () => {
    const url = await databases.create()
    await Promise.all(Array.from({ length: 5 }, () => openItems(url)))
    const { rows } = await administer(url, 'SELECT version, name FROM schema_versions')
    expect(rows).toEqual([{ version: 1, name: 'items' }])
  })

  it('of which the server’s default isolation would show too old a state is still done once', async () => {
    const url = await databases.create()
    const name = new URL(url).pathname.slice(1)
    await administer(url, `ALTER DATABASE ${name} SET default_transaction_isolation = serializable`)
    await Promise.all(Array.from({ length: 5 }, () => openItems(url)))
    const { rows } = await administer(url, 'SELECT version FROM schema_versions')
    expect(rows).toEqual([{ version: 1 }])
  })

  it('that fails half-way leaves nothing of its start, and the earlier state still opens', async () => {
    const url = await databases.create()
    const database = await openItems(url)
    await database.write((transaction) => transaction.run(insert, 'kept', 1))
    const start = databases.open(url, [items, more, broken])
    await expect(start).rejects.toThrow('migration 3, broken: relation "half" already exists')
    const { rows } = await administer(url, tables)
    expect(rows).toEqual([{ table_name: 'items' }, { table_name: 'schema_versions' }])
    expect(await (await openItems(url)).all(select)).toEqual([{ name: 'kept', number: 1 }])
  })

  it('of a newer program stops the start in words', async () => {
    const url = await databases.create()
    await databases.open(url, [items, more])
    await expect(openItems(url)).rejects.toThrow(
      'The database has schema 2, this program knows 1: start a newer Pointsman.',
    )
  })

  it('of a node whose network dies keeps no other one from starting', async () => {
    const url = await databases.create()
    await openItems(url)
    const { proxy, url: throughProxy } = await databases.throughProxy(url)
    const slow = { ...more, sql: `SELECT pg_sleep(1); ${more.sql}` }
    const dying = databases.open(throughProxy, [items, slow]).catch((error: Error) => error)
    const locks = `SELECT count(*)::int AS count FROM pg_locks
      JOIN pg_database ON pg_database.oid = pg_locks.database
      WHERE locktype = 'advisory' AND datname = current_database()`
    while ((await administer(url, locks)).rows[0].count === 0);
    proxy.swallow()
    await databases.open(url, [items, more])
    const { rows } = await administer(url, 'SELECT version FROM schema_versions ORDER BY version')
    expect(rows).toEqual([{ version: 1 }, { version: 2 }])
    await proxy.close()
    expect(await dying).toBeInstanceOf(Error)
  })

  it('without a server to reach stops the start in words', async () => {
    const { proxy, url } = await databases.throughProxy(await databases.create())
    proxy.refuse()
    await expect(openItems(url)).rejects.toThrow(
      'No PostgreSQL host of the database URL answers as a primary: ',
    )
  })
})
