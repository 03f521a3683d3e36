import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type OtherProcess, startOtherProcess } from '../../../test/other-process.ts'
import { DatabaseUnavailable } from '../../errors.ts'
import { type Database, sql } from '../database.ts'
import type { Migration } from '../migrations.ts'
import { openSqlite, type SqliteOptions } from './engine.ts'

const items: Migration = {
  version: 1,
  name: 'items',
  sql: 'CREATE TABLE items (name TEXT PRIMARY KEY, parent TEXT REFERENCES items (name))',
}

const insert = sql('INSERT INTO items (name, parent) VALUES (?, ?)')
const select = sql<{ name: string }>('SELECT name FROM items ORDER BY name')

let folder: string
let path: string
let database: Database
let outsider: Sqlite.Database
let commits: number[]

async function open(migrations: readonly Migration[], options: SqliteOptions = {}) {
  database = await openSqlite(path, migrations, options)
  database.onCommit((writes) => commits.push(writes))
  outsider = new Sqlite(path, { timeout: 0 })
}

async function close() {
  outsider.close()
  await database.close()
}

/** What another process sees in the file. */
function flushed(): string[] {
  return outsider
    .prepare<[], { name: string }>(select.text)
    .all()
    .map(({ name }) => name)
}

function add(name: string, parent: string | null = null): Promise<number> {
  return database.write((transaction) => transaction.run(insert, name, parent))
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pointsman-sqlite-'))
  path = join(folder, 'test.db')
  commits = []
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('while another process holds the lock', () => {
  let other: OtherProcess

  async function openLocked(options: SqliteOptions = {}) {
    await open([items], options)
    await add('before')
    other = await startOtherProcess(path, 'BEGIN IMMEDIATE')
  }
  afterEach(async () => {
    await other.end()
    await close()
  })

  it('the thread goes on, reads are answered, and writes are done in their order after it', async () => {
    await openLocked({ writesPerCommitMax: 2 })
    const events: string[] = []
    const writes = ['a', 'b', 'c', 'd', 'e'].map((name) =>
      database.write(async (transaction) => {
        await transaction.run(insert, name, null)
        events.push(name)
      }),
    )
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await database.all(select)).toEqual([{ name: 'before' }])
    await database.verify()
    events.push('read')
    await other.end()
    await Promise.all(writes)
    expect(events).toEqual(['read', 'a', 'b', 'c', 'd', 'e'])
    expect(commits).toEqual([1, 2, 2, 1])
  })

  it('writes that waited too long are refused, whole, and later ones done', async () => {
    await openLocked({ busyTimeoutMilliseconds: 100 })
    const outcomes = await Promise.allSettled([add('a'), add('b')])
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ reason: expect.any(DatabaseUnavailable) })
    }
    await other.end()
    await add('c')
    expect(flushed()).toEqual(['before', 'c'])
  })

  it('each write waits as long as the others, whoever came before it', async () => {
    await openLocked({ busyTimeoutMilliseconds: 300, writesPerCommitMax: 1 })
    const start = performance.now()
    const waits = Array.from({ length: 20 }, async (_, index) => {
      await expect(add(`${index}`)).rejects.toThrow(DatabaseUnavailable)
      return performance.now() - start
    })
    expect(Math.max(...(await Promise.all(waits)))).toBeLessThan(3_000)
  })

  it('no more writes wait than the bound allows; the others are refused at once', async () => {
    await openLocked({ writesWaitingMax: 3 })
    const events: string[] = []
    const writes = ['a', 'b', 'c', 'd', 'e'].map((name) =>
      add(name).then(
        () => events.push(`${name} done`),
        (error) => events.push(`${name} ${error.cause.message}`),
      ),
    )
    await Promise.all(writes.slice(3))
    await other.end()
    await Promise.all(writes)
    const refused = '3 writes wait already.'
    expect(events).toEqual([`d ${refused}`, `e ${refused}`, 'a done', 'b done', 'c done'])
    expect(flushed()).toEqual(['a', 'b', 'before', 'c'])
  })
})

it('a start on a file that another process has for itself waits for it, and the thread goes on', async () => {
  await open([items])
  await add('before')
  await close()
  const other = await startOtherProcess(path, 'PRAGMA locking_mode = EXCLUSIVE', 'BEGIN EXCLUSIVE')
  await expect(openSqlite(path, [items], { busyTimeoutMilliseconds: 50 })).rejects.toThrow(
    `The database ${path} cannot be opened: database is locked`,
  )
  const events: string[] = []
  const opening = openSqlite(path, [items], { busyTimeoutMilliseconds: 30_000 }).then((opened) => {
    events.push('opened')
    return opened
  })
  await new Promise((resolve) => setTimeout(resolve, 50))
  events.push('thread')
  await other.end()
  database = await opening
  expect(events).toEqual(['thread', 'opened'])
  expect(await database.all(select)).toEqual([{ name: 'before' }])
  await database.close()
})

