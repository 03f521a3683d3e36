import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ItemsFile, insert, items, select } from '../../../test/items-file.ts'
import { type OtherProcess, startOtherProcess } from '../../../test/other-process.ts'
import { DatabaseUnavailable } from '../../errors.ts'
import { openSqlite, type SqliteOptions } from './engine.ts'

let file: ItemsFile
beforeEach(() => {
  file = new ItemsFile()
})
afterEach(() => file.remove())

describe('while another process holds the lock', () => {
  let other: OtherProcess

  async function openLocked(options: SqliteOptions = {}) {
    await file.open([items], options)
    await file.add('before')
    other = await startOtherProcess(file.path, 'BEGIN IMMEDIATE')
  }
  afterEach(async () => {
    await other.end()
    await file.close()
  })

  it('the thread goes on, reads are answered, and writes are done in their order after it', async () => {
    await openLocked({ writesPerCommitMax: 2 })
    const events: string[] = []
    const writes = ['a', 'b', 'c', 'd', 'e'].map((name) =>
      file.database.write(async (transaction) => {
        await transaction.run(insert, name, null)
        events.push(name)
      }),
    )
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(await file.database.all(select)).toEqual([{ name: 'before' }])
    await file.database.verify()
    events.push('read')
    await other.end()
    await Promise.all(writes)
    expect(events).toEqual(['read', 'a', 'b', 'c', 'd', 'e'])
    expect(file.commits).toEqual([1, 2, 2, 1])
  })

  it('writes that waited too long are refused, whole, and later ones done', async () => {
    await openLocked({ busyTimeoutMilliseconds: 100 })
    const outcomes = await Promise.allSettled([file.add('a'), file.add('b')])
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ reason: expect.any(DatabaseUnavailable) })
    }
    await other.end()
    await file.add('c')
    expect(file.flushed()).toEqual(['before', 'c'])
  })

  it('each write waits as long as the others, whoever came before it', async () => {
    await openLocked({ busyTimeoutMilliseconds: 300, writesPerCommitMax: 1 })
    const start = performance.now()
    const waits = Array.from({ length: 20 }, async (_, index) => {
      await expect(file.add(`${index}`)).rejects.toThrow(DatabaseUnavailable)
      return performance.now() - start
    })
    expect(Math.max(...(await Promise.all(waits)))).toBeLessThan(3_000)
  })

  it('no more writes wait than the bound allows; the others are refused at once', async () => {
    await openLocked({ writesWaitingMax: 3 })
    const events: string[] = []
    const writes = ['a', 'b', 'c', 'd', 'e'].map((name) =>
      file.add(name).then(
        () => events.push(`${name} done`),
        (error) => events.push(`${name} ${error.cause.message}`),
      ),
    )
    await Promise.all(writes.slice(3))
    await other.end()
    await Promise.all(writes)
    const refused = '3 writes wait already.'
    expect(events).toEqual([`d ${refused}`, `e ${refused}`, 'a done', 'b done', 'c done'])
    expect(file.flushed()).toEqual(['a', 'b', 'before', 'c'])
  })
})

it('a start on a file that another process has for itself waits for it, and the thread goes on', async () => {
  await file.open([items])
  await file.add('before')
  await file.close()
  const other = await startOtherProcess(
    file.path,
    'PRAGMA locking_mode = EXCLUSIVE',
    'BEGIN EXCLUSIVE',
  )
  await expect(openSqlite(file.path, [items], { busyTimeoutMilliseconds: 50 })).rejects.toThrow(
    `The database ${file.path} cannot be opened: database is locked`,
  )
  const events: string[] = []
  const opening = openSqlite(file.path, [items], { busyTimeoutMilliseconds: 30_000 }).then(
    (opened) => {
      events.push('opened')
      return opened
    },
  )
  await new Promise((resolve) => setTimeout(resolve, 50))
  events.push('thread')
  await other.end()
  const database = await opening
  expect(events).toEqual(['thread', 'opened'])
  expect(await database.all(select)).toEqual([{ name: 'before' }])
  await database.close()
})

