import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Engine, engines, type TestDatabase } from '../../../../test/engines.ts'
import { seed } from '../../../../test/seed.ts'
import { offerTo, TreatedCall } from '../../../../test/treated-calls.ts'
import { type Database, sql } from '../../../database/database.ts'
import { openDatabase } from '../../../database/open.ts'
import { type Feed, openFeed } from '../../../writes/follow.ts'
import { streamOf } from '../../../writes/stream.ts'
import { showTold } from '../shown.ts'
import type { Step } from '../step.ts'
import { readId, type Start, tellEvents } from './events.ts'
import { callEventsLog, type KeptEvent } from './kept-events.ts'
import { tellCall } from './told.ts'

/** Numbers that come again with the seed. */
function randomOf(start: number): (below: number) => number {
  let state = start >>> 0
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return (state >>> 8) % below
  }
}

const group = ['footenant', 'foogroup'] as const
const insertTenant = sql(
  `INSERT INTO tenants (tenant_key, tenant_id, type, name, name_key, default_domain, value)
   VALUES ('footenant', 'footenant', 'Enterprise', '', '', 'sip.example', '{}')`,
)
const insertGroup = sql(
  `INSERT INTO groups (tenant_key, group_key, group_id, group_name, group_name_key, default_domain, country, value)
   VALUES ('footenant', 'foogroup', 'foogroup', '', '', 'sip.example', '', '{}')`,
)
const keepCall = sql(
  `INSERT INTO calls (tenant_key, group_key, route_point_key, call_id, engine, value) VALUES (?, ?, ?, ?, 'none', ?)
   ON CONFLICT (tenant_key, call_id) DO UPDATE SET value = excluded.value`,
)

/** A node of an installation: what it writes and what is followed there. */
interface Node {
  database: Database
  feed: Feed<KeptEvent>
}

type Shown = Record<string, unknown>

/** All that was told of each call, in order: what a client must hear. */
const expected = new Map<string, Shown[]>()

/** A client that comes and goes. */
class Client {
  readonly #nodes: readonly Node[]
  readonly #random: (below: number) => number
  /** How many events of each call it knows. */
  readonly known = new Map<string, number>()
  #last: string | undefined

  constructor(nodes: readonly Node[], random: (below: number) => number) {
    this.#nodes = nodes
    this.#random = random
  }

  /** Whether it has heard all that was told. */
  get isComplete(): boolean {
    return [...expected].every(([id, all]) => this.known.get(id) === all.length)
  }

  #hear(block: string): void {
    const [, id] = /^id: (.*)$/m.exec(block) ?? []
    const [, event] = /^event: (.*)$/m.exec(block) ?? []
    const [, text = '{}'] = /^data: (.*)$/m.exec(block) ?? []
    const data = JSON.parse(text)
    expect(event).not.toBe('reset')
    if (event === 'snapshot') for (const call of data.calls) this.#see(call)
    else if (event?.startsWith('call.')) this.#follow(data)
    this.#last = id ?? this.#last
  }

  /** A call in a snapshot is as something made it that was told of it. */
  #see({ routePoint: _, place: __, ...call }: Shown): void {
    const all = expected.get(String(call.callId)) ?? []
    const text = JSON.stringify(call)
    const index = all.findLastIndex((event) => JSON.stringify(event.call) === text)
    expect(index, text).toBeGreaterThanOrEqual(0)
    this.known.set(String(call.callId), index + 1)
  }

  /** What is told is the next thing of that call: nothing was left out, and nothing told twice. */
  #follow({ type, call }: Shown): void {
    const id = String((call as Shown).callId)
    const count = this.known.get(id) ?? 0
    const next = expected.get(id)?.[count]
    expect({ type, call }).toEqual(next)
    this.known.set(id, count + 1)
  }

  /** Listens at a node for a while. */
  async visit(): Promise<void> {
    const { database, feed } = this.#nodes[this.#random(this.#nodes.length)] ?? {}
    if (!database || !feed) throw new Error('There is no such node.')
    if (this.#random(4) === 0) {
      this.#last = undefined
      this.known.clear()
    }
    const known = this.#last === undefined ? undefined : readId(this.#last)
    const start: Start = { known }
    const audience = {
      reader: database,
      group,
      chosen: undefined,
      inTurn: <Result>(work: () => Promise<Result>) => work(),
    }
    const leaving = new AbortController()
    const listener = {
      caller: { confirm: async () => {} },
      reader: database,
      signal: leaving.signal,
      heartbeatMilliseconds: 50,
    }
    const scope = { tenantKey: group[0], groupKey: group[1] }
    const texts = streamOf(
      { after: known?.position, telling: tellEvents(start, audience) },
      listener,
      (signal) => feed.follow(known?.position, { scope, signal }),
    )
    let left = 1 + this.#random(12)
    listening: for await (const text of texts) {
      for (const block of text.split('\n\n').slice(0, -1)) {
        this.#hear(block)
        left -= 1
        // What else had come is lost with the connection.
        if (left === 0) break listening
      }
    }
    leaving.abort()
  }
}

