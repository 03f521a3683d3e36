import { afterEach, describe, expect, it, vi } from 'vitest'
import { type Engine, engines, type TestDatabase } from '../../../../../test/engines.ts'
import { Exchange } from '../../../../../test/exchange.ts'
import { type Database, sql } from '../../../../database/database.ts'
import type { Station } from '../station.ts'
import { Duty, type DutyOptions } from './duty.ts'

const silent = { info() {}, warn() {}, error() {} }

/** A board that notes which engines' calls it has. */
function createBoard() {
  const attached = new Map<string, Station>()
  const ended: string[] = []
  return {
    attached,
    ended,
    attach(station: Station) {
      attached.set(station.engine.name, station)
    },
    async detach(station: Station) {
      attached.delete(station.engine.name)
    },
    async end(engine: string) {
      ended.push(engine)
    },
  }
}

const selectGenerations = sql<{ engine: string; generation: number; session: string | null }>(
  'SELECT engine, generation, session FROM engine_leases ORDER BY engine',
)

const makeDead = sql('UPDATE nodes SET session = ? WHERE name = ?')
/** Longer ago than a node may be away. */
const makeOld = sql(`UPDATE nodes SET beat = 1 WHERE name = 'away'`)

interface OpenOptions {
  engines?: string[]
  database?: Database
  patience?: DutyOptions['patience']
}

