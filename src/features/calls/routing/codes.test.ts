import { setImmediate } from 'node:timers/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type CallWorld, createCallWorld } from '../../../../test/call-world.ts'
import { engines } from '../../../../test/engines.ts'
import { expectNothingStored } from '../../../../test/every-write.ts'
import { expectRefusal, group, type Person, password, routePoint } from '../../../../test/world.ts'
import { sql } from '../../../database/database.ts'

const own = { code: 'OWN', level: 'CallCenter' }
const spare = { code: 'SPARE', level: 'CallCenter' }
const ofGroup = { code: 'GROUP', level: 'Group' }
const config = `${routePoint}disposition_codes_config/`
const groupCodes = `${group}services/call_centers_properties/disposition_codes/`

/** Milliseconds of a busy machine. */
const patient = { timeout: 15_000 }

const age = sql(
  `UPDATE call_records SET ended_at = ended_at - ?, value = replace(value, ?, ?) WHERE call_id = ?`,
)
const selectCodes = sql<{ level: string; code: string }>(
  'SELECT level, code FROM call_record_codes ORDER BY level, code',
)

describe.each(engines)('the disposition codes of a call on $name', (engine) => {
  let world: CallWorld

  afterEach(async () => {
    for (const leg of [...world.exchange.legs.values()]) world.exchange.hangUp(leg)
    await vi.waitFor(async () => expect(await world.rows()).toBe(0), patient)
    await world.close()
  })

  async function must(method: string, path: string, body: object) {
    const answer = await world.ask('groupAdmin', method, path, body)
    expect(answer.status, `${path} ${answer.text}`).toBeLessThan(300)
    return answer
  }

  async function open() {
    world = await createCallWorld(engine)
    for (const code of ['OWN', 'SPARE', 'GONE']) {
      await must('POST', `${routePoint}disposition_codes/`, { code, active: code !== 'GONE' })
    }
    await must('POST', groupCodes, { code: 'GROUP' })
    await must('PUT', config, { enableCallDispositionCodes: true })
  }

  async function conversation(body: object = { agent: 'agent' }) {
    const caller = await world.call()
    const phone = await world.offer(body)
    world.exchange.pickUp(phone)
    await vi.waitFor(() => expect(caller.bridge).toBeDefined(), patient)
    const callId = caller.callId ?? ''
    return { caller, phone, callId, path: pathOf(callId) }
  }

  const pathOf = (callId: string) => `${routePoint}calls/${callId}/disposition_codes/`
  const get = (path: string, who: Person = 'endUser') => world.ask(who, 'GET', path)
  const put = (path: string, codes: unknown, who: Person = 'endUser', headers = {}) =>
    world.ask(who, 'PUT', path, { dispositionCodes: codes }, headers)

  async function hangUp(leg: Parameters<CallWorld['exchange']['hangUp']>[0]) {
    world.exchange.hangUp(leg)
    await vi.waitFor(async () => expect(await world.rows()).toBe(0), patient)
  }

  async function recorded(): Promise<unknown> {
    const [record] = await world.records()
    const codes = record?.value.dispositionCodes as { level: string; code: string }[]
    expect(await world.database.all(selectCodes)).toEqual(
      codes
        .map(({ level, code }) => ({ level, code }))
        .sort((one, other) =>
          `${one.level}${one.code}`.localeCompare(`${other.level}${other.code}`),
        ),
    )
    return codes
  }

  /** A user who is nobody's agent yet. */
  async function secondAgent() {
    const person = { userId: 'second', firstName: 'A', lastName: 'B', password }
    await world.ask('system', 'POST', `${group}users/`, person)
    const credentials = { username: 'second@sip.netaxis.be', password }
    const { headers } = await world.ask('nobody', 'POST', '/api/v1/login/', credentials)
    const cookie = String(headers['set-cookie']).split(';', 1)[0] ?? ''
    return (method: string, path: string, body?: object) =>
      world.ask('nobody', method, path, body, { cookie })
  }

  it('are nobody’s but the admins’ of the group and those of the agent who took it', async () => {
    await open()
    const { caller, path } = await conversation()
    const second = await secondAgent()
    const none = await get(pathOf('none'), 'system')
    const people: [Person, number][] = [
      ['nobody', 401],
      ['departmentAdmin', 404],
      ['siblingAdmin', 404],
      ['otherTenantAdmin', 404],
    ]
    const closed = () =>
      expectNothingStored(world, async () => {
        for (const [who, status] of people) {
          expectRefusal(await get(path, who), status)
          expectRefusal(await put(path, [own], who), status)
          // Whoever may not know of the call is not told what is wrong with the request either.
          expectRefusal(await put(path, 'x', who), status)
        }
        for (const answer of [await second('GET', path), await second('PUT', path, { bad: 1 })]) {
          expectRefusal(answer, 404)
          expect(answer.body.errors).toEqual(none.body.errors)
        }
      })
    await closed()
    for (const who of ['endUser', 'groupAdmin', 'tenantAdmin', 'system'] as const) {
      expect((await get(path, who)).status).toBe(200)
      expect((await put(path, [own], who)).body).toEqual({ dispositionCodes: [own] })
    }
    await hangUp(caller)
    await closed()
    for (const who of ['endUser', 'groupAdmin', 'tenantAdmin', 'system'] as const) {
      expect((await put(path, [spare], who)).body).toEqual({ dispositionCodes: [spare] })
      expect((await get(path, who)).body).toEqual({ dispositionCodes: [spare] })
    }
  })

  it('are an agent’s only with a token that is, and an admin’s only with one that is an admin’s', async () => {
    await open()
    const { path } = await conversation()
    const tokenOf = async (who: Person, level: number) => {
      const body = { name: `narrow ${who}`, userLevel: level }
      const answer = await world.ask(who, 'POST', '/api/v1/tokens/', body)
      expect(answer.status, answer.text).toBe(201)
      return { authorization: `Bearer ${answer.body.token}` }
    }
    const asked = async (headers: Record<string, string>) =>
      (await world.ask('nobody', 'GET', path, undefined, headers)).status
    expect(await asked(await tokenOf('groupAdmin', 0))).toBe(404)
    expect(await asked(await tokenOf('tenantAdmin', 8))).toBe(200)
    expect(await asked(await tokenOf('endUser', 0))).toBe(200)
  })

  it('are refused where they mean nothing, and nothing changes then', async () => {
    await open()
    const { caller, path } = await conversation()
    const eleven = Array.from({ length: 11 }, (_, index) => ({ code: `${index}`, level: 'Group' }))
    const refused: [codes: unknown, parameters: string[]][] = [
      [undefined, ['dispositionCodes']],
      ['OWN', ['dispositionCodes']],
      [eleven, ['dispositionCodes']],
      [[own, spare, own], ['dispositionCodes[2]']],
      [[{ code: 'OWN' }], ['dispositionCodes[0].level']],
      [[{ ...own, surprise: 1 }], ['dispositionCodes[0].surprise']],
      [[{ code: 'OWN', level: 'Mine' }], ['dispositionCodes[0].level']],
      [
        [own, { code: 'own', level: 'CallCenter' }, { code: 'GONE', level: 'CallCenter' }, ofGroup],
        ['dispositionCodes[1]', 'dispositionCodes[2]', 'dispositionCodes[3]'],
      ],
    ]
    const all = async () => {
      for (const [codes, parameters] of refused) {
        const faults = parameters.map((parameter) => ({ code: 2, parameter }))
        const answer = await put(path, codes)
        if (codes === undefined) expectRefusal(answer, 400, [{ code: 2 }])
        else expectRefusal(answer, 400, faults)
      }
    }
    await expectNothingStored(world, all)
    await must('PUT', config, { enableCallDispositionCodes: false })
    const off = [{ code: 9, parameter: 'dispositionCodes' }]
    await expectNothingStored(world, async () => {
      expectRefusal(await put(path, [own]), 400, off)
    })
    await must('PUT', config, { enableCallDispositionCodes: true })
    await hangUp(caller)
    await expectNothingStored(world, all)
    await must('PUT', config, { enableCallDispositionCodes: false })
    await expectNothingStored(world, async () => {
      expectRefusal(await put(path, [own]), 400, off)
    })
  })

  it('are given while somebody speaks, and recorded in place of the default', async () => {
    await open()
    const forced = { forceUseOfCallDispositionCodes: true, defaultCallDispositionCode: spare }
    await must('PUT', config, { ...forced, includeOrganizationCodes: true })
    const { caller, path } = await conversation()
    const first = await get(path)
    expect(first.body).toEqual({ dispositionCodes: [] })
    const headers = { 'if-match': String(first.headers.etag) }
    const dry = await world.ask('endUser', 'PUT', `${path}?dryRun=true`, {
      dispositionCodes: [own],
    })
    expect(dry.body).toEqual({ dispositionCodes: [own] })
    const given = await put(path, [ofGroup, own], 'endUser', headers)
    expect(given.body).toEqual({ dispositionCodes: [ofGroup, own] })
    expectRefusal(await put(path, [], 'endUser', headers), 412)
    expect((await get(path)).headers.etag).toBe(given.headers.etag)
    // A code that the call has is not judged again.
    await must('PUT', `${routePoint}disposition_codes/OWN/`, { active: false })
    const key = { 'idempotency-key': 'codes-that-are-sent-twice' }
    const again = await put(path, [own], 'endUser', key)
    expect(again.body).toEqual({ dispositionCodes: [own] })
    await hangUp(caller)
    expect(await recorded()).toEqual([own])
    expect((await put(path, [own], 'endUser', key)).text).toBe(again.text)
  })

  it('are the default where one must be given and none is', async () => {
    await open()
    const forced = { forceUseOfCallDispositionCodes: true, defaultCallDispositionCode: spare }
    await must('PUT', config, forced)
    const { phone, path } = await conversation()
    await put(path, [own])
    expect((await put(path, [])).body).toEqual({ dispositionCodes: [] })
    await hangUp(phone)
    expect(await recorded()).toEqual([spare])
    expect((await get(path)).body).toEqual({ dispositionCodes: [spare] })
    expect((await put(path, [own])).body).toEqual({ dispositionCodes: [own] })
    expect(await recorded()).toEqual([own])
    expect((await put(path, [])).body).toEqual({ dispositionCodes: [spare] })
    expect(await recorded()).toEqual([spare])
  })

  it('are given after the call as long as a wrap-up may last, a minute at least', async () => {
    await open()
    await must('PUT', routePoint, { wrapUpSeconds: 100 })
    const { caller, path, callId } = await conversation()
    await hangUp(caller)
    const { etag } = (await get(path)).headers
    const headers = { 'if-match': String(etag) }
    expect((await put(path, [own], 'endUser', headers)).status).toBe(200)
    expectRefusal(await put(path, [spare], 'endUser', headers), 412)
    const dry = await world.ask('endUser', 'PUT', `${path}?dryRun=true`, { dispositionCodes: [] })
    expect(dry.body).toEqual({ dispositionCodes: [] })
    expect(await recorded()).toEqual([own])
    const passes = async (seconds: number) => {
      const endedAt = Number((await world.records())[0]?.value.endedAt)
      const texts = [endedAt, endedAt - seconds * 1_000].map((at) => `"endedAt":${at}`) as [
        string,
        string,
      ]
      const change = [seconds * 1_000, ...texts, callId] as const
      await world.database.write((transaction) => transaction.run(age, ...change))
    }
    await passes(70)
    expect((await put(path, [spare])).status).toBe(200)
    await must('PUT', routePoint, { wrapUpSeconds: 5 })
    for (const who of ['endUser', 'groupAdmin'] as const) {
      await expectNothingStored(world, async () => {
        const answer = await put(path, [own], who)
        expectRefusal(answer, 409)
        expect(answer.body.errors[0].message).toMatch(
          /over; it could be given codes until 20.*Z\.$/,
        )
      })
    }
    // What it has is shown as long as its record is kept.
    expect((await get(path)).body).toEqual({ dispositionCodes: [spare] })
  })

  it('are none of a call that nobody has taken', async () => {
    await open()
    const caller = await world.call()
    const path = pathOf(caller.callId ?? '')
    expectRefusal(await get(path), 404)
    const waiting = await expectNothingStored(world, () => put(path, [own], 'groupAdmin'))
    expectRefusal(waiting, 409)
    expect(waiting.body.errors[0].message).toContain("'waiting'")
    await world.offer()
    // Not theirs before they have taken it.
    expectRefusal(await put(path, [own]), 404)
    await hangUp(caller)
    const over = await expectNothingStored(world, () => put(path, [own], 'groupAdmin'))
    expectRefusal(over, 409, [{ code: 409, message: 'Nobody had taken the call.' }])
    expectRefusal(await put(path, [own]), 404)
    expect(await recorded()).toEqual([])
  })

  it('are not told by a destination whose telephone took the call', async () => {
    await open()
    const { caller, path } = await conversation({ destination: '5001' })
    expectRefusal(await get(path), 404)
    expect((await put(path, [own], 'groupAdmin')).status).toBe(200)
    await hangUp(caller)
    expectRefusal(await get(path), 404)
    expect(await recorded()).toEqual([own])
  })

  it('find the call where it is, also in the moment of its end', async () => {
    await open()
    for (let turns = 0; turns < 24; turns += 1) {
      const { caller, path, callId } = await conversation()
      const putting = put(path, [own])
      for (let turn = 0; turn < turns; turn += 1) await setImmediate()
      const [answer] = await Promise.all([putting, hangUp(caller)])
      expect(answer.status, answer.text).toBe(200)
      const record = (await world.records()).find(({ value }) => value.callId === callId)
      expect(record?.value.dispositionCodes).toEqual([own])
    }
  })

  it('go on with the call when the service is started again', async () => {
    await open()
    const { caller, path } = await conversation()
    await put(path, [own])
    await world.restart()
    await vi.waitFor(async () => expect((await put(path, [own, spare])).status).toBe(200), patient)
    await hangUp(caller)
    expect(await recorded()).toEqual([own, spare])
  })
})
