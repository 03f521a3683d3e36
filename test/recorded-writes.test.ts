import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sql } from '../src/database/database.ts'
import { engines } from './engines.ts'
import { everything, everyWrite, finalWrites, send, withExamples } from './every-write.ts'
import { Exchange } from './exchange.ts'
import { createWorld, password, type World } from './world.ts'

interface RecordedChange {
  changed_by: string
  before_value: string | null
  after_value: string | null
}

const selectOfRequest = sql<RecordedChange>(
  'SELECT changed_by, before_value, after_value FROM changes WHERE request_id = ?',
)
/** The record itself; and calls with what they make of agents, which are no configuration and have records of their own; and what is sent of them. */
const notRecorded =
  /^(changes|calls|call_records|call_record_codes|call_events|agent_states|webhook_deliveries) /
const ofTokens = finalWrites.filter(({ path }) => path === '/api/v1/tokens/')

describe.each(engines)('the record of changes on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine, {}, new Exchange())
  })
  afterAll(() => world.close())

  async function stored(): Promise<string> {
    const rows = await everything(world)
    return rows.filter((row) => !notRecorded.test(row)).join('\n')
  }

  it('tells of each write that has changed anything, under its request and without its secrets, and of no other', {
    timeout: 120_000,
  }, async () => {
    for (const write of await withExamples(world, [...ofTokens, ...everyWrite])) {
      const name = `${write.method} ${write.path}`
      const before = await stored()
      const { status, headers, text, body } = await send(world, write)
      expect(status, `${name} ${text}`).toBeLessThan(300)
      const isChanged = (await stored()) !== before
      const changes = await world.database.all(selectOfRequest, String(headers['x-request-id']))
      expect({ name, isRecorded: changes.length > 0 }).toEqual({ name, isRecorded: isChanged })
      for (const { changed_by, ...values } of changes) {
        expect(changed_by).toBe('admin')
        for (const secret of [password, 'another sentence', 'no-secret', body.token ?? 'argon2']) {
          expect(JSON.stringify(values)).not.toContain(secret)
        }
      }
    }
  })
})
