import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Registry } from '@prometheus-io/client'
import { expect, vi } from 'vitest'
import { sql } from '../src/database/database.ts'
import type { Station } from '../src/features/calls/live/station.ts'
import type { ShownCall } from '../src/features/calls/shown.ts'
import type { Engine } from './engines.ts'
import { Exchange, type Leg } from './exchange.ts'
import { createWorld, group, routePoint, type World } from './world.ts'

/** The number of the furnished route point, and what a caller of it dials. */
export const hotlineNumber = '+3225126780'

export interface CallWorld extends World {
  exchange: Exchange
  /** The calls that the API shows. */
  calls(): Promise<ShownCall[]>
  /** Somebody calls the hotline; answers when the call is treated. */
  call(dialled?: string): Promise<Leg>
  /** Offers the first call that waits to the agent, and answers the leg that rings. */
  offer(body?: object): Promise<Leg>
  /** Every call that has ended, as it was recorded. */
  records(): Promise<{ outcome: string; value: Record<string, unknown> }[]>
  /** Rows of calls that the engine has not let go of. */
  rows(): Promise<number>
}

/** How long a busy machine may take for what comes at once on an idle one, in milliseconds. */
const patience = { timeout: 20_000 }

export const selectRecords = sql<{ outcome: string; value: string }>(
  'SELECT outcome, value FROM call_records ORDER BY ended_at, call_id',
)
const countRows = sql<{ rows: number }>('SELECT count(*) AS rows FROM calls')

/**
 * The furnished world with telephones: the hotline has a number and a queue of 10, the agent an extension.
 *
 * @param registry where its calls are counted, if anywhere; a restart would count them twice.
 * @param configured environment variables of the program.
 */
export async function createCallWorld(
  engine: Engine,
  changed: Partial<Station['configuration']> = {},
  registry?: Registry,
  configured: Record<string, string> = {},
): Promise<CallWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'pointsman-calls-'))
  const exchange = new Exchange(changed)
  if (registry) exchange.registry = registry
  const environment = { POINTSMAN_MEDIA_FOLDER: join(folder, 'media'), ...configured }
  const world = await createWorld(engine, environment, exchange)
  await world.ask('system', 'PUT', routePoint, {
    queueLength: 10,
    serviceInstanceProfile: { phoneNumber: hotlineNumber, extension: '5000' },
  })
  await world.ask('system', 'PUT', `${group}users/agent/`, { extension: '5001' })

  const calls = async (): Promise<ShownCall[]> =>
    (await world.ask('groupAdmin', 'GET', `${routePoint}calls/`)).body.calls
  const rows = async () => (await world.database.get(countRows))?.rows ?? 0
  return {
    ...world,
    // It is another one after a restart.
    get app() {
      return world.app
    },
    exchange,
    rows,
    calls,
    async call(dialled = hotlineNumber) {
      const leg = exchange.call(dialled)
      await vi.waitFor(() => {
        if (exchange.legs.has(leg.id) && leg.callId === undefined) throw new Error('not treated')
      }, patience)
      return leg
    },
    async offer(body = { agent: 'agent' }) {
      const waiting = await vi.waitFor(async () => {
        const [first] = (await calls()).filter(({ state }) => state === 'waiting')
        return first ?? expect.unreachable('No call waits.')
      }, patience)
      const path = `${routePoint}calls/${waiting.callId}/offer/`
      const answer = await world.ask('groupAdmin', 'POST', path, body)
      if (answer.status !== 201) throw new Error(answer.text)
      return vi.waitFor(() => {
        const [leg] = exchange.ringing()
        if (!leg) throw new Error('Nobody is rung.')
        return leg
      }, patience)
    },
    async records() {
      const all = await world.database.all(selectRecords)
      return all.map(({ outcome, value }) => ({ outcome, value: JSON.parse(value) }))
    },
    async close() {
      await world.close()
      rmSync(folder, { recursive: true })
    },
  }
}
