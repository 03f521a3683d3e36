import { afterEach, expect, it, vi } from 'vitest'
import { type CallWorld, createCallWorld, hotlineNumber } from '../../../../test/call-world.ts'
import { engines } from '../../../../test/engines.ts'
import { routePoint } from '../../../../test/world.ts'
import { sql } from '../../../database/database.ts'

const freeLeases = sql('UPDATE engine_leases SET session = NULL')
const selectSessions = sql<{ session: string | null }>('SELECT session FROM engine_leases')

/** Milliseconds of a busy machine. */
const patient = { timeout: 15_000 }

let world: CallWorld
afterEach(() => world.close())

it.each(engines)(
  'an engine that is taken again while it is still being left has its calls at once: $name',
  async (engine) => {
    world = await createCallWorld(engine)
    const { exchange } = world
    const caller = await world.call()
    const { promise: closing, resolve: letClose } = Promise.withResolvers<void>()
    try {
      const close = vi.spyOn(exchange, 'close').mockReturnValue(closing)
      await world.database.write((transaction) => transaction.run(freeLeases))
      await vi.waitFor(() => expect(close).toHaveBeenCalled(), patient)
      close.mockRestore()
      // The node goes on beating meanwhile, and takes what is free.
      await vi.waitFor(async () => {
        expect(await world.database.all(selectSessions)).not.toEqual([{ session: null }])
      }, patient)
    } finally {
      letClose()
    }
    await vi.waitFor(() => expect(exchange.isReady).toBe(true), patient)
    await vi.waitFor(async () => {
      const [call] = await world.calls()
      const path = `${routePoint}calls/${call?.callId}/offer/`
      const answer = await world.ask('groupAdmin', 'POST', path, { agent: 'agent' })
      expect(answer.status, answer.text).toBe(201)
    }, patient)
    // The queue has counted it once.
    await world.ask('groupAdmin', 'PUT', routePoint, { queueLength: 2 })
    await world.call()
    const third = exchange.call(hotlineNumber)
    await vi.waitFor(() => expect(exchange.legs.has(third.id)).toBe(false), patient)
    exchange.hangUp(caller)
    await vi.waitFor(async () => expect(await world.calls()).toHaveLength(1), patient)
  },
  60_000,
)
