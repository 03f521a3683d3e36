import { execFile } from 'node:child_process'
import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ItemsFile, insert, items, select } from '../../../test/items-file.ts'
import { DatabaseUnavailable } from '../../errors.ts'
import { sql, type Transaction } from '../database.ts'
import type { Migration } from '../migrations.ts'
import { verifyPragmas } from './connection.ts'
import { openSqlite } from './engine.ts'

const find = sql<{ name: string }>('SELECT name FROM items WHERE name = ?')

let file: ItemsFile
beforeEach(() => {
  file = new ItemsFile()
})
afterEach(() => file.remove())

describe('a SQLite file', () => {
  beforeEach(() => file.open([items]))
  afterEach(() => file.close())

  it('runs with WAL, synchronous=FULL and foreign keys on the writing and the reading connection', async () => {
    const pragmas = {
      journal_mode: { journal_mode: 'wal' },
      synchronous: { synchronous: 2 },
      foreign_keys: { foreign_keys: 1 },
    }
    for (const [name, row] of Object.entries(pragmas)) {
      const statement = sql(`PRAGMA ${name}`)
      expect(await file.database.get(statement)).toEqual(row)
      expect(await file.database.write((transaction) => transaction.get(statement))).toEqual(row)
    }
  })

  it.each([
    ['synchronous', 'NORMAL'],
    ['foreign_keys', 'OFF'],
    ['journal_mode', 'DELETE'],
  ])('is refused when a connection runs with %s = %s', (name, value) => {
    const connection = new Sqlite(join(file.folder, 'other.db'))
    connection.pragma('journal_mode = WAL')
    connection.pragma('synchronous = FULL')
    connection.pragma('foreign_keys = ON')
    expect(() => verifyPragmas(connection)).not.toThrow()
    connection.pragma(`${name} = ${value}`)
    expect(() => verifyPragmas(connection)).toThrow(name)
    connection.close()
  })

  it('cannot be written through the reading connection', async () => {
    await expect(file.database.all(sql('DELETE FROM items RETURNING name'))).rejects.toMatchObject({
      cause: { code: 'SQLITE_READONLY' },
    })
  })

  it('tells its size in bytes', async () => {
    const before = await file.database.size()
    await file.add('x'.repeat(100_000))
    expect(await file.database.size()).toBeGreaterThanOrEqual(before + 100_000)
  })
})

