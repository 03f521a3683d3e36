import { afterEach, describe, expect, it } from 'vitest'
import { type CallWorld, createCallWorld } from '../../../../test/call-world.ts'
import { engines } from '../../../../test/engines.ts'
import { hotlineKey } from '../../../../test/kept-records.ts'
import { group, routePoint as routePointUrl } from '../../../../test/world.ts'
import { sql } from '../../../database/database.ts'
import type { RoutePointKey } from '../../route-points/route-point.ts'
import { type KeptRecord, readRecord, replaceRecordCodes } from './record.ts'

const elsewhere: RoutePointKey = ['footenant', 'siblinggroup', 'apiotestrp@sip.netaxis.be']
const selectColumns = sql<Record<string, unknown>>(
  `SELECT dnis, agent_key, caller_number, is_bounced, wait_milliseconds, talk_milliseconds, ended_at
   FROM call_records ORDER BY ended_at, call_id`,
)
const selectCodes = sql<{ level: string; code: string; ended_at: number }>(
  'SELECT level, code, ended_at FROM call_record_codes ORDER BY level, code',
)
const codes = [
  { level: 'Group', code: 'A' },
  { level: 'CallCenter', code: 'A' },
] as const

describe.each(engines)('the record of a call on $name', (engine) => {
  let world: CallWorld
  afterEach(() => world.close())

  /** Somebody calls, speaks with the agent, and hangs up. */
  async function conversation(): Promise<KeptRecord> {
    const caller = await world.call()
    world.exchange.pickUp(await world.offer())
    await expect
      .poll(async () => (await world.calls())[0]?.state, { timeout: 10_000 })
      .toBe('connected')
    world.exchange.hangUp(caller)
    await expect.poll(async () => await world.records(), { timeout: 10_000 }).toHaveLength(1)
    const [record] = await world.records()
    return record?.value as unknown as KeptRecord
  }

  async function setUntil(until: number): Promise<void> {
    await world.database.write((transaction) =>
      transaction.run(sql('INSERT INTO call_figures_until (one, until_at) VALUES (1, ?)'), until),
    )
  }

  it('has in columns what lists and figures look at', async () => {
    world = await createCallWorld(engine)
    const { waitingSince, answeredAt, endedAt } = await conversation()
    expect(await world.database.all(selectColumns)).toEqual([
      {
        dnis: '',
        agent_key: 'agent@sip.netaxis.be',
        caller_number: '+3225550100',
        is_bounced: 0,
        wait_milliseconds: Number(answeredAt) - Number(waitingSince),
        talk_milliseconds: endedAt - Number(answeredAt),
        ended_at: endedAt,
      },
    ])
  })

  it('of a call that nobody took and that never waited has no times of these', async () => {
    world = await createCallWorld(engine)
    await world.ask('system', 'PUT', routePointUrl, { active: false })
    world.exchange.call('+3225126780')
    await expect
      .poll(() => world.database.all(selectColumns), { timeout: 10_000 })
      .toMatchObject([{ agent_key: '', wait_milliseconds: null, talk_milliseconds: null }])
  })

  it('tells who took an offer to a destination as it was given, be it whose it may', async () => {
    world = await createCallWorld(engine)
    await world.call()
    world.exchange.pickUp(await world.offer({ destination: '5001' }))
    await expect
      .poll(async () => (await world.calls())[0]?.state, { timeout: 10_000 })
      .toBe('connected')
    for (const leg of [...world.exchange.legs.values()]) world.exchange.hangUp(leg)
    await expect
      .poll(() => world.records(), { timeout: 10_000 })
      .toMatchObject([{ value: { agent: null, destination: '5001' } }])
    expect(await world.database.all(selectColumns)).toMatchObject([{ agent_key: '' }])
  })

  it('is shown as the call was, with times as times and nothing for what was not', async () => {
    world = await createCallWorld(engine)
    const { callId, arrivedAt, waitingSince, answeredAt, endedAt } = await conversation()
    const moment = (at: unknown) => new Date(Number(at)).toISOString()
    const url = `${routePointUrl}call_records/`
    const { body } = await world.ask('groupAdmin', 'GET', `${url}${callId}/`)
    expect(body).toEqual({
      callId,
      caller: { name: 'Anna', number: '+3225550100' },
      dialled: '+3225126780',
      arrivedAt: moment(arrivedAt),
      waitingSince: moment(waitingSince),
      answeredAt: moment(answeredAt),
      endedAt: moment(endedAt),
      waitSeconds: (Number(answeredAt) - Number(waitingSince)) / 1_000,
      talkSeconds: (endedAt - Number(answeredAt)) / 1_000,
      outcome: 'answered',
      reason: 'The caller hung up.',
      agent: 'agent@sip.netaxis.be',
      offers: 1,
      hops: 0,
      isBounced: false,
      dispositionCodes: [],
    })
    const list = await world.ask('groupAdmin', 'GET', `${url}?agent=AGENT`)
    expect(list.body).toEqual({ callRecords: [body] })
  })

  it('of a call that was sent on belongs to where it ended', async () => {
    world = await createCallWorld(engine)
    const second = `${group}services/route_points/second@sip.netaxis.be/`
    await world.ask('system', 'POST', `${group}services/route_points/`, {
      serviceUserId: 'second',
      serviceInstanceProfile: { name: 'Second', extension: '7002' },
    })
    await world.ask('system', 'PUT', second, { queueLength: 5 })
    const forwarding = { active: true, forwardToPhoneNumber: '7002' }
    await world.ask('system', 'PUT', `${routePointUrl}forced_forwarding/`, forwarding)
    const caller = await world.call()
    const waiting = () => world.ask('groupAdmin', 'GET', `${second}calls/`)
    await expect
      .poll(async () => (await waiting()).body.calls[0]?.state, { timeout: 10_000 })
      .toBe('waiting')
    world.exchange.hangUp(caller)
    const ended = async (of: string) =>
      (await world.ask('groupAdmin', 'GET', `${of}call_records/`)).body.callRecords
    await expect
      .poll(() => ended(second), { timeout: 10_000 })
      .toMatchObject([{ outcome: 'abandoned', hops: 1 }])
    expect(await ended(routePointUrl)).toEqual([])
  })

  it('has nowhere the digits that are not to be kept', async () => {
    const masked = { POINTSMAN_CALLER_DIGITS_MASKED: '4' }
    world = await createCallWorld(engine, {}, undefined, masked)
    world.exchange.call('+3225126780', { caller: { name: '02 555 01 00', number: '+3225550100' } })
    await expect
      .poll(() => world.calls(), { timeout: 10_000 })
      .toMatchObject([{ caller: { name: '02 555 01 00', number: '+3225550100' } }])
    for (const leg of [...world.exchange.legs.values()]) world.exchange.hangUp(leg)
    await expect
      .poll(() => world.records(), { timeout: 10_000 })
      .toMatchObject([{ value: { caller: { name: '02 555 xx xx', number: '+322555xxxx' } } }])
    const rows = await world.database.all(sql('SELECT * FROM call_records'))
    expect(JSON.stringify(rows)).not.toContain('0100')
  })

  it('gets other disposition codes, in its text and where it is found by them', async () => {
    world = await createCallWorld(engine)
    const { callId, endedAt } = await conversation()
    const replace = (
      key: RoutePointKey,
      id: string,
      dispositionCodes: KeptRecord['dispositionCodes'],
    ) =>
      world.database.write((transaction) =>
        replaceRecordCodes(transaction, key, {
          callId: id,
          dispositionCodes: dispositionCodes ?? [],
        }),
      )
    expect(await replace(elsewhere, callId, codes)).toBe(false)
    expect(await replace(hotlineKey, 'none', codes)).toBe(false)
    expect(await world.database.all(selectCodes)).toEqual([])

    expect(await replace(hotlineKey, callId, codes)).toBe(true)
    expect(await world.database.all(selectCodes)).toEqual([
      { level: 'CallCenter', code: 'A', ended_at: endedAt },
      { level: 'Group', code: 'A', ended_at: endedAt },
    ])
    const read = await readRecord(world.database, hotlineKey, callId)
    expect(read?.record.dispositionCodes).toEqual(codes)
    expect(read?.agentKey).toBe('agent@sip.netaxis.be')

    // What was counted no longer changes.
    await setUntil(endedAt + 1)
    expect(await replace(hotlineKey, callId, [])).toBe(false)
    expect(await world.database.all(selectCodes)).toHaveLength(2)
  })

  it('that comes after its quarter of an hour was counted is counted later', async () => {
    world = await createCallWorld(engine)
    const until = Math.ceil(Date.now() / 900_000) * 900_000 + 7_200_000
    await setUntil(until)
    const { endedAt } = await conversation()
    expect(endedAt).toBeLessThan(until)
    expect(await world.database.all(selectColumns)).toMatchObject([{ ended_at: until + 900_000 }])
  })
})