describe.each(engines)('the leases of engines on $name', (engine: Engine) => {
  const opened: { test?: TestDatabase; duties: Duty[] } = { duties: [] }
  const names = ['berlin', 'zurich']

  async function database(): Promise<Database> {
    opened.test ??= await engine.open()
    return opened.test.database
  }

  /** A node with both engines. */
  async function open(name: string, options: OpenOptions = {}) {
    const board = createBoard()
    const exchanges = (options.engines ?? names).map((one) => new Exchange({}, one))
    // The board does not start them.
    for (const exchange of exchanges) exchange.isReady = true
    const posts = exchanges.map(({ post }) => post)
    const node = { name, url: undefined }
    const own = options.database ?? (await database())
    const { patience = {} } = options
    const duty = new Duty({ database: own, board, posts, node, logger: silent, patience })
    opened.duties.push(duty)
    const loseSight = (of: string) => {
      for (const exchange of exchanges) if (exchange.name === of) exchange.isReady = false
    }
    return { duty, board, loseSight, held: () => [...board.attached.keys()].sort() }
  }

  afterEach(async () => {
    await Promise.all(opened.duties.splice(0).map((duty) => duty.close()))
    await opened.test?.remove()
    delete opened.test
  })

  it('are all taken by a node that is alone', async () => {
    const { duty, held } = await open('one')
    await duty.start()
    expect(held()).toEqual(names)
    expect(duty.engines.map(({ isHeld }) => isHeld)).toEqual([true, true])
  })

  it('are each held by one node, and by another as soon as they are given back', async () => {
    const one = await open('one')
    const two = await open('two')
    await one.duty.start()
    await two.duty.start()
    expect(two.held()).toEqual([])
    const station = one.board.attached.get('zurich')
    expect(station?.lease.leftMilliseconds()).toBeGreaterThan(0)
    await one.duty.close()
    expect(station?.lease.leftMilliseconds()).toBe(0)
    await vi.waitFor(() => expect(two.held()).toEqual(names), 10_000)
  })

  it('are taken with a higher generation by each', async () => {
    for (const name of ['one', 'two', 'three']) {
      const { duty } = await open(name)
      await duty.start()
      await duty.close()
    }
    expect(await (await database()).all(selectGenerations)).toEqual(
      names.map((name) => ({ engine: name, generation: 3, session: null })),
    )
  })

  it('are at once those of a node that was killed and is started again under its name', async () => {
    const killed = await open('one')
    await killed.duty.start()
    const again = await open('one')
    await again.duty.start()
    expect(again.held()).toEqual(names)
    await vi.waitFor(() => expect(killed.held()).toEqual([]), 10_000)
    // It waits as long as the other lives.
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(again.held()).toEqual(names)
    expect(killed.held()).toEqual([])
  })

  it('are over when they cannot be renewed, and another node takes them only then', async () => {
    const shared = await database()
    let isAway = false
    const cut: Database = {
      ...shared,
      all: (...parameters) => (isAway ? new Promise(() => {}) : shared.all(...parameters)),
      write: (...parameters) => (isAway ? new Promise(() => {}) : shared.write(...parameters)),
    }
    const one = await open('one', { database: cut })
    const two = await open('two')
    await one.duty.start()
    await two.duty.start()
    const station = one.board.attached.get('zurich')
    isAway = true
    const since = performance.now()
    let overAfter = 0
    await vi.waitFor(
      () => {
        if (station?.lease.leftMilliseconds() === 0 && overAfter === 0) {
          overAfter = performance.now() - since
        }
        expect(two.held()).toEqual(names)
      },
      { timeout: 20_000, interval: 20 },
    )
    const takenAfter = performance.now() - since
    expect(one.held()).toEqual([])
    // What was asked of the engine at the end of the lease is over as well.
    expect(takenAfter - overAfter).toBeGreaterThan(3_000)
    opened.duties.splice(0, 1)
  }, 30_000)

  it('go to a node that has none and could treat them, one at a time', async () => {
    const one = await open('one', { patience: { settled: 1_000 } })
    const two = await open('two')
    const three = await open('three', { engines: ['elsewhere'] })
    await one.duty.start()
    await two.duty.start()
    await three.duty.start()
    expect(one.held()).toEqual(names)
    await vi.waitFor(() => expect(two.held()).toHaveLength(1), 20_000)
    expect(one.held()).toHaveLength(1)
    expect(three.held()).toEqual(['elsewhere'])
  }, 30_000)

  it('go to another node where an engine is not reached, and stay there where it is reached by none', async () => {
    const patience = { unreached: 1_000, settled: 0, balance: 500 }
    const one = await open('one', { patience })
    await one.duty.start()
    one.loseSight('zurich')
    // As long as no other node is there, it goes on trying.
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(one.held()).toEqual(names)
    const two = await open('two', { patience })
    const attachedAt = vi.spyOn(two.board, 'attach')
    await two.duty.start()
    await vi.waitFor(() => expect(two.held()).toContain('zurich'), 20_000)
    two.loseSight('zurich')
    await new Promise((resolve) => setTimeout(resolve, 3_500))
    expect(two.held()).toEqual(['zurich'])
    expect(one.held()).toEqual(['berlin'])
    expect(attachedAt).toHaveBeenCalledTimes(1)
  }, 60_000)

  it('of engines that a node knows which is only away do not end', async () => {
    const killed = await open('away', { engines: ['removed'] })
    await killed.duty.start()
    const { duty, board } = await open('one', { patience: { forsaken: 0 } })
    // As if it had been killed.
    const { database: shared } = opened.test ?? {}
    await shared?.write((transaction) => transaction.run(makeDead, 'gone', 'away'))
    await duty.start()
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    expect(board.ended).toEqual([])
    await shared?.write((transaction) => transaction.run(makeOld))
    await vi.waitFor(() => expect(board.ended).toContain('removed'), 20_000)
  }, 30_000)

  it('of engines that no node knows any more end with their calls, but not at once', async () => {
    const before = await open('one', { engines: ['removed'] })
    await before.duty.start()
    await before.duty.close()
    const patient = await open('two')
    const { duty, board } = await open('one', { patience: { forsaken: 1_000 } })
    await patient.duty.start()
    await duty.start()
    expect(board.ended).toEqual([])
    await vi.waitFor(() => expect(board.ended).toContain('removed'), 20_000)
    expect(patient.board.ended).toEqual([])
  }, 30_000)
})
