import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Engine, engines, type TestDatabase } from '../../test/engines.ts'
import { startPostgres } from '../../test/postgres-server.ts'
import { type Database, sql, type Transaction } from '../database/database.ts'
import { openDatabase } from '../database/open.ts'
import { type Feed, type FollowOptions, openFeed } from './follow.ts'
import { changesLog, type KeptChange } from './kept-changes.ts'
import { record, type Scope } from './record.ts'

const tenant: Scope = { tenantKey: 'footenant' }
const group: Scope = { ...tenant, groupKey: 'foogroup' }
const routePoint: Scope = { ...group, routePointKey: 'rp@sip.example' }

function keep(transaction: Transaction, target: string, scope: Scope = tenant): Promise<void> {
  const values = { before: null, after: '{}' }
  const change = { scope, action: 'change', kind: 'user', target, ...values } as const
  return record(transaction, change, { by: 'admin' })
}

function write(database: Database, target: string, scope?: Scope): Promise<void> {
  return database.write((transaction) => keep(transaction, target, scope))
}

const selectPositions = sql<{ position: number }>('SELECT position FROM changes ORDER BY position')

/** Holds a write open after `begun` until it is released. */
function holdWrite(database: Database, act: (transaction: Transaction) => Promise<unknown>) {
  const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  const ended = database.write(async (transaction) => {
    await act(transaction)
    begin()
    await held
  })
  return {
    begun,
    async release() {
      release()
      await ended
    },
  }
}

/** Follows until so many changes have come. */
async function take(
  feed: Feed<KeptChange>,
  count: number,
  { after = 0, ...options }: { after?: number } & Partial<FollowOptions> = {},
): Promise<KeptChange[]> {
  const taken: KeptChange[] = []
  const { signal } = new AbortController()
  for await (const { rows } of feed.follow(after, { signal, ...options })) {
    taken.push(...rows)
    if (taken.length >= count) break
  }
  return taken
}

const targetsOf = (changes: readonly KeptChange[]) => changes.map(({ target }) => target)
const positionsOf = (changes: readonly KeptChange[]) => changes.map(({ position }) => position)

function numbered(count: number, prefix = ''): string[] {
  return Array.from({ length: count }, (_, index) => `/${prefix}${index}/`)
}

let test: TestDatabase
let database: Database
let feed: Feed<KeptChange>

async function open(engine: Engine | undefined): Promise<void> {
  if (!engine) throw new Error('There is no such engine.')
  test = await engine.open()
  database = test.database
  feed = openFeed(database, changesLog)
}

async function close(): Promise<void> {
  await feed.close()
  await test.remove()
}

describe.each(engines)('whoever follows the changes on $name', (engine) => {
  beforeEach(() => open(engine))
  afterEach(close)

  it('hears of every one in order, once, however many are written at the same time', async () => {
    const targets = numbered(200)
    const heard = Promise.all([take(feed, 200), take(feed, 200)])
    await Promise.all(targets.map((target) => write(database, target)))
    const positions = (await database.all(selectPositions)).map(({ position }) => position)
    for (const changes of await heard) {
      expect(positionsOf(changes)).toEqual(positions)
      expect(targetsOf(changes).sort()).toEqual(targets.toSorted())
    }
  })

  it('hears what was there before, above where they were, and then what comes', async () => {
    for (const target of numbered(5)) await write(database, target)
    const [, , third] = await take(feed, 5)
    const heard = take(feed, 3, { after: third?.position ?? 0 })
    await write(database, '/new/')
    expect(targetsOf(await heard)).toEqual(['/3/', '/4/', '/new/'])
  })

  it('hears what another process writes', async () => {
    const other = await openDatabase(test.url)
    const heard = take(feed, 2)
    await write(other, '/first/')
    await write(other, '/second/')
    expect(targetsOf(await heard)).toEqual(['/first/', '/second/'])
    await other.close()
  })

  it('is not stopped by what was undone', async () => {
    const heard = take(feed, 2)
    await write(database, '/before/')
    const undone = database.write(async (transaction) => {
      await keep(transaction, '/never/')
      throw new Error('changed its mind')
    })
    await expect(undone).rejects.toThrow('changed its mind')
    await write(database, '/after/')
    expect(targetsOf(await heard)).toEqual(['/before/', '/after/'])
  })

  it('misses nothing when they are slower than what is remembered, and holds nobody up', async () => {
    const targets = numbered(2_500)
    const { signal } = new AbortController()
    const slow = feed.follow(0, { signal })
    await write(database, '/first/')
    const heard: KeptChange[] = [...((await slow.next()).value?.rows ?? [])]
    const quick = take(feed, targets.length + 1)
    await database.write(async (transaction) => {
      for (const target of targets) await keep(transaction, target)
    })
    expect(targetsOf(await quick)).toEqual(['/first/', ...targets])
    while (heard.length <= targets.length) heard.push(...((await slow.next()).value?.rows ?? []))
    expect(targetsOf(heard)).toEqual(['/first/', ...targets])
    await slow.return()
  })

  it.each([
    [
      'tenant',
      tenant,
      ['/tenant/', '/other group/', '/group/', '/other route point/', '/route point/'],
    ],
    ['group', group, ['/group/', '/other route point/', '/route point/']],
    ['route point', routePoint, ['/route point/']],
  ])('of a %s hears of that and what is below it', async (_, scope, expected) => {
    const writeAll = async () => {
      await write(database, '/installation/', { tenantKey: '' })
      await write(database, '/other tenant/', { tenantKey: 'other' })
      await write(database, '/tenant/')
      await write(database, '/other group/', { ...group, groupKey: 'other' })
      await write(database, '/group/', group)
      await write(database, '/other route point/', { ...routePoint, routePointKey: 'other' })
      await write(database, '/route point/', routePoint)
    }
    await writeAll()
    // Once read, once as they come.
    const heard = take(feed, 2 * expected.length, { scope })
    await take(feed, 7)
    await writeAll()
    expect(targetsOf(await heard)).toEqual([...expected, ...expected])
  })

  it('is let go when they wish it and when the feed is closed, and nobody looks any more', async () => {
    const leaving = new AbortController()
    const left = feed.follow(0, { signal: leaving.signal }).next()
    const staying = feed.follow(0, { signal: new AbortController().signal }).next()
    leaving.abort()
    expect(await left).toEqual({ done: true, value: undefined })
    await feed.close()
    expect(await staying).toEqual({ done: true, value: undefined })
    const statements: string[] = []
    const { all } = database
    database.all = (statement, ...values) => {
      statements.push(statement.text)
      return all.call(database, statement, ...values) as never
    }
    await write(database, '/unheard/')
    expect(statements).toEqual([])
  })

  it('goes on after another has left', async () => {
    const leaving = take(feed, 1)
    const heard = take(feed, 2)
    await write(database, '/one/')
    await leaving
    await write(database, '/two/')
    expect(targetsOf(await heard)).toEqual(['/one/', '/two/'])
    expect(targetsOf(await take(feed, 2))).toEqual(['/one/', '/two/'])
  })
})