describe('a write', () => {
  beforeEach(() => file.open([items], { busyTimeoutMilliseconds: 0 }))
  afterEach(() => file.close())

  it('is answered after its flush: another process sees it by then', async () => {
    await file.add('a')
    expect(file.flushed()).toEqual(['a'])
  })

  it('shares one commit with all that wait, and no more than the bound allows', async () => {
    await Promise.all(Array.from({ length: 50 }, (_, index) => file.add(`${index}`)))
    expect(file.commits).toEqual([50])
    await file.close()
    await file.open([items], { writesPerCommitMax: 20 })
    await Promise.all(Array.from({ length: 50 }, (_, index) => file.add(`more ${index}`)))
    expect(file.commits).toEqual([50, 20, 20, 10])
  })

  it('sees its own changes, and no read sees them before the flush', async () => {
    await file.database.write(async (transaction) => {
      await transaction.run(insert, 'a', null)
      expect(await transaction.get(find, 'a')).toEqual({ name: 'a' })
      expect(await file.database.get(find, 'a')).toBeUndefined()
    })
    expect(await file.database.get(find, 'a')).toEqual({ name: 'a' })
  })

  it('that fails leaves nothing of itself and does its neighbours in the same commit no harm', async () => {
    const outcomes = await Promise.allSettled([
      file.add('a'),
      file.database.write(async (transaction) => {
        await transaction.run(insert, 'half', null)
        throw new Error('changed its mind')
      }),
      file.add('orphan', 'nobody'),
      file.add('b', 'a'),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'rejected',
      'fulfilled',
    ])
    expect(file.commits).toEqual([4])
    expect(file.flushed()).toEqual(['a', 'b'])
  })

  it('that refuses is answered after the flush of what it may rest on', async () => {
    const seen: string[][] = []
    const first = file.add('a')
    const refusal = file.database
      .write(async (transaction) => {
        expect(await transaction.get(find, 'a')).toBeDefined()
        throw new Error('a is taken')
      })
      .catch(() => seen.push(file.flushed()))
    await Promise.all([first, refusal, file.add('b')])
    expect(file.commits).toEqual([3])
    expect(seen).toEqual([['a', 'b']])
  })

  it('cannot run a statement after its end', async () => {
    let escaped: Transaction | undefined
    await file.database.write(async (transaction) => {
      escaped = transaction
    })
    await expect(escaped?.run(insert, 'late', null)).rejects.toThrow('an await is missing')
    await expect(escaped?.get(find, 'late')).rejects.toThrow('an await is missing')
    expect(file.flushed()).toEqual([])
  })

  it('is unavailable, with all of its commit, while another process holds the lock', async () => {
    file.outsider.exec('BEGIN IMMEDIATE')
    const outcomes = await Promise.allSettled([file.add('a'), file.add('b')])
    file.outsider.exec('ROLLBACK')
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ reason: expect.any(DatabaseUnavailable) })
    }
    expect(file.commits).toEqual([])
    await file.add('c')
    expect(file.flushed()).toEqual(['c'])
  })

  const limit = (pages: number) =>
    file.database.write((transaction) => transaction.get(sql(`PRAGMA max_page_count = ${pages}`)))
  const tooLarge = 'x'.repeat(100_000)

  it.each<[string, () => Promise<unknown>]>([
    ['a write too many', () => file.add(tooLarge)],
    [
      'one that does not notice and goes on',
      () =>
        file.database.write(async (transaction) => {
          await transaction.run(insert, tooLarge, null).catch(() => 0)
          await transaction.run(insert, 'alone', null)
        }),
    ],
  ])('is unavailable, with all of its commit, when the disk is full: %s', async (_, fill) => {
    await limit(10)
    const outcomes = await Promise.allSettled([file.add('a'), fill(), file.add('b')])
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ reason: expect.any(DatabaseUnavailable) })
    }
    expect(file.flushed()).toEqual([])
    await limit(100_000)
    await file.add(tooLarge)
    expect(file.flushed()).toEqual([tooLarge])
  })

  it('is unavailable, with all of its commit, when the commit itself fails', async () => {
    const refused = new Error('refused')
    const outcomes = await Promise.allSettled([
      file.add('a'),
      file.database.write(async (transaction) => {
        await transaction.run(sql('PRAGMA defer_foreign_keys = ON'))
        await transaction.run(insert, 'orphan', 'nobody')
      }),
      file.database.write(async () => {
        throw refused
      }),
    ])
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ reason: expect.any(DatabaseUnavailable) })
    }
    expect(file.flushed()).toEqual([])
    await file.add('b')
    expect(file.flushed()).toEqual(['b'])
  })

  it('that waits when the database closes is still done', async () => {
    const waiting = [file.add('a'), file.add('b')]
    await file.database.close()
    await Promise.all(waiting)
    expect(file.flushed()).toEqual(['a', 'b'])
    await file.open([items])
  })
})

describe('a write of many statements', () => {
  beforeEach(() => file.open([items], { turnMilliseconds: 0 }))
  afterEach(() => file.close())

  /** Adds many rows one by one; `onStep` is told before each. */
  const addMany = (onStep: (step: number) => void = () => {}) =>
    file.database.write(async (transaction) => {
      for (let step = 0; step < 100; step += 1) {
        onStep(step)
        await transaction.run(insert, `many ${step}`, null)
      }
    })

  it('lets reads have their turns between its statements, which see what was before it', async () => {
    await file.add('before')
    const events: string[] = []
    const write = addMany((step) => events.push(`step ${step}`)).then(() => events.push('end'))
    for (let reads = 0; reads < 20; reads += 1) {
      await new Promise((resolve) => setImmediate(resolve))
      expect(await file.database.all(select)).toEqual([{ name: 'before' }])
      events.push('read')
    }
    await write
    expect(events.lastIndexOf('read')).toBeLessThan(events.indexOf('end'))
    expect(events.indexOf('read')).toBeLessThan(events.indexOf('step 50'))
    expect(await file.database.all(select)).toHaveLength(101)
  })

  it('is answered before its pages are copied from the log into the file, which takes a turn of its own', async () => {
    const size = () => statSync(file.path).size
    const before = size()
    await file.database.write(async (transaction) => {
      for (let step = 0; step < 100; step += 1) {
        await transaction.run(insert, `${step}${'x'.repeat(50_000)}`, null)
      }
    })
    expect(file.flushed()).toHaveLength(100)
    expect(size()).toBe(before)
    await file.add('next')
    expect(size()).toBeGreaterThan(before + 100 * 50_000)
  })

  it('lets no other write in between, and leaves nothing when it fails in the middle', async () => {
    const failed = addMany((step) => {
      if (step === 60) throw new Error('changed its mind')
    })
    const order: string[] = []
    const other = file.database.write(async (transaction) => {
      order.push('other')
      expect(await transaction.all(select)).toEqual([])
    })
    await expect(failed.finally(() => order.push('failed'))).rejects.toThrow('changed its mind')
    await other
    expect(await file.database.all(select)).toEqual([])
    await Promise.all([
      addMany((step) => {
        if (step === 99) order.push('last step')
      }),
      file.database.write(async () => {
        order.push('next')
      }),
    ])
    expect(order.slice(-2)).toEqual(['last step', 'next'])
    expect(await file.database.all(select)).toHaveLength(100)
  })
})