describe.each(engines)(
  'events of calls that are written side by side on $name',
  (engine: Engine) => {
    let test: TestDatabase
    let nodes: Node[]

    beforeEach(async () => {
      expected.clear()
      test = await engine.open()
      await test.database.write(async (transaction) => {
        await transaction.run(insertTenant)
        await transaction.run(insertGroup)
      })
      const databases = [test.database, await openDatabase(test.url)]
      nodes = databases.map((database) => ({ database, feed: openFeed(database, callEventsLog) }))
    })
    afterEach(async () => {
      for (const { feed } of nodes) await feed.close()
      await nodes[1]?.database.close()
      await test.remove()
    })

    /** Keeps what a call has become, and tells it, in a write that may last. */
    async function keep(
      { call, told }: Step,
      { database }: Node,
      milliseconds: number,
    ): Promise<void> {
      const all = expected.get(call.id) ?? []
      for (const one of told) {
        const shown = JSON.parse(JSON.stringify(showTold(one.call)))
        all.push({ type: one.telling.kind, call: shown })
      }
      expected.set(call.id, all)
      const at = [...group, call.routePoint[2]] as const
      await database.write(async (transaction) => {
        await transaction.run(keepCall, ...at, call.id, JSON.stringify(call))
        await tellCall(
          transaction,
          told.map((one) => ({ ...one, call: { ...one.call, routePoint: at } })),
        )
        await delay(milliseconds)
      }, 'keys')
    }

    /** A call that waits, is offered, comes back and waits, again and again. */
    async function live(id: string, transitions: number, random: (below: number) => number) {
      const treated = new TreatedCall({}, { id, routePoint: [...group, 'hotline@sip.example'] })
      const node = () => nodes[random(2)] ?? nodes[0]
      for (let count = 0; count < transitions; count += 1) {
        const { phase } = treated.call
        let step: Step
        if (phase.name === 'arriving') step = treated.happens({ type: 'arrived' })
        else if (phase.name === 'waiting') step = treated.happens(offerTo())
        else step = treated.happens({ type: 'ended', leg: treated.leg, how: 'busy' })
        const at = node()
        if (at) await keep(step, at, random(5))
        await delay(random(4))
      }
    }

    it(`are heard once, in order and none left out, by clients that come and go on two nodes (seed ${seed})`, async () => {
      const random = randomOf(seed)
      const clients = Array.from(
        { length: 4 },
        (_, index) => new Client(nodes, randomOf(seed + index)),
      )
      let isOver = false
      let isWrong = false
      const calls = Promise.all(
        Array.from({ length: 6 }, (_, index) => live(`c${index}`, 25, random)),
      ).then(() => {
        isOver = true
      })
      await Promise.all(
        clients.map(async (client) => {
          while (!isWrong && !(isOver && client.isComplete)) {
            await client.visit().catch((error) => {
              isWrong = true
              throw error
            })
          }
        }),
      )
      await calls
      expect([...expected.values()].every((all) => all.length > 25)).toBe(true)
    }, 60_000)
  },
)
