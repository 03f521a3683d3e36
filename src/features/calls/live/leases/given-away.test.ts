import { expect, it, vi } from 'vitest'
import { engines } from '../../../../../test/engines.ts'
import { createWorld } from '../../../../../test/world.ts'
import { type Database, sql } from '../../../../database/database.ts'
import type { Station } from '../station.ts'
import { Duty } from './duty.ts'

const insertNode = sql(
  `INSERT INTO nodes (name, session, url, engines, beat) VALUES ('other', 'other', NULL, '["one","two"]', 1)`,
)
const giveAway = sql(`UPDATE engine_leases SET session = NULL WHERE engine = 'two'`)

/** The database, and how often the leases were looked at. */
function counting(database: Database): { database: Database; looks(): number } {
  let looks = 0
  const counted = new Proxy(database, {
    get(target, name) {
      if (name === 'all') {
        return (statement: Parameters<Database['all']>[0], ...values: []) => {
          if (statement.text.includes('FROM engine_leases')) looks += 1
          return target.all(statement, ...values)
        }
      }
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
  return { database: counted, looks: () => looks }
}

it.each(engines)(
  'an engine that was given away is left to others first: $name',
  async (engine) => {
    const world = await createWorld(engine)
    const { database, looks } = counting(world.database)
    const open = () => ({ engine: { isReady: true } }) as Station
    const attached: string[] = []
    const logger = { info: () => {}, warn: () => {}, error: () => {} }
    const duty = new Duty({
      database,
      board: {
        attach: () => attached.push('one more'),
        detach: async () => {},
        end: async () => {},
      },
      posts: ['one', 'two'].map((name) => ({ name, open })),
      node: { name: 'this', url: undefined },
      logger,
    })
    try {
      await duty.start()
      expect(attached).toHaveLength(2)
      // Long enough ago that it would be taken for free all the time.
      await vi.waitFor(() => expect(looks()).toBeGreaterThan(3), 20_000)
      const lookedBefore = looks()
      await world.database.write(async (transaction) => {
        await transaction.run(insertNode)
        await transaction.run(giveAway)
      })
      await vi.waitFor(() => expect(attached).toHaveLength(3), 20_000)
      // At the first look it is seen to be free, and the other has a second from then on.
      expect(looks() - lookedBefore).toBeGreaterThan(1)
    } finally {
      await duty.close()
      await world.close()
    }
  },
  60_000,
)
