import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CallWorld, createCallWorld } from '../../../../test/call-world.ts'
import { engines } from '../../../../test/engines.ts'
import { expectNothingStored } from '../../../../test/every-write.ts'
import { expectRefusal, group, type Person, routePoint } from '../../../../test/world.ts'

interface ShownStep {
  at: number
  event: string
  state: string
  actions: string[]
  because: { setting: string; member: string; value: unknown }[]
  isIgnored: boolean
}

describe.each(engines)('a call in thought on $name', (engine) => {
  let world: CallWorld
  beforeAll(async () => {
    world = await createCallWorld(engine)
    const dnis = { name: 'Sales', phoneNumber: '+3225126790', extension: '5002' }
    await world.ask('groupAdmin', 'POST', `${routePoint}dnis/`, dnis)
  })
  afterAll(() => world.close())

  const path = `${routePoint}simulation/`

  async function simulate(body: object): Promise<{ steps: ShownStep[]; outcome?: string }> {
    const answer = await world.ask('groupAdmin', 'POST', path, body)
    expect(answer.status, answer.text).toBe(200)
    return answer.body
  }

  async function put(setting: string, body: object): Promise<void> {
    const answer = await world.ask('groupAdmin', 'PUT', `${routePoint}${setting}`, body)
    expect(answer.status, answer.text).toBe(200)
  }

  it.each<[object, number, string]>([
    [{ surprise: 1 }, 2, 'surprise'],
    [{ waitingCalls: 526 }, 2, 'waitingCalls'],
    [{ dialled: '+3225126791' }, 2, 'dialled'],
    [{ dialled: '5001' }, 2, 'dialled'],
    [{ dialled: 'x'.repeat(200) }, 2, 'dialled'],
    [{ events: [{ event: 'dance' }] }, 2, 'events[0].event'],
    [{ events: [{ event: 'wait', seconds: 14_401 }] }, 2, 'events[0].seconds'],
    [{ events: [{ event: 'answer' }, { event: 'offer' }] }, 9, 'events[1].agent'],
    [{ events: [{ event: 'offer', agent: 'a', destination: '1' }] }, 9, 'events[0].agent'],
    [{ events: [{ event: 'offer', agent: 'nobody' }] }, 2, 'events[0].agent'],
    [{ events: [{ event: 'offer', destination: 'a b' }] }, 2, 'events[0].destination'],
    [{ events: Array.from({ length: 51 }, () => ({ event: 'answer' })) }, 2, 'events'],
  ])('is refused for %o', async (body, code, parameter) => {
    await expectNothingStored(world, async () => {
      const answer = await world.ask('groupAdmin', 'POST', path, body)
      expectRefusal(answer, 400, [{ code, parameter }])
    })
  })

  it.each<[Person, number]>([
    ['nobody', 401],
    ['endUser', 403],
    ['departmentAdmin', 403],
    ['siblingAdmin', 404],
    ['otherTenantAdmin', 404],
  ])('is none of %s’s: %i', async (who, status) => {
    expectRefusal(await world.ask(who, 'POST', path, {}), status)
    const none = `${group}services/route_points/none/simulation/`
    expectRefusal(await world.ask('groupAdmin', 'POST', none, {}), 404)
  })

  it('stores nothing and calls nobody, whatever happens in it', async () => {
    await expectNothingStored(world, async () => {
      const { steps, outcome } = await simulate({
        dialled: '5002',
        events: [
          { event: 'wait', seconds: 5 },
          { event: 'offer', agent: 'agent' },
          { event: 'answer' },
          { event: 'wait', seconds: 60 },
          { event: 'callerHangsUp' },
          { event: 'offer', agent: 'agent' },
        ],
      })
      expect(steps.map(({ at, event, state }) => [at, event, state])).toEqual([
        [0, 'arrives', 'waiting'],
        [5, 'offer', 'offered'],
        [5, 'answer', 'connected'],
        [65, 'callerHangsUp', 'ended'],
      ])
      expect(outcome).toBe('answered')
    })
    expect(world.exchange.commands).toEqual([])
  })

  it('tells the setting and the member that decided each step', async () => {
    await put('overflow/', { action: 'Transfer', transferPhoneNumber: '+3225126779' })
    const { steps, outcome } = await simulate({
      waitingCalls: 10,
      events: [{ event: 'refuse', how: 'busy' }],
    })
    expect(steps[0]).toMatchObject({ actions: ['goes to +3225126779'], state: 'leaving' })
    expect(steps[0]?.because).toContainEqual({
      setting: 'route_points',
      member: 'queueLength',
      value: 10,
    })
    expect(steps[0]?.because.at(-1)).toEqual({
      setting: 'overflow',
      member: 'transferPhoneNumber',
      value: '+3225126779',
    })
    expect(steps.map(({ event }) => event)).toEqual(['arrives', 'leaves', 'refuse'])
    expect(outcome).toBe('failed')
    await put('overflow/', { action: 'Busy' })
  })

  it('lets time pass and what is due happen in it, and tells of events that mean nothing', async () => {
    await put('bounced_call/', { active: true, numberOfRingsBeforeBouncingCall: 2 })
    const { steps } = await simulate({
      events: [
        { event: 'answer' },
        { event: 'offer', agent: 'agent' },
        { event: 'wait', seconds: 20 },
        { event: 'withdraw' },
      ],
    })
    expect(steps.map(({ at, event, state }) => [at, event, state])).toEqual([
      [0, 'arrives', 'waiting'],
      [0, 'answer', 'waiting'],
      [0, 'offer', 'offered'],
      [12, 'noAnswer', 'waiting'],
      [20, 'withdraw', 'waiting'],
    ])
    expect(steps[3]?.because).toContainEqual({
      setting: 'bounced_call',
      member: 'active',
      value: true,
    })
    expect(steps.map(({ isIgnored }) => isIgnored)).toEqual([false, true, false, false, true])
    await put('bounced_call/', { active: false })
  })

  it('tells nobody which ids of another tenant are route points', async () => {
    const told: string[] = []
    for (const user of ['otherRP', 'nobody']) {
      const forwardToPhoneNumber = `${user}@other.example`
      await put('forced_forwarding/', { active: true, forwardToPhoneNumber })
      told.push(JSON.stringify((await simulate({})).steps).replaceAll(user, 'USER'))
    }
    expect(told[0]).toBe(told[1])
    await put('forced_forwarding/', { active: false })
  })

  it('goes as far as the group does, and tells nothing of another', async () => {
    const sibling = '/api/v1/tenants/footenant/groups/siblinggroup/services/route_points/siblingRP/'
    const profile = { serviceInstanceProfile: { phoneNumber: '+3225126795' }, queueLength: 7 }
    await world.ask('system', 'PUT', sibling, profile)
    await put('forced_forwarding/', { active: true, forwardToPhoneNumber: '+3225126795' })
    const answer = await simulate({ events: [{ event: 'wait', seconds: 60 }] })
    expect(answer.steps.at(-1)?.actions).toEqual(['goes on at a route point of another group'])
    expect(JSON.stringify(answer)).not.toContain('"value":7')
    await put('forced_forwarding/', { active: false })
  })

  it('has a failover where no routing system is connected', async () => {
    await put('failover_policy/', { enableFailoverSupport: true, failoverPhoneNumber: '5001' })
    const { steps } = await simulate({ routingSystem: false })
    expect(steps[0]?.because).toContainEqual({
      setting: 'failover_policy',
      member: 'enableFailoverSupport',
      value: true,
    })
    expect(steps.at(-1)).toMatchObject({ event: 'leaves', state: 'forwarded' })
    const waiting = await simulate({ events: [{ event: 'routingSystem' }] })
    expect(waiting.steps.map(({ state }) => state)).toEqual(['waiting', 'leaving', 'forwarded'])
  })

  it.each([
    [{}, 'no caller'],
    [{ callerNumber: '+3225550100' }, '+3225550100'],
    [{ callerName: 'Anna' }, "'Anna'"],
  ])('says what a phone shows of a caller that tells %o', async (caller, shown) => {
    const { steps } = await simulate({ ...caller, events: [{ event: 'offer', agent: 'agent' }] })
    const [rings = ''] = steps[1]?.actions ?? []
    expect(rings.split(', ringing')[0]).toBe(`rings at the agent, which shows ${shown}`)
  })

  it('says what a live call then does', async () => {
    await put('failover_policy/', { enableFailoverSupport: false })
    await put('distinctive_ringing/', {
      distinctiveRinging: true,
      ringPatternForRoutePoint: 'Short-Long-Short',
    })
    await put('dnis_config/', { displayDNISName: true })
    const { steps } = await simulate({
      dialled: '+3225126790',
      callerName: 'Anna',
      callerNumber: '+3225550100',
      events: [{ event: 'offer', agent: 'agent' }],
    })
    expect(steps[1]?.actions).toContain(
      "rings at the agent, which shows 'Sales' +3225550100, ringing Short-Long-Short",
    )
    const caller = await world.call('+3225126790')
    const { dialling } = await world.offer()
    expect(dialling).toMatchObject({
      from: { name: 'Sales', number: '+3225550100' },
      alertInfo: 'Bellcore-dr4',
    })
    world.exchange.hangUp(caller)
  })
})