describe('a migration', () => {
  const broken: Migration = {
    version: 3,
    name: 'broken',
    sql: 'CREATE TABLE half (id INTEGER); INSERT INTO items (name) VALUES (1); CREATE TABLE half (id INTEGER)',
  }
  const more: Migration = { version: 2, name: 'more', sql: 'CREATE TABLE more (id INTEGER)' }

  it('that fails half-way leaves nothing of its start, and the earlier state still opens', async () => {
    await file.open([items])
    await file.add('kept')
    await file.close()
    await expect(openSqlite(file.path, [items, more, broken])).rejects.toThrow(
      `The database ${file.path} cannot be opened: migration 3, broken: table half already exists`,
    )
    await file.open([items])
    const tables = file.outsider
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
      .all()
    expect(tables).toEqual([{ name: 'schema_versions' }, { name: 'items' }])
    expect(file.flushed()).toEqual(['kept'])
    await file.close()
  })

  it('runs once, however often the program starts', async () => {
    for (let start = 0; start < 3; start += 1) {
      await file.open([items, more])
      const versions = file.outsider.prepare('SELECT version, name FROM schema_versions').all()
      expect(versions).toEqual([
        { version: 1, name: 'items' },
        { version: 2, name: 'more' },
      ])
      await file.close()
    }
  })

  it('of a newer program stops the start in words', async () => {
    await file.open([items, more])
    await file.close()
    await expect(openSqlite(file.path, [items])).rejects.toThrow(
      'The database has schema 2, this program knows 1: start a newer Pointsman.',
    )
  })

  it('runs once when several processes start at once', async () => {
    const program = `
      import { openSqlite } from ${JSON.stringify(new URL('engine.ts', import.meta.url).href)}
      import { loadMigrations } from ${JSON.stringify(new URL('../migrations.ts', import.meta.url).href)}
      const migrations = loadMigrations()
      const [start, ...paths] = process.argv.slice(1)
      for (const [index, path] of paths.entries()) {
        while (Date.now() < Number(start) + index * 100);
        await (await openSqlite(path, migrations)).close()
      }`
    // Starting at one instant, many times, is what makes them meet; which of them is first decides nothing.
    const paths = Array.from({ length: 20 }, (_, index) => join(file.folder, `${index}.db`))
    const run = promisify(execFile)
    const start = Date.now() + 1_000
    const starts = Array.from({ length: 3 }, () =>
      run(process.execPath, ['--input-type=module', '-e', program, String(start), ...paths]),
    )
    await Promise.all(starts)
    for (const file of paths) {
      const connection = new Sqlite(file)
      const numbers = connection.prepare(
        'SELECT count(*) AS n, max(version) AS last FROM schema_versions',
      )
      const { n, last } = numbers.get() as { n: number; last: number }
      expect(n).toBeGreaterThan(0)
      expect(n).toBe(last)
      connection.close()
    }
  })
})

describe('a file that cannot be a database', () => {
  it('is refused in one line that names it', async () => {
    writeFileSync(file.path, 'This is a letter, not a database. '.repeat(100))
    await expect(openSqlite(file.path, [items])).rejects.toThrow(
      `The database ${file.path} cannot be opened: file is not a database`,
    )
  })

  it('nor can a folder that cannot be made', async () => {
    writeFileSync(file.path, '')
    const within = join(file.path, 'test.db')
    await expect(openSqlite(within, [items])).rejects.toThrow(
      `The database ${within} cannot be opened: `,
    )
  })
})
