import { afterEach, describe, expect, it, vi } from 'vitest'
import { type CallWorld, createCallWorld, hotlineNumber } from '../../../../test/call-world.ts'
import { engines } from '../../../../test/engines.ts'
import { routePoint } from '../../../../test/world.ts'
import { createRegistry } from '../../../metrics/registry.ts'
import { outcomes } from '../call.ts'

describe.each(engines)('what is counted of calls on $name', (engine) => {
  let world: CallWorld
  let registry: ReturnType<typeof createRegistry>
  afterEach(() => world.close())

  async function open(changed: object = {}): Promise<void> {
    registry = createRegistry()
    world = await createCallWorld(engine, changed, registry)
  }

  /** The value of each line of a metric that is not 0, by its labels. */
  async function valuesOf(name: string): Promise<Record<string, number>> {
    const lines = (await registry.metrics()).split('\n')
    const found = lines.flatMap((line) => {
      const [, label = '', value] = new RegExp(`^${name}(?:{\\w+="(.+)"})? (.+)$`).exec(line) ?? []
      return value === undefined || value === '0' ? [] : [[label, Number(value)]]
    })
    return Object.fromEntries(found)
  }

  const allGone = () => vi.waitFor(async () => expect(await world.rows()).toBe(0), 15_000)

  it('begins with 0 for every outcome and every reason to turn one away', async () => {
    await open()
    const text = await registry.metrics()
    for (const outcome of outcomes) {
      expect(text).toContain(`pointsman_calls_total{outcome="${outcome}"} 0\n`)
    }
    for (const why of ['unknown', 'peer', 'shed', 'unavailable', 'failed']) {
      expect(text).toContain(`pointsman_calls_turned_away_total{why="${why}"} 0\n`)
    }
    expect(text).toContain('pointsman_calls_waiting 0\n')
    expect(text).toContain('pointsman_call_decision_seconds_count 0\n')
  })

  it('is how they ended, once each, and how many wait now', async () => {
    await open()
    const { exchange } = world
    const taken = await world.call()
    const waiting = await world.call()
    await expect.poll(() => valuesOf('pointsman_calls_waiting')).toEqual({ '': 2 })
    exchange.pickUp(await world.offer())
    // Who is offered waits still, and who is connected does not.
    await expect.poll(() => valuesOf('pointsman_calls_waiting')).toEqual({ '': 1 })
    expect(await valuesOf('pointsman_calls_total')).toEqual({})
    exchange.hangUp(waiting)
    await expect.poll(() => valuesOf('pointsman_calls_total')).toEqual({ abandoned: 1 })
    await vi.waitFor(() => expect(taken.bridge).toBeDefined())
    exchange.hangUp(taken)
    await allGone()
    // Two arrived and waited, one was offered and answered, both ended.
    expect(await valuesOf('pointsman_call_events_total')).toEqual({ '': 8 })
    const answer = await world.ask('groupAdmin', 'PUT', routePoint, { queueLength: 0 })
    expect(answer.status, answer.text).toBe(200)
    exchange.call(hotlineNumber)
    const ended = { abandoned: 1, answered: 1, overflowed: 1 }
    await expect.poll(() => valuesOf('pointsman_calls_total'), { timeout: 15_000 }).toEqual(ended)
    await allGone()
    expect(await valuesOf('pointsman_calls_waiting')).toEqual({})
    const records = await world.records()
    expect(records.map(({ outcome }) => outcome).sort()).toEqual(Object.keys(ended).sort())
  })

  it('is why they were turned away', async () => {
    await open({ peers: ['trunk'] })
    world.exchange.call('+3225999999')
    world.exchange.call('+3225999998')
    world.exchange.call(hotlineNumber, { peer: 'stranger' })
    await vi.waitFor(() => expect(world.exchange.legs.size).toBe(0))
    expect(await valuesOf('pointsman_calls_turned_away_total')).toEqual({ unknown: 2, peer: 1 })
    expect(await valuesOf('pointsman_calls_total')).toEqual({})
  })

  it('is that they were shed', async () => {
    await open()
    for (let count = 0; count < 101; count += 1) world.exchange.call(hotlineNumber)
    await expect
      .poll(() => valuesOf('pointsman_calls_turned_away_total'), { timeout: 15_000 })
      .toEqual({ shed: 1 })
    for (const leg of [...world.exchange.legs.values()]) world.exchange.hangUp(leg)
    await allGone()
  })

  it('is how long each decision took', async () => {
    await open()
    const began = performance.now()
    world.exchange.hangUp(await world.call())
    await allGone()
    const passed = (performance.now() - began) / 1_000
    const { '': decisions = 0 } = await valuesOf('pointsman_call_decision_seconds_count')
    const { '': seconds = 0 } = await valuesOf('pointsman_call_decision_seconds_sum')
    // It came, and it went.
    expect(decisions).toBeGreaterThanOrEqual(2)
    expect(seconds).toBeGreaterThan(0)
    expect(seconds).toBeLessThan(passed)
  })
})