describe('whoever follows the changes on PostgreSQL', () => {
  beforeEach(() => open(engines.find(({ name }) => name === 'PostgreSQL')))
  afterEach(close)

  /** Notes what is heard as it comes. */
  function listen(): { heard: KeptChange[]; until(count: number): Promise<void> } {
    const heard: KeptChange[] = []
    let told = () => {}
    void (async () => {
      for await (const { rows } of feed.follow(0, { signal: new AbortController().signal })) {
        heard.push(...rows)
        told()
      }
    })()
    return {
      heard,
      async until(count) {
        while (heard.length < count) {
          await new Promise<void>((resolve) => {
            told = resolve
          })
        }
      },
    }
  }

  /** Waits until the record has been looked at so often. */
  async function looks(count: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { all } = database
    let left = count
    database.all = (statement, ...values) => {
      if (statement.text.includes('FROM changes')) left -= 1
      if (left === 0) resolve()
      return all.call(database, statement, ...values) as never
    }
    await promise
    database.all = all
  }

  it('hears of the change with the smaller position first, although it is committed later', async () => {
    const listener = listen()
    await write(database, '/zero/')
    await listener.until(1)
    const other = await openDatabase(test.url)
    const early = holdWrite(other, (transaction) => keep(transaction, '/early/'))
    await early.begun
    await write(database, '/late/')
    // Whoever looked only at what is committed would have taken this one and passed by the other.
    expect((await database.all(selectPositions)).map(({ position }) => position)).toEqual([1, 3])
    await looks(3)
    expect(targetsOf(listener.heard)).toEqual(['/zero/'])
    await early.release()
    await listener.until(3)
    expect(targetsOf(listener.heard)).toEqual(['/zero/', '/early/', '/late/'])
    await other.close()
  })

  it('does not wait for those who write for long and have recorded nothing, gap or not', async () => {
    const listener = listen()
    await write(database, '/zero/')
    await listener.until(1)
    const long = holdWrite(database, (transaction) => transaction.run(sql('DELETE FROM tenants')))
    await long.begun
    await write(database, '/next/')
    const undone = database.write(async (transaction) => {
      await keep(transaction, '/never/')
      throw new Error('changed its mind')
    })
    await expect(undone).rejects.toThrow('changed its mind')
    await write(database, '/last/')
    await listener.until(3)
    const expected = ['/zero/', '/next/', '/last/']
    expect(targetsOf(listener.heard)).toEqual(expected)
    const late = openFeed(database, changesLog)
    expect(targetsOf(await take(late, 3))).toEqual(expected)
    await late.close()
    await long.release()
  })
})

it('whoever follows the changes hears of all when PostgreSQL is killed and comes back', async () => {
  const server = await startPostgres([])
  const own = await openDatabase(`${server.url}/postgres`)
  const ownFeed = openFeed(own, changesLog)
  const heard = take(ownFeed, 4)
  await write(own, '/before/')
  await take(ownFeed, 1)
  await server.restart('kill')
  // The first attempts may meet the server while it starts.
  for (const target of ['/after/', '/and/', '/on/']) {
    for (let isWritten = false; !isWritten; ) {
      isWritten = await write(own, target).then(
        () => true,
        () => false,
      )
    }
  }
  expect(targetsOf(await heard)).toEqual(['/before/', '/after/', '/and/', '/on/'])
  await ownFeed.close()
  await own.close()
  await server.stop()
})
