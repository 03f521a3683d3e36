import { afterEach, describe, expect, it, vi } from 'vitest'
import { type CallWorld, createCallWorld } from '../../../../test/call-world.ts'
import { engines } from '../../../../test/engines.ts'
import { expectNothingStored } from '../../../../test/every-write.ts'
import {
  expectRefusal,
  group,
  type Person,
  routePoint,
  siblingGroup,
} from '../../../../test/world.ts'

describe.each(engines)('a routing system on $name', (engine) => {
  let world: CallWorld

  afterEach(async () => {
    for (const leg of [...world.exchange.legs.values()]) world.exchange.hangUp(leg)
    await vi.waitFor(async () => expect(await world.rows()).toBe(0))
    await world.close()
  })

  const path = (callId: string | undefined) => `${routePoint}calls/${callId}/`

  async function waitingCall(): Promise<string> {
    await world.call()
    const id = (await world.calls()).at(-1)?.callId
    if (id === undefined) throw new Error('No call waits.')
    return id
  }

  function offer(callId: string, body: unknown, headers = {}) {
    return world.ask('groupAdmin', 'POST', `${path(callId)}offer/`, body, headers)
  }

  it('is refused what means nothing, and nothing happens then', async () => {
    world = await createCallWorld(engine)
    const callId = await waitingCall()
    const refused: [body: unknown, code: number, parameter: string][] = [
      [{ surprise: 1, agent: 'agent' }, 2, 'surprise'],
      [{}, 9, 'agent'],
      [{ agent: 'agent', destination: '5001' }, 9, 'agent'],
      [{ agent: 'nobody' }, 2, 'agent'],
      [{ agent: 'x'.repeat(162) }, 2, 'agent'],
      [{ agent: 'APIOTestRP' }, 2, 'agent'],
      [{ destination: 'a b' }, 2, 'destination'],
      [{ destination: '5000' }, 2, 'destination'],
      [{ agent: 'agent', ringSeconds: 0 }, 2, 'ringSeconds'],
      [{ agent: 'agent', ringSeconds: 121 }, 2, 'ringSeconds'],
      [{ agent: 'agent', forceDelivery: 'yes' }, 2, 'forceDelivery'],
    ]
    const people: [Person, number][] = [
      ['nobody', 401],
      ['endUser', 403],
      ['departmentAdmin', 403],
      ['siblingAdmin', 404],
      ['otherTenantAdmin', 404],
    ]
    await expectNothingStored(world, async () => {
      for (const [body, code, parameter] of refused) {
        expectRefusal(await offer(callId, body), 400, [{ code, parameter }])
      }
      for (const [who, status] of people) {
        const body = { agent: 'agent' }
        const answer = await world.ask(who, 'POST', `${path(callId)}offer/`, body)
        expectRefusal(answer, status)
        expectRefusal(await world.ask(who, 'GET', `${routePoint}calls/`), status)
      }
      expectRefusal(await offer('none', { agent: 'agent' }), 404)
      const elsewhere = `${group}services/route_points/none/calls/${callId}/`
      expectRefusal(await world.ask('groupAdmin', 'GET', elsewhere), 404)
      const release = await world.ask('groupAdmin', 'POST', `${path(callId)}release/`, {
        cause: 'x',
      })
      expectRefusal(release, 400, [{ code: 2, parameter: 'cause' }])
    })
    expect(world.exchange.ringing()).toEqual([])
  })

  it('offers a call once: who comes second is told what it is now', async () => {
    world = await createCallWorld(engine)
    const callId = await waitingCall()
    const answers = await Promise.all([
      offer(callId, { destination: '+3225126771' }),
      offer(callId, { destination: '+3225126772' }),
    ])
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409])
    const lost = answers.find(({ status }) => status === 409)
    expect(lost?.body.errors[0].message).toContain("'offered'")
    const won = answers.find(({ status }) => status === 201)
    expect(won?.body).toEqual({ offerId: '1' })
    expect(won?.headers.location).toMatch(/\/offer\/1\/$/)
    expect(world.exchange.ringing()).toHaveLength(1)
  })

  it('offers an agent one call at a time', async () => {
    world = await createCallWorld(engine)
    const calls = [await waitingCall(), await waitingCall(), await waitingCall()]
    const answers = await Promise.all(calls.map((callId) => offer(callId, { agent: 'AGENT' })))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409])
    const messages = answers.flatMap(({ body }) => body.errors?.[0].message ?? [])
    expect(new Set(messages)).toEqual(new Set(['The agent has another call.']))
    // By their extension they are the same.
    const free = calls.find((_, index) => answers[index]?.status === 409) ?? ''
    expectRefusal(await offer(free, { destination: '5001' }), 409)
    expect(world.exchange.ringing()).toHaveLength(1)
  })

  it('acts only on the call as it has seen it, under If-Match', async () => {
    world = await createCallWorld(engine)
    const callId = await waitingCall()
    const { etag } = (await world.ask('groupAdmin', 'GET', path(callId))).headers
    const headers = { 'if-match': String(etag) }
    expectRefusal(await offer(callId, { agent: 'agent' }, { 'if-match': '"other"' }), 412)
    expect((await offer(callId, { agent: 'agent' }, headers)).status).toBe(201)
    const withdrawal = `${path(callId)}offer/1/`
    expectRefusal(await world.ask('groupAdmin', 'DELETE', withdrawal, undefined, headers), 412)
    expect((await world.ask('groupAdmin', 'DELETE', withdrawal)).status).toBe(200)
    expectRefusal(await world.ask('groupAdmin', 'DELETE', withdrawal), 409)
    await vi.waitFor(() => expect(world.exchange.ringing()).toEqual([]))
    expect((await world.calls())[0]).toMatchObject({ state: 'waiting', offers: 1, place: 1 })
    const again = await offer(callId, { agent: 'agent' })
    expectRefusal(again, 409)
    expect(again.headers['retry-after']).toBe('1')
    // Nor is a number outside rung again and again.
    const destination = '+3225126779'
    expect((await offer(callId, { destination })).status).toBe(201)
    const other = `${path(callId)}offer/2/`
    expect((await world.ask('groupAdmin', 'DELETE', other)).status).toBe(200)
    expectRefusal(await offer(callId, { destination }), 409)
    expect((await offer(callId, { destination: '+3225126778' })).status).toBe(201)
  })

  it('is shown no more of a user by a number than that number', async () => {
    world = await createCallWorld(engine)
    const user = {
      userId: 'hidden',
      firstName: 'Hidden',
      lastName: 'User',
      phoneNumber: '+3225550001',
    }
    await world.ask('system', 'POST', `${siblingGroup}users/`, user)
    const callId = await waitingCall()
    const other = await waitingCall()
    expect((await offer(callId, { destination: '+3225550001' })).status).toBe(201)
    const shown = (await world.calls()).find((call) => call.callId === callId)
    expect(shown?.offer).toEqual({
      offerId: '1',
      destination: '+3225550001',
      forceDelivery: expect.any(Boolean),
    })
    const refused = await offer(other, { destination: '+3225550001' })
    expectRefusal(refused, 409)
    expect(refused.text).not.toMatch(/agent|hidden/i)
  })

  it('has an agent’s telephone answer by itself where delivery is forced', async () => {
    world = await createCallWorld(engine)
    const settings = { forceDeliveryOfCalls: true, forceDeliveryWaitTimeSeconds: 5 }
    await world.ask('groupAdmin', 'PUT', routePoint, settings)
    const callInfos = async (body: object) => {
      const callId = await waitingCall()
      expect((await offer(callId, body)).status).toBe(201)
      const [phone] = await vi.waitFor(() => {
        const ringing = world.exchange.ringing()
        expect(ringing).toHaveLength(1)
        return ringing
      })
      const callInfo = phone?.dialling?.callInfo
      expect((await world.ask('groupAdmin', 'POST', `${path(callId)}release/`, {})).status).toBe(
        200,
      )
      await vi.waitFor(async () => expect(await world.rows()).toBe(0))
      return callInfo
    }
    expect(await callInfos({ agent: 'agent' })).toBe('<sip:test>;answer-after=5')
    expect(await callInfos({ destination: '+3225126779' })).toBeUndefined()
    expect(await callInfos({ agent: 'agent', forceDelivery: false })).toBeUndefined()
  })

  it('gets the same answer again under an Idempotency-Key, also when the call is over', async () => {
    world = await createCallWorld(engine)
    const callId = await waitingCall()
    const key = { 'idempotency-key': 'an-offer-that-is-sent-twice' }
    const first = await offer(callId, { agent: 'agent' }, key)
    const again = await offer(callId, { agent: 'agent' }, key)
    expect([first.status, again.status, again.text]).toEqual([201, 201, first.text])
    expect(world.exchange.ringing()).toHaveLength(1)
    const release = `${path(callId)}release/`
    expect((await world.ask('groupAdmin', 'POST', release, {})).status).toBe(200)
    await vi.waitFor(async () => expect(await world.rows()).toBe(0))
    expect((await offer(callId, { agent: 'agent' }, key)).text).toBe(first.text)
    expectRefusal(await offer(callId, { agent: 'agent' }), 404)
  })

  it('sees who waits in the order in which they are to be taken', async () => {
    world = await createCallWorld(engine)
    const bounced = { active: true, bounceCallWhenAgentUnavailable: true }
    await world.ask('groupAdmin', 'PUT', `${routePoint}bounced_call/`, bounced)
    const [first, second, third] = [await waitingCall(), await waitingCall(), await waitingCall()]
    await offer(third, { agent: 'agent' })
    const [leg] = world.exchange.ringing()
    if (!leg) throw new Error('Nobody is rung.')
    world.exchange.hangUp(leg, 'busy')
    await vi.waitFor(async () => expect((await world.calls())[0]?.isBounced).toBe(true))
    const calls = await world.calls()
    expect(calls.map(({ callId, place }) => [callId, place])).toEqual([
      [third, 1],
      [first, 2],
      [second, 3],
    ])
    const list = async (query: string) => {
      const { status, headers, body } = await world.ask(
        'groupAdmin',
        'GET',
        `${routePoint}calls/?${query}`,
      )
      expect(status).toBe(200)
      return {
        total: headers['x-total-count'],
        ids: body.calls.map((one: { callId: string }) => one.callId),
      }
    }
    expect(await list('pageSize=1&startIndex=2')).toEqual({ total: '3', ids: [first] })
    expect(await list('sensitiveStateEquals=offered')).toEqual({ total: '0', ids: [] })
    const wrong = await world.ask('groupAdmin', 'GET', `${routePoint}calls/?routing=yes&surprise=1`)
    expect(wrong.status).toBe(400)
  })

  it('is there as long as it asks, and calls go elsewhere when it no longer does', async () => {
    world = await createCallWorld(engine)
    let later = 0
    const now = performance.now.bind(performance)
    const clock = vi.spyOn(performance, 'now').mockImplementation(() => now() + later)
    const date = Date.now.bind(Date)
    const wallClock = vi.spyOn(Date, 'now').mockImplementation(() => date() + later)
    try {
      const policy = { enableFailoverSupport: true, failoverPhoneNumber: '+3225126779' }
      await world.ask('groupAdmin', 'PUT', `${routePoint}failover_policy/`, policy)
      const ask = () => world.ask('groupAdmin', 'GET', `${routePoint}calls/?routing=true`)
      expect((await ask()).status).toBe(200)
      later = 29_000
      await waitingCall()
      later = 31_000
      await vi.waitFor(() => expect(world.exchange.ringing()).toHaveLength(1), 5_000)
      expect(world.exchange.ringing()[0]?.dialling?.to).toEqual({
        kind: 'number',
        number: '+3225126779',
      })
    } finally {
      clock.mockRestore()
      wallClock.mockRestore()
    }
  })
})
