import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type CallWorld, createCallWorld, hotlineNumber } from '../../../../test/call-world.ts'
import { engines } from '../../../../test/engines.ts'
import { group, routePoint } from '../../../../test/world.ts'
import { sql } from '../../../database/database.ts'
import { EngineFault } from '../../../engines/engine.ts'
import { DatabaseUnavailable } from '../../../errors.ts'

describe.each(engines)('calls on $name', (engine) => {
  let world: CallWorld

  afterEach(async () => {
    await world.close()
  })

  async function put(setting: string, body: object): Promise<void> {
    const answer = await world.ask('groupAdmin', 'PUT', `${routePoint}${setting}`, body)
    expect(answer.status, answer.text).toBe(200)
  }

  /** Waits until nothing of any call is left, and answers how they ended. */
  async function outcomes(): Promise<string[]> {
    await vi.waitFor(async () => expect(await world.rows()).toBe(0), 5_000)
    expect(world.exchange.legs.size).toBe(0)
    expect([...world.exchange.bridges.values()].flatMap((legs) => [...legs])).toEqual([])
    return (await world.records()).map(({ outcome }) => outcome)
  }

  async function stateOfFirst(): Promise<string | undefined> {
    return (await world.calls())[0]?.state
  }

  it('that no route point is to get are turned away, and leave nothing', async () => {
    world = await createCallWorld(engine, { peers: ['trunk'] })
    const { exchange } = world
    exchange.call('+3225999999')
    exchange.call('x'.repeat(200))
    exchange.call('\r\nVia: x')
    exchange.call('agent', { domain: 'sip.netaxis.be' })
    exchange.call(hotlineNumber, { peer: 'stranger' })
    await vi.waitFor(() => expect(exchange.legs.size).toBe(0))
    expect(exchange.released.map(({ cause }) => cause).sort()).toEqual([1, 1, 1, 1, 21])
    expect(await outcomes()).toEqual([])
  })

  it('wait, are offered, answered and recorded', async () => {
    world = await createCallWorld(engine)
    const caller = await world.call()
    await vi.waitFor(() => expect(caller.plays.size).toBe(1))
    expect(await world.calls()).toMatchObject([{ state: 'waiting', place: 1, offers: 0 }])
    const agent = await world.offer()
    expect(agent.dialling).toMatchObject({
      to: { kind: 'agent', userId: 'agent@sip.netaxis.be', extension: '5001' },
      from: { name: 'Anna', number: '+3225550100' },
    })
    world.exchange.pickUp(agent)
    await vi.waitFor(() => expect(caller.bridge).toBeDefined())
    expect(agent.bridge).toBe(caller.bridge)
    expect(await world.calls()).toMatchObject([
      { state: 'connected', offer: { agent: 'agent@sip.netaxis.be' } },
    ])
    world.exchange.hangUp(caller)
    expect(await outcomes()).toEqual(['answered'])
    expect((await world.records())[0]?.value).toMatchObject({
      agent: 'agent@sip.netaxis.be',
      dialled: hotlineNumber,
      offers: 1,
      reason: 'The caller hung up.',
    })
  })

  it('are as many as the queue is long, however many come at once', async () => {
    world = await createCallWorld(engine)
    await put('', { queueLength: 3 })
    for (let count = 0; count < 10; count += 1) world.exchange.call(hotlineNumber)
    await vi.waitFor(() => expect(world.exchange.released).toHaveLength(7))
    expect(world.exchange.released.every(({ cause }) => cause === 17)).toBe(true)
    await vi.waitFor(async () => expect(await world.calls()).toHaveLength(3))
    expect((await world.calls()).map(({ place }) => place)).toEqual([1, 2, 3])
    for (const leg of [...world.exchange.legs.values()]) world.exchange.hangUp(leg)
    expect((await outcomes()).sort()).toEqual([
      ...Array.from({ length: 3 }, () => 'abandoned'),
      ...Array.from({ length: 7 }, () => 'overflowed'),
    ])
  })

  it('show a caller’s name as far as it is one', async () => {
    world = await createCallWorld(engine)
    const name = `${'A'.repeat(300)}`
    world.exchange.call(hotlineNumber, { caller: { name, number: `+32${'1'.repeat(300)}` } })
    world.exchange.call(hotlineNumber, {
      caller: { name: 'Eve\r\nAlert-Info: x\u0000\ud800', number: '' },
    })
    await vi.waitFor(async () => expect(await world.calls()).toHaveLength(2))
    const shown = (await world.calls()).map(({ caller }) => caller)
    expect(shown.map((caller) => caller.name).sort()).toEqual([
      'A'.repeat(80),
      'Eve  Alert-Info: x \ufffd',
    ])
    for (const leg of [...world.exchange.legs.values()]) world.exchange.hangUp(leg)
    await outcomes()
  })

  it('are sent on from one route point to another, as the settings of each say', async () => {
    world = await createCallWorld(engine)
    const second = { serviceUserId: 'second', queueLength: 5 }
    const profile = { serviceInstanceProfile: { name: 'Second', extension: '7002' } }
    const points = `${group}services/route_points/`
    await world.ask('groupAdmin', 'POST', points, { ...second, ...profile })
    await put('forced_forwarding/', { active: true, forwardToPhoneNumber: '7002' })
    await world.call()
    expect(await world.calls()).toEqual([])
    const { body } = await world.ask('groupAdmin', 'GET', `${points}second/calls/`)
    expect(body.calls).toMatchObject([{ state: 'waiting' }])
    await world.ask('groupAdmin', 'DELETE', `${points}second/`)
    for (const leg of [...world.exchange.legs.values()]) world.exchange.hangUp(leg)
    expect(await outcomes()).toEqual(['abandoned'])
  })

  it('ring for ever nowhere: two route points that forward to each other end with 480', async () => {
    world = await createCallWorld(engine)
    const points = `${group}services/route_points/`
    const profile = { serviceInstanceProfile: { name: 'Second', extension: '7002' } }
    await world.ask('groupAdmin', 'POST', points, { serviceUserId: 'second', ...profile })
    const back = { active: true, forwardToPhoneNumber: '5000' }
    await world.ask('groupAdmin', 'PUT', `${points}second/forced_forwarding/`, back)
    await put('forced_forwarding/', { active: true, forwardToPhoneNumber: '7002' })
    world.exchange.call(hotlineNumber)
    await vi.waitFor(() => expect(world.exchange.released).toMatchObject([{ cause: 19 }]))
    expect(await outcomes()).toEqual(['refused'])
  })

  it('come back from an agent who is not reached, and the agent is not rung in a fast loop', async () => {
    world = await createCallWorld(engine)
    const caller = await world.call()
    const first = await world.offer()
    world.exchange.hangUp(first, 'unavailable')
    await vi.waitFor(async () => expect(await stateOfFirst()).toBe('waiting'))
    await expect(world.offer()).rejects.toThrow('can be tried')
    world.exchange.hangUp(caller)
    expect(await outcomes()).toEqual(['abandoned'])
  })

  it.each(['gone', 'refused', 'unreachable'] as const)(
    'do not suffer from what is %s to the engine, at any command',
    async (kind) => {
      world = await createCallWorld(engine)
      const { exchange } = world
      for (const command of ['answer', 'play', 'claim'] as const) {
        exchange.faults.set(command, kind)
        const leg = exchange.call(hotlineNumber)
        await vi.waitFor(() => expect(exchange.faults.size).toBe(0))
        exchange.hangUp(leg)
      }
      for (const command of ['dial', 'connect', 'stop'] as const) {
        const caller = await world.call()
        exchange.faults.set(command, kind)
        const [call] = await world.calls()
        const offer = `${routePoint}calls/${call?.callId}/offer/`
        await world.ask('groupAdmin', 'POST', offer, { destination: '+3225126779' })
        await vi.waitFor(() => {
          const [leg] = exchange.ringing()
          if (leg) exchange.pickUp(leg)
          expect(exchange.faults.size).toBe(0)
        })
        // Nobody was dialled, or connected: the caller waits on.
        await vi.waitFor(async () => expect(await stateOfFirst()).toBe('waiting'))
        exchange.hangUp(caller)
        await vi.waitFor(async () => expect(await world.calls()).toEqual([]))
      }
      // A call that cannot be claimed would be ended by the engine: it is turned away, as if it had not come.
      expect(await outcomes()).toHaveLength(kind === 'gone' ? 6 : 5)
    },
  )

  it('wait on while the database is away; new ones go to the engine’s own fallback', async () => {
    world = await createCallWorld(engine)
    const caller = await world.call()
    const { database } = world
    const { write, get, all } = database
    const away = async () => {
      throw new DatabaseUnavailable(new Error('It is away.'))
    }
    Object.assign(database, { write: away, get: away, all: away })
    const other = world.exchange.call(hotlineNumber)
    await vi.waitFor(() => expect(world.exchange.handedBack).toEqual([other.id]))
    expect(caller.plays.size).toBe(1)
    world.exchange.hangUp(caller)
    Object.assign(database, { write, get, all })
    expect(await outcomes()).toEqual(['abandoned'])
  })

  it('go on after a restart as they were, and each ends once', async () => {
    world = await createCallWorld(engine)
    const { exchange } = world
    const callers = [await world.call(), await world.call(), await world.call(), await world.call()]
    const [connected, ringing, waiting, gone] = callers
    if (!connected || !ringing || !waiting || !gone) throw new Error('No calls.')
    const agent = await world.offer({ destination: '+3225126771' })
    exchange.pickUp(agent)
    await vi.waitFor(() => expect(connected.bridge).toBeDefined())
    const rung = await world.offer({ destination: '+3225126772' })
    const closing = world.app.close()
    await closing
    exchange.hangUp(gone)
    exchange.pickUp(rung)
    const newcomer = exchange.call(hotlineNumber)
    waiting.plays.clear()
    await world.restart()
    await vi.waitFor(() => expect(ringing.bridge).toBeDefined())
    await vi.waitFor(() => expect(waiting.plays.size).toBe(1))
    await vi.waitFor(() => expect(newcomer.callId).toBeDefined())
    expect(connected.bridge).toBe(agent.bridge)
    expect((await world.calls()).map(({ state }) => state).sort()).toEqual([
      'connected',
      'connected',
      'waiting',
      'waiting',
    ])
    for (const leg of [connected, ringing, waiting, newcomer]) exchange.hangUp(leg)
    expect((await outcomes()).sort()).toEqual([
      'abandoned',
      'abandoned',
      'answered',
      'answered',
      'failed',
    ])
  })

  it.each([
    ['are damaged where they are kept', `value = '{"phase":'`],
    ['have no parts', `value = '{"leg":"x","phase":{"name":"offered"},"timers":{}}'`],
    ['are another’s', `value = replace(value, '"routePoint":["', '"routePoint":["x')`],
  ])('that %s are recorded as failed, and their callers come anew', async (_, damage) => {
    world = await createCallWorld(engine)
    const callers = [await world.call(), await world.call()]
    await world.app.close()
    await world.database.write((transaction) =>
      transaction.run(
        sql(`UPDATE calls SET ${damage} WHERE call_id = (SELECT min(call_id) FROM calls)`),
      ),
    )
    await world.restart()
    // The other goes on as it was.
    await vi.waitFor(async () =>
      expect((await world.calls()).map(({ state }) => state)).toEqual(['waiting', 'waiting']),
    )
    for (const caller of callers) world.exchange.hangUp(caller)
    expect((await outcomes()).sort()).toEqual(['abandoned', 'abandoned', 'failed'])
  })

  it('have one record though their callers hang up while the engine is looked through', async () => {
    world = await createCallWorld(engine)
    const { exchange } = world
    const caller = await world.call()
    caller.plays.clear()
    exchange.faults.set('play', 'gone')
    await exchange.survey()
    await vi.waitFor(async () => expect(await world.calls()).toEqual([]))
    exchange.hangUp(caller)
    expect(await outcomes()).toEqual(['abandoned'])
  })

  it('are looked at one by one: what lasts or fails for one holds up no other', async () => {
    world = await createCallWorld(engine)
    const { exchange } = world
    const callers = [await world.call(), await world.call(), await world.call()]
    const [failing, lasting, silent] = callers
    if (!failing || !lasting || !silent) throw new Error('No calls.')
    const [of] = failing.plays.keys()
    const { isPlaying, play } = exchange
    exchange.isPlaying = async (id) => {
      if (id === of) throw new EngineFault('unreachable', 'The test wants it so.')
      return isPlaying.call(exchange, id)
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    exchange.play = async (leg, ...more) => {
      if (leg === lasting.id) await promise
      await play.call(exchange, leg, ...more)
    }
    lasting.plays.clear()
    silent.plays.clear()
    await exchange.survey()
    await vi.waitFor(() => expect(silent.plays.size).toBe(1))
    expect(lasting.plays.size).toBe(0)
    callers.push(await world.call())
    resolve()
    await vi.waitFor(() => expect(lasting.plays.size).toBe(1))
    for (const caller of callers) exchange.hangUp(caller)
    expect(await outcomes()).toEqual(callers.map(() => 'abandoned'))
  })

  it('are connected though their ringing should have ended while nobody treated them', async () => {
    world = await createCallWorld(engine)
    const { exchange } = world
    const caller = await world.call()
    const rung = await world.offer({ destination: '+3225126771', ringSeconds: 1 })
    await world.app.close()
    exchange.pickUp(rung)
    const { isPlaying } = exchange
    exchange.isPlaying = async (play) => {
      await delay(200)
      return isPlaying.call(exchange, play)
    }
    await delay(1_000)
    await world.restart()
    await vi.waitFor(() => expect(caller.bridge).toBeDefined())
    exchange.hangUp(caller)
    expect(await outcomes()).toEqual(['answered'])
  })

  it('overflow though the first try to have them do so failed', async () => {
    world = await createCallWorld(engine)
    await put('overflow/', { overflowAfterTimeout: true, timeoutSeconds: 1 })
    const caller = await world.call()
    const { database } = world
    const { write } = database
    const broken = vi.fn(async () => {
      Object.assign(database, { write })
      throw new Error('The test wants it so.')
    })
    Object.assign(database, { write: broken })
    await vi.waitFor(() => expect(broken).toHaveBeenCalledOnce(), 5_000)
    await vi.waitFor(async () => expect(await stateOfFirst()).toBe('overflowed'), 10_000)
    world.exchange.hangUp(caller)
    expect(await outcomes()).toEqual(['overflowed'])
  })

  it('hear what happens to them however much is asked of them', async () => {
    world = await createCallWorld(engine)
    const caller = await world.call()
    const [call] = await world.calls()
    const path = `${routePoint}calls/${call?.callId}/offer/`
    const offer = () => world.ask('groupAdmin', 'POST', path, { destination: '+3225126779' })
    const answers = await Promise.all(Array.from({ length: 60 }, offer))
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1)
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201, 409, 503]))
    world.exchange.hangUp(caller)
    expect(await outcomes()).toEqual(['abandoned'])
  })

  it('leave no leg and no bridge of ours behind that no call knows of', async () => {
    world = await createCallWorld(engine)
    const { exchange } = world
    await exchange.dial('pointsman-nobody-1', {
      to: { kind: 'number', number: '1' },
      from: { name: '', number: '' },
      callId: 'nobody',
    })
    exchange.bridges.set('pointsman-nobody-2', new Set())
    await exchange.survey()
    expect(exchange.legs.size).toBe(0)
    expect(exchange.bridges.size).toBe(0)
    await outcomes()
  })

  it('of a route point that is damaged are told so and end; the others go on', async () => {
    world = await createCallWorld(engine)
    await put('overflow/', { timeoutSeconds: 31 })
    await world.database.write((transaction) =>
      transaction.run(
        sql(`UPDATE route_point_settings SET value = '[' WHERE setting = 'overflow'`),
      ),
    )
    world.exchange.call(hotlineNumber)
    await vi.waitFor(() => expect(world.exchange.released).toMatchObject([{ cause: 38 }]))
    expect(await outcomes()).toEqual(['failed'])
  })

  it('are not shed for what lasts on the engine', async () => {
    world = await createCallWorld(engine)
    await put('', { queueLength: 525 })
    const { exchange } = world
    const { promise, resolve } = Promise.withResolvers<void>()
    exchange.play = () => promise
    for (let count = 1; count <= 130; count += 1) {
      exchange.call(hotlineNumber)
      await vi.waitFor(async () => expect(await world.rows()).toBe(count), 10_000)
    }
    expect(exchange.released).toEqual([])
    resolve()
    for (const leg of [...exchange.legs.values()]) exchange.hangUp(leg)
    expect(await outcomes()).toHaveLength(130)
  }, 60_000)

  it('that are over before it is known whom they call are over at once', async () => {
    world = await createCallWorld(engine)
    await put('', { queueLength: 0 })
    for (let count = 0; count < 10; count += 1) {
      world.exchange.hangUp(world.exchange.call(hotlineNumber))
    }
    await vi.waitFor(async () => expect(await world.records()).toHaveLength(10))
    await outcomes()
  })

  it('are shed with 503 where more come at once than can be treated, and none is half treated', async () => {
    world = await createCallWorld(engine)
    await put('', { queueLength: 525 })
    for (let count = 0; count < 300; count += 1) world.exchange.call(hotlineNumber)
    await vi.waitFor(() => {
      const claimed = [...world.exchange.legs.values()].filter(({ callId }) => callId !== undefined)
      expect(claimed.length + world.exchange.released.length).toBe(300)
    }, 20_000)
    expect(new Set(world.exchange.released.map(({ cause }) => cause))).toEqual(new Set([34]))
    expect(world.exchange.released).toHaveLength(200)
    for (const leg of [...world.exchange.legs.values()]) world.exchange.hangUp(leg)
    expect(await outcomes()).toHaveLength(100)
  }, 60_000)
})