describe('a file that is not at its place any more', () => {
  beforeEach(() => open([items]))
  afterEach(close)

  const removeAll = () => {
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix)
  }

  const losses: [string, () => void, RegExp][] = [
    ['the database is removed', () => rmSync(path), /test\.db is gone from its place/],
    ['all is removed', removeAll, /test\.db is gone/],
    ['the log is removed', () => rmSync(`${path}-wal`), /test\.db-wal is gone/],
    ['the index of the log is removed', () => rmSync(`${path}-shm`), /test\.db-shm is gone/],
    [
      'another is put in its place',
      () => {
        copyFileSync(path, `${path}.backup`)
        renameSync(`${path}.backup`, path)
      },
      /test\.db is not the file that is open/,
    ],
    [
      'its name leads elsewhere',
      () => {
        renameSync(path, `${path}.old`)
        copyFileSync(`${path}.old`, `${path}.new`)
        symlinkSync(`${path}.new`, path)
      },
      /test\.db is not the file that is open/,
    ],
  ]

  it.each(losses)('takes no write, and reads go on: %s', async (_, lose, reason) => {
    await add('before')
    lose()
    const outcomes = await Promise.allSettled([add('a'), add('b')])
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ reason: expect.any(DatabaseUnavailable) })
      expect(outcome).toHaveProperty('reason.cause.message', expect.stringMatching(reason))
    }
    await expect(database.verify()).rejects.toMatchObject({
      cause: { message: expect.stringMatching(reason) },
    })
    await expect(database.snapshot((reader) => reader.all(select))).rejects.toThrow(
      DatabaseUnavailable,
    )
    expect(await database.all(select)).toEqual([{ name: 'before' }])
    expect(commits).toEqual([1])
  })

  it('takes writes again when it is back', async () => {
    await add('before')
    const elsewhere = `${folder}-elsewhere`
    renameSync(folder, elsewhere)
    await expect(add('a')).rejects.toThrow(DatabaseUnavailable)
    mkdirSync(folder)
    await expect(add('b')).rejects.toThrow(DatabaseUnavailable)
    rmSync(folder, { recursive: true })
    renameSync(elsewhere, folder)
    await database.verify()
    await add('c')
    expect(flushed()).toEqual(['before', 'c'])
  })

  it('loses nothing that was acknowledged when only its log is removed and the program then closes it', async () => {
    for (let index = 0; index < 20; index += 1) await add(`${index}`)
    outsider.close()
    rmSync(`${path}-wal`)
    await expect(add('late')).rejects.toThrow(DatabaseUnavailable)
    await database.close()
    await open([items])
    expect(flushed()).toHaveLength(20)
  })
})

describe.skipIf(process.platform === 'win32')('what others on the machine may read', () => {
  const modes = () =>
    Object.fromEntries(
      readdirSync(folder)
        .filter((name) => name.startsWith('test.db'))
        .map((name) => [name, (statSync(join(folder, name)).mode & 0o777).toString(8)]),
    )
  const onlyOurs = { 'test.db': '600', 'test.db-shm': '600', 'test.db-wal': '600' }

  beforeEach(() => chmodSync(folder, 0o777))

  it('is nothing of a file that is made in a folder open to all, whatever the umask is', async () => {
    const before = process.umask(0)
    try {
      await open([items])
    } finally {
      process.umask(before)
    }
    expect(modes()).toEqual(onlyOurs)
    await add('a')
    expect(modes()).toEqual(onlyOurs)
    await close()
  })

  it('is nothing of a file that was open to them before', async () => {
    await open([items])
    await add('a')
    for (const suffix of ['', '-wal', '-shm']) chmodSync(path + suffix, 0o664)
    const second = await openSqlite(path, [items])
    expect(modes()).toEqual(onlyOurs)
    await second.close()
    await add('b')
    await close()
    chmodSync(path, 0o644)
    await open([items])
    expect(modes()).toEqual(onlyOurs)
    await close()
  })

  it('is nothing of a file that a link without an end leads to', async () => {
    const target = join(folder, 'target.db')
    symlinkSync(target, path)
    await open([items])
    expect((statSync(target).mode & 0o777).toString(8)).toBe('600')
    await close()
  })
})