describe('a file that is not at its place any more', () => {
  beforeEach(() => file.open([items]))
  afterEach(() => file.close())

  const removeAll = () => {
    for (const suffix of ['', '-wal', '-shm']) rmSync(file.path + suffix)
  }

  const losses: [string, () => void, RegExp][] = [
    ['the database is removed', () => rmSync(file.path), /test\.db is gone from its place/],
    ['all is removed', removeAll, /test\.db is gone/],
    ['the log is removed', () => rmSync(`${file.path}-wal`), /test\.db-wal is gone/],
    ['the index of the log is removed', () => rmSync(`${file.path}-shm`), /test\.db-shm is gone/],
    [
      'another is put in its place',
      () => {
        copyFileSync(file.path, `${file.path}.backup`)
        renameSync(`${file.path}.backup`, file.path)
      },
      /test\.db is not the file that is open/,
    ],
    [
      'its name leads elsewhere',
      () => {
        renameSync(file.path, `${file.path}.old`)
        copyFileSync(`${file.path}.old`, `${file.path}.new`)
        symlinkSync(`${file.path}.new`, file.path)
      },
      /test\.db is not the file that is open/,
    ],
  ]

  it.each(losses)('takes no write, and reads go on: %s', async (_, lose, reason) => {
    await file.add('before')
    lose()
    const outcomes = await Promise.allSettled([file.add('a'), file.add('b')])
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ reason: expect.any(DatabaseUnavailable) })
      expect(outcome).toHaveProperty('reason.cause.message', expect.stringMatching(reason))
    }
    await expect(file.database.verify()).rejects.toMatchObject({
      cause: { message: expect.stringMatching(reason) },
    })
    await expect(file.database.snapshot((reader) => reader.all(select))).rejects.toThrow(
      DatabaseUnavailable,
    )
    expect(await file.database.all(select)).toEqual([{ name: 'before' }])
    expect(file.commits).toEqual([1])
  })

  it('takes writes again when it is back', async () => {
    await file.add('before')
    const elsewhere = `${file.folder}-elsewhere`
    renameSync(file.folder, elsewhere)
    await expect(file.add('a')).rejects.toThrow(DatabaseUnavailable)
    mkdirSync(file.folder)
    await expect(file.add('b')).rejects.toThrow(DatabaseUnavailable)
    rmSync(file.folder, { recursive: true })
    renameSync(elsewhere, file.folder)
    await file.database.verify()
    await file.add('c')
    expect(file.flushed()).toEqual(['before', 'c'])
  })

  it('loses nothing that was acknowledged when only its log is removed and the program then closes it', async () => {
    for (let index = 0; index < 20; index += 1) await file.add(`${index}`)
    file.outsider.close()
    rmSync(`${file.path}-wal`)
    await expect(file.add('late')).rejects.toThrow(DatabaseUnavailable)
    await file.database.close()
    await file.open([items])
    expect(file.flushed()).toHaveLength(20)
  })
})

describe.skipIf(process.platform === 'win32')('what others on the machine may read', () => {
  const modes = () =>
    Object.fromEntries(
      readdirSync(file.folder)
        .filter((name) => name.startsWith('test.db'))
        .map((name) => [name, (statSync(join(file.folder, name)).mode & 0o777).toString(8)]),
    )
  const onlyOurs = { 'test.db': '600', 'test.db-shm': '600', 'test.db-wal': '600' }

  beforeEach(() => chmodSync(file.folder, 0o777))

  it('is nothing of a file that is made in a folder open to all, whatever the umask is', async () => {
    const before = process.umask(0)
    try {
      await file.open([items])
    } finally {
      process.umask(before)
    }
    expect(modes()).toEqual(onlyOurs)
    await file.add('a')
    expect(modes()).toEqual(onlyOurs)
    await file.close()
  })

  it('is nothing of a file that was open to them before', async () => {
    await file.open([items])
    await file.add('a')
    for (const suffix of ['', '-wal', '-shm']) chmodSync(file.path + suffix, 0o664)
    const second = await openSqlite(file.path, [items])
    expect(modes()).toEqual(onlyOurs)
    await second.close()
    await file.add('b')
    await file.close()
    chmodSync(file.path, 0o644)
    await file.open([items])
    expect(modes()).toEqual(onlyOurs)
    await file.close()
  })

  it('is nothing of a file that a link without an end leads to', async () => {
    const target = join(file.folder, 'target.db')
    symlinkSync(target, file.path)
    await file.open([items])
    expect((statSync(target).mode & 0o777).toString(8)).toBe('600')
    await file.close()
  })
})
