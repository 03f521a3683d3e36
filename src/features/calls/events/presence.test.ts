import { afterEach, describe, expect, it, vi } from 'vitest'
import { type CallWorld, createCallWorld } from '../../../../test/call-world.ts'
import { engines } from '../../../../test/engines.ts'
import { expectRefusal, group, routePoint } from '../../../../test/world.ts'
import { presenceSecondsMax } from '../live/presence.ts'

const presence = `${group}services/call_events/presence/`

const [engine] = engines
if (!engine) throw new Error('There is no engine.')

describe('whoever says that a routing system is there', () => {
  let world: CallWorld

  afterEach(() => world.close())

  it('is an admin of the group, and names route points of it', async () => {
    world = await createCallWorld(engine)
    expectRefusal(await world.ask('nobody', 'POST', presence, {}), 401)
    expectRefusal(await world.ask('departmentAdmin', 'POST', presence, {}), 403)
    expectRefusal(await world.ask('siblingAdmin', 'POST', presence, {}), 404)
    const strange = await world.ask('groupAdmin', 'POST', `${presence}?routePoint=none`, {})
    expectRefusal(strange, 400, [{ code: 2, parameter: 'routePoint' }])
    const surprise = await world.ask('groupAdmin', 'POST', presence, { surprise: 1 })
    expectRefusal(surprise, 400, [{ code: expect.any(Number), parameter: 'surprise' }])
    // As of every operation that takes a body.
    expect((await world.ask('groupAdmin', 'POST', presence)).status).toBe(400)
    expect((await world.ask('groupAdmin', 'POST', presence, {})).text).toBe('{}')
  })

  it('keeps the failover policy away, and brings it by being silent', async () => {
    world = await createCallWorld(engine)
    await world.ask('system', 'PUT', `${routePoint}failover_policy/`, {
      enableFailoverSupport: true,
      failoverPhoneNumber: '+3225126779',
    })
    await world.call()
    const started = performance.now()
    const present = async () => {
      const answer = await world.ask('groupAdmin', 'POST', `${presence}?routePoint=APIOTestRP`, {})
      expect(answer.status).toBe(200)
      // After the start, nobody is taken for gone as long.
      return performance.now() - started > (presenceSecondsMax + 5) * 1_000
    }
    await expect.poll(present, { interval: 1_000, timeout: 60_000 }).toBe(true)
    expect((await world.calls()).map(({ state }) => state)).toEqual(['waiting'])
    await vi.waitFor(
      async () => expect((await world.calls()).map(({ state }) => state)).toEqual(['forwarded']),
      { timeout: (presenceSecondsMax + 30) * 1_000, interval: 500 },
    )
  }, 150_000)
})
