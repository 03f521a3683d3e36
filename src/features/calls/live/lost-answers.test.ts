import { afterEach, describe, expect, it, vi } from 'vitest'
import { type CallWorld, createCallWorld } from '../../../../test/call-world.ts'
import { engines } from '../../../../test/engines.ts'
import { group, routePoint } from '../../../../test/world.ts'
import { type Database, sql } from '../../../database/database.ts'
import { DatabaseUnavailable } from '../../../errors.ts'

const selectEvents = sql<{ kind: string }>(
  `SELECT kind FROM call_events WHERE kind <> 'agent.changed' ORDER BY position`,
)

/** Milliseconds of a busy machine. */
const patient = { timeout: 15_000 }

let world: CallWorld
afterEach(() => world.close())

/** The next write is kept, and whoever waits for it is told that the database did not answer. */
function loseNextAnswer(database: Database): void {
  const write = database.write.bind(database)
  vi.spyOn(database, 'write').mockImplementationOnce(async (...parameters) => {
    await write(...parameters)
    throw new DatabaseUnavailable(new Error('The connection is lost.'))
  })
}

describe.each(engines)('a write whose answer is lost, on $name', (engine) => {
  it('of a command is done, and the same command again is answered as the first', async () => {
    world = await createCallWorld(engine)
    await world.call()
    const [waiting] = await world.calls()
    const path = `${routePoint}calls/${waiting?.callId}/offer/`
    const key = { 'idempotency-key': 'a-key-of-some-length' }
    const offer = () => world.ask('groupAdmin', 'POST', path, { agent: 'agent' }, key)
    loseNextAnswer(world.database)
    expect((await offer()).status).toBe(503)
    const leg = await vi.waitFor(() => {
      const [ringing] = world.exchange.ringing()
      if (!ringing) throw new Error('Nobody is rung.')
      return ringing
    }, patient)
    expect(await offer()).toMatchObject({ status: 201, body: { offerId: '1' } })
    expect(world.exchange.ringing()).toEqual([leg])
    world.exchange.pickUp(leg)
    await vi.waitFor(async () => expect((await world.calls())[0]?.state).toBe('connected'), patient)
    const told = (await world.database.all(selectEvents)).map(({ kind }) => kind)
    expect(told).toEqual(['call.arrived', 'call.queued', 'call.offered', 'call.answered'])
  })

  it('of an event is done once', async () => {
    world = await createCallWorld(engine)
    const caller = await world.call()
    const leg = await world.offer()
    loseNextAnswer(world.database)
    world.exchange.pickUp(leg)
    await vi.waitFor(() => expect(caller.bridge).toBeDefined(), patient)
    expect(leg.bridge).toBe(caller.bridge)
    expect(world.exchange.bridges.size).toBe(1)
    loseNextAnswer(world.database)
    world.exchange.hangUp(caller)
    await vi.waitFor(async () => expect(await world.rows()).toBe(0), patient)
    expect((await world.records()).map(({ outcome }) => outcome)).toEqual(['answered'])
    const told = (await world.database.all(selectEvents)).map(({ kind }) => kind)
    expect(told.filter((kind) => kind === 'call.ended')).toHaveLength(1)
    const agent = await world.ask('groupAdmin', 'GET', `${group}services/call_agents/`)
    expect(agent.body.agents).toMatchObject([{ state: 'Available' }])
  })
})
