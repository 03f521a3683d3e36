import Type from 'typebox'
import Value from 'typebox/value'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type CallWorld, createCallWorld } from '../../../../test/call-world.ts'
import { engines } from '../../../../test/engines.ts'
import { group, routePoint } from '../../../../test/world.ts'
import { sql } from '../../../database/database.ts'
import { CallEvent } from './event.ts'
import { type NewEvent, tellEvents } from './tell.ts'

const selectEvents = sql<{
  tenant_key: string | null
  group_key: string | null
  route_point_key: string
  happened_at: number
  kind: string
  value: string
}>(
  `SELECT tenant_key, group_key, route_point_key, happened_at, kind, value FROM call_events WHERE call_id <> ''
   ORDER BY position`,
)

describe.each(engines)('what is told of calls on $name', (engine) => {
  let world: CallWorld

  afterEach(() => world.close())

  async function told() {
    const rows = await world.database.all(selectEvents)
    return rows.map(({ value, ...row }) => ({ ...row, value: JSON.parse(value) }))
  }

  async function kinds() {
    return (await told()).map(({ kind }) => kind)
  }

  it('is kept with the call, in order, each with the call as it then was', async () => {
    world = await createCallWorld(engine)
    const caller = await world.call()
    const phone = await world.offer()
    world.exchange.pickUp(phone)
    await vi.waitFor(async () => expect((await world.calls())[0]?.state).toBe('connected'))
    world.exchange.hangUp(caller)
    await vi.waitFor(async () => expect(await world.rows()).toBe(0))
    const events = await told()
    expect(events.map(({ value }) => [value.type, value.call.state])).toEqual([
      ['call.arrived', 'waiting'],
      ['call.queued', 'waiting'],
      ['call.offered', 'offered'],
      ['call.answered', 'connected'],
      ['call.ended', 'ended'],
    ])
    for (const { kind, happened_at, route_point_key, value } of events) {
      expect(value).toMatchObject({
        type: kind,
        at: new Date(happened_at).toISOString(),
        routePoint: route_point_key,
        call: { callId: caller.callId, caller: { number: '+3225550100' } },
      })
    }
    const { callId, ...ended } = events.at(-1)?.value.call ?? {}
    expect(ended).toMatchObject({ offers: 1, offer: { offerId: '1', agent: expect.any(String) } })
    expect(events.at(-1)?.value).toMatchObject({ outcome: 'answered' })
    expect(callId).toBe(caller.callId)
  })

  it('is what OpenAPI says, and nothing besides', async () => {
    world = await createCallWorld(engine)
    const caller = await world.call()
    world.exchange.hangUp(await world.offer(), 'declined')
    await vi.waitFor(async () => expect(await kinds()).toHaveLength(5))
    await world.ask('system', 'PUT', `${routePoint}overflow/`, {
      action: 'Transfer',
      transferPhoneNumber: '+3225126779',
      overflowAfterTimeout: true,
      timeoutSeconds: 0,
    })
    world.exchange.hangUp(caller)
    await world.call()
    await vi.waitFor(async () => expect(await kinds()).toContain('call.forwarded'))
    const strict = Type.Object(CallEvent.properties, { additionalProperties: false })
    const calls = (await told()).filter(({ kind }) => kind.startsWith('call.'))
    for (const { value } of calls) expect([...Value.Errors(strict, value)], value.type).toEqual([])
    expect(new Set(calls.map(({ kind }) => kind)).size).toBeGreaterThan(5)
  })

  it('is told once by a write that is done again, since its answer was lost', async () => {
    world = await createCallWorld(engine)
    const event = {
      group: ['footenant', 'foogroup'] as const,
      routePointKey: '',
      kind: 'call.queued',
      at: 0,
      body: {},
      ofCall: { id: 'c1', number: 1 },
    }
    const other = { ...event, ofCall: { id: 'c1', number: 2 } }
    const otherwise = { ...event, kind: 'call.overflowed' }
    const tell = (events: readonly NewEvent[]) =>
      world.database.write((transaction) => tellEvents(transaction, events))
    await tell([event, other])
    await tell([event, other])
    // What was decided otherwise the second time is told as well.
    await tell([otherwise])
    expect(await kinds()).toEqual(['call.queued', 'call.queued', 'call.overflowed'])
  })

  it('says how an offer failed, and whom it was made to', async () => {
    world = await createCallWorld(engine)
    await world.call()
    const phone = await world.offer()
    world.exchange.hangUp(phone, 'declined')
    await vi.waitFor(async () =>
      expect((await kinds()).slice(3)).toEqual(['call.offerFailed', 'call.queued']),
    )
    expect((await told())[3]?.value).toMatchObject({
      how: 'declined',
      offer: { offerId: '1' },
      call: { state: 'waiting' },
    })
  })

  it('leaves nothing behind of a command that was only tried', async () => {
    world = await createCallWorld(engine)
    await world.call()
    const [call] = await world.calls()
    const path = `${routePoint}calls/${call?.callId}/offer/?dryRun=true`
    const answer = await world.ask('groupAdmin', 'POST', path, { agent: 'agent' })
    expect(answer.status).toBe(201)
    expect(await kinds()).toEqual(['call.arrived', 'call.queued'])
  })

  it('is told where a call was and where it goes, each of its own', async () => {
    world = await createCallWorld(engine)
    await world.ask('system', 'POST', `${group}services/route_points/`, {
      serviceUserId: 'second',
      serviceInstanceProfile: { name: 'Second', extension: '5009' },
      queueLength: 5,
    })
    await world.call()
    const [call] = await world.calls()
    const path = `${routePoint}calls/${call?.callId}/offer/`
    const answer = await world.ask('groupAdmin', 'POST', path, { destination: '5009' })
    expect(answer.text).toContain('offerId')
    const events = (await told()).slice(2)
    expect(events.map(({ kind, value }) => [kind, value.routePoint.split('@')[0]])).toEqual([
      ['call.forwarded', 'apiotestrp'],
      ['call.arrived', 'second'],
      ['call.queued', 'second'],
    ])
    expect(events[0]?.value).toMatchObject({ hasLeft: true, destination: '5009' })
  })

  it('is nobody’s when its group is deleted, and what is then left of a call is not told', async () => {
    world = await createCallWorld(engine)
    const caller = await world.call()
    expect((await world.ask('system', 'DELETE', `${group}?deleteNonEmpty=1`)).status).toBe(200)
    world.exchange.hangUp(caller)
    await vi.waitFor(async () => expect(await world.rows()).toBe(0))
    expect(
      (await told()).map(({ kind, tenant_key, group_key }) => [kind, tenant_key, group_key]),
    ).toEqual([
      ['call.arrived', null, null],
      ['call.queued', null, null],
    ])
  })
})
