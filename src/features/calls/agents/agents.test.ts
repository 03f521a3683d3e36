import { pino } from 'pino'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { type CallWorld, createCallWorld } from '../../../../test/call-world.ts'
import { engines } from '../../../../test/engines.ts'
import { expectNothingStored } from '../../../../test/every-write.ts'
import {
  expectRefusal,
  group,
  type Person,
  password,
  routePoint,
  siblingGroup,
} from '../../../../test/world.ts'
import { buildApp } from '../../../app.ts'
import { readConfig } from '../../../config.ts'
import { sql } from '../../../database/database.ts'

const setting = `${group}users/agent/services/call_centers/`
const list = `${group}services/call_agents/`

const selectTold = sql<{ group_key: string; route_point_key: string; value: string }>(
  `SELECT group_key, route_point_key, value FROM call_events WHERE kind = 'agent.changed' ORDER BY position`,
)
const endWrapUp = sql('UPDATE agent_states SET until_at = ?, since_at = ?')

/** Milliseconds of a busy machine. */
const patient = { timeout: 15_000 }

describe.each(engines)('agents on $name', (engine) => {
  let world: CallWorld

  afterEach(async () => {
    for (const leg of [...world.exchange.legs.values()]) world.exchange.hangUp(leg)
    await vi.waitFor(async () => expect(await world.rows()).toBe(0), patient)
    await world.close()
  })

  async function put(path: string, body: object, who: Person = 'groupAdmin') {
    const answer = await world.ask(who, 'PUT', path, body)
    expect(answer.status, answer.text).toBe(200)
    return answer.body
  }
  const set = (body: object) => put(setting, body, 'endUser')
  const shown = async () => (await world.ask('endUser', 'GET', setting)).body
  const agents = async (query = '') =>
    (await world.ask('groupAdmin', 'GET', `${list}${query}`)).body
  const configure = (body: object) => put(routePoint, body)

  async function told() {
    const rows = await world.database.all(selectTold)
    return rows.map(({ value, ...row }) => ({ ...row, ...JSON.parse(value) }))
  }

  async function offer(body: object = { agent: 'agent' }) {
    const [waiting] = (await world.calls()).filter(({ state }) => state === 'waiting')
    return world.ask('groupAdmin', 'POST', `${routePoint}calls/${waiting?.callId}/offer/`, body)
  }

  /** A call in which the agent speaks. */
  async function conversation() {
    const caller = await world.call()
    const phone = await world.offer()
    world.exchange.pickUp(phone)
    await vi.waitFor(() => expect(caller.bridge).toBeDefined(), patient)
    return { caller, phone }
  }

  async function over() {
    await vi.waitFor(async () => expect(await world.rows()).toBe(0), patient)
  }

  it('are shown to no one but the admins of their group', async () => {
    world = await createCallWorld(engine)
    const people: [Person, number][] = [
      ['nobody', 401],
      ['endUser', 403],
      ['departmentAdmin', 403],
      ['siblingAdmin', 404],
      ['otherTenantAdmin', 404],
    ]
    for (const [who, status] of people) expectRefusal(await world.ask(who, 'GET', list), status)
    expect(await agents()).toEqual({ agents: [] })
    await set({ agentState: 'Available' })
    // Nothing was set that was not so already.
    expect(await agents()).toEqual({ agents: [] })
    await set({ agentState: 'Unavailable', agentUnavailableCode: 'LUNCH' })
    expect(await agents('?sensitiveStateEquals=Available')).toEqual({ agents: [] })
    for (const query of ['', '?insensitiveUnavailableCodeStarts=lun&pageSize=1']) {
      expect(await agents(query)).toEqual({
        agents: [
          {
            agent: 'agent@sip.netaxis.be',
            state: 'Unavailable',
            unavailableCode: 'LUNCH',
            since: expect.stringMatching(/Z$/),
          },
        ],
      })
    }
  })

  it('are told of to followers of their group, once for each change', async () => {
    world = await createCallWorld(engine)
    await set({ agentState: 'Unavailable', agentUnavailableCode: 'LUNCH' })
    await set({ agentState: 'Unavailable' })
    await world.ask('endUser', 'PUT', `${setting}?dryRun=true`, { agentState: 'Wrap-Up' })
    await set({ agentState: 'Available' })
    expect(await told()).toMatchObject([
      {
        group_key: 'foogroup',
        route_point_key: '',
        type: 'agent.changed',
        agent: 'agent@sip.netaxis.be',
        state: 'Unavailable',
        unavailableCode: 'LUNCH',
      },
      { state: 'Available' },
    ])
    const { state, since } = (await told())[1] ?? {}
    expect((await agents()).agents).toEqual([{ agent: 'agent@sip.netaxis.be', state, since }])
  })

  it('are on a call from its ring to its end, and then what was set meanwhile', async () => {
    world = await createCallWorld(engine)
    const caller = await world.call()
    const phone = await world.offer()
    const call = { callId: caller.callId, routePoint: 'apiotestrp@sip.netaxis.be' }
    const onCall = { state: 'On-Call', nextState: 'Available' }
    expect((await agents()).agents).toMatchObject([{ ...onCall, ...call }])
    world.exchange.pickUp(phone)
    await vi.waitFor(() => expect(caller.bridge).toBeDefined(), patient)
    expect(await shown()).toMatchObject({ agentState: 'On-Call', agentNextState: 'Available' })
    const busy = await set({ agentState: 'Unavailable', agentUnavailableCode: 'LUNCH' })
    const next = { agentNextState: 'Unavailable', agentUnavailableCode: 'LUNCH' }
    expect(busy).toMatchObject({ agentState: 'On-Call', ...next })
    // What GET answered can be sent back.
    expect(await set(await shown())).toEqual(await shown())
    world.exchange.hangUp(caller)
    await over()
    expect(await shown()).toMatchObject({
      agentState: 'Unavailable',
      agentUnavailableCode: 'LUNCH',
    })
    expect((await told()).map((one) => [one.state, one.nextState, one.callId])).toEqual([
      ['On-Call', 'Available', caller.callId],
      ['On-Call', 'Unavailable', caller.callId],
      ['Unavailable', undefined, undefined],
    ])
    expect((await told()).at(-1)?.since).toBe((await shown()).agentStateSince)
  })

  it('are free again when nobody has answered, since then', async () => {
    world = await createCallWorld(engine)
    await configure({ enableAutomaticStateChangeForAgents: true, agentStateAfterCall: 'Wrap-Up' })
    await world.call()
    const phone = await world.offer()
    const { since } = (await agents()).agents[0]
    world.exchange.hangUp(phone, 'busy')
    await vi.waitFor(
      async () => expect((await agents()).agents[0].state).toBe('Available'),
      patient,
    )
    const [agent] = (await agents()).agents
    expect(agent.callId).toBeUndefined()
    expect(Date.parse(agent.since)).toBeGreaterThanOrEqual(Date.parse(since))
  })

  it.each([
    [
      'what they were, while the change is off,',
      { agentStateAfterCall: 'Unavailable' },
      { state: 'Available' },
    ],
    ['what they were, where no state is told,', { enabled: true }, { state: 'Available' }],
    ['available', { enabled: true, agentStateAfterCall: 'Available' }, { state: 'Available' }],
    [
      'unavailable, with the code',
      { enabled: true, agentStateAfterCall: 'Unavailable', agentUnavailableCode: 'AFTER' },
      { state: 'Unavailable', unavailableCode: 'AFTER' },
    ],
    [
      'in a wrap-up of their own',
      { enabled: true, agentStateAfterCall: 'Wrap-Up', wrapUpSeconds: 5 },
      { state: 'Wrap-Up', until: undefined },
    ],
    [
      'in a wrap-up for as long as the route point says',
      { enabled: true, agentStateAfterCall: 'Wrap-Up', overrides: true, wrapUpSeconds: 600 },
      { state: 'Wrap-Up', until: 600 },
    ],
    [
      'available where that is no time',
      { enabled: true, agentStateAfterCall: 'Wrap-Up', overrides: true, wrapUpSeconds: 0 },
      { state: 'Available' },
    ],
  ])(
    'are %s after a call',
    async (_, { enabled, overrides, ...rest }: Record<string, unknown>, expected: Record<
      string,
      unknown
    >) => {
      world = await createCallWorld(engine)
      await configure({
        enableAutomaticStateChangeForAgents: enabled === true,
        overrideAgentWrapUpTime: overrides === true,
        ...rest,
      })
      const { phone } = await conversation()
      world.exchange.hangUp(phone)
      await over()
      const [agent] = (await agents()).agents
      const { until, ...others } = expected
      expect(agent).toMatchObject(others)
      const seconds = agent.until && (Date.parse(agent.until) - Date.parse(agent.since)) / 1_000
      if (until === undefined) expect(seconds).toBeUndefined()
      else expect(Math.abs(seconds - Number(until))).toBeLessThan(15)
      expect((await told()).at(-1)).toMatchObject(agent)
    },
  )

  it('of another group whom a destination reaches are not this route point’s to set or to have answer', async () => {
    world = await createCallWorld(engine)
    const number = '+3225550001'
    const other = { userId: 'other', firstName: 'Other', lastName: 'User', phoneNumber: number }
    await world.ask('system', 'POST', `${siblingGroup}users/`, other)
    await configure({
      enableAutomaticStateChangeForAgents: true,
      agentStateAfterCall: 'Unavailable',
      agentUnavailableCode: 'THEIRS',
    })
    const caller = await world.call()
    const phone = await world.offer({ destination: number, forceDelivery: true })
    expect(phone.dialling?.to.kind).toBe('agent')
    expect(phone.dialling).not.toHaveProperty('callInfo')
    world.exchange.pickUp(phone)
    await vi.waitFor(() => expect(caller.bridge).toBeDefined(), patient)
    world.exchange.hangUp(phone)
    await over()
    const { body } = await world.ask('siblingAdmin', 'GET', `${siblingGroup}services/call_agents/`)
    expect(body.agents).toMatchObject([{ state: 'Available' }])
    expect(body.agents[0]).not.toHaveProperty('unavailableCode')
  })

  it('who became unavailable during the call stay so, whatever the route point says', async () => {
    world = await createCallWorld(engine)
    await configure({ enableAutomaticStateChangeForAgents: true, agentStateAfterCall: 'Available' })
    const { caller } = await conversation()
    await set({ agentState: 'Unavailable', agentUnavailableCode: 'HOME' })
    world.exchange.hangUp(caller)
    await over()
    expect((await agents()).agents).toMatchObject([
      { state: 'Unavailable', unavailableCode: 'HOME' },
    ])
  })

  it('are available when their wrap-up is over, since then', async () => {
    world = await createCallWorld(engine)
    await set({ agentState: 'Wrap-Up' })
    expect(await shown()).toMatchObject({ agentState: 'Wrap-Up' })
    const until = Date.now() - 60_000
    await world.database.write((transaction) => transaction.run(endWrapUp, until, until - 60_000))
    const since = new Date(until).toISOString()
    expect(await shown()).toMatchObject({ agentState: 'Available', agentStateSince: since })
    expect(await shown()).not.toHaveProperty('agentStateUntil')
    await world.call()
    expect((await offer()).status).toBe(201)
  })

  it('who take no call are offered none, and nothing happens then', async () => {
    world = await createCallWorld(engine)
    await world.call()
    const refused = async (body: object, message: string) => {
      const answer = await expectNothingStored(world, () => offer(body))
      expectRefusal(answer, 409, [{ code: 409, message }])
    }
    await set({ agentState: 'Unavailable', agentUnavailableCode: 'LUNCH' })
    await refused({ agent: 'agent' }, 'The agent is unavailable: LUNCH.')
    // Who is behind a destination is nobody's to learn.
    await refused({ destination: '5001' }, 'Who is called there takes no call now.')
    await configure({ allowCallsToAgentsInWrapUp: true })
    await refused({ agent: 'agent' }, 'The agent is unavailable: LUNCH.')
    await set({ agentUnavailableCode: null })
    await refused({ agent: 'agent' }, 'The agent is unavailable.')
    await configure({ allowCallsToAgentsInWrapUp: false })
    await set({ agentState: 'Wrap-Up' })
    await refused({ agent: 'agent' }, 'The agent is in wrap-up.')
    const until = Date.now() + 600_000
    await world.database.write((transaction) => transaction.run(endWrapUp, until, Date.now()))
    await refused(
      { agent: 'agent' },
      `The agent is in wrap-up until ${new Date(until).toISOString()}.`,
    )
    await refused({ destination: '5001' }, 'Who is called there takes no call now.')
    expect(world.exchange.ringing()).toEqual([])
    await configure({ allowCallsToAgentsInWrapUp: true })
    expect((await offer()).status).toBe(201)
  })

  it('of another group are no less asked, and their group is not told of whose call it is', async () => {
    world = await createCallWorld(engine)
    const phoneNumber = '+3225550001'
    const user = { userId: 'other', firstName: 'Other', lastName: 'User', phoneNumber }
    await world.ask('system', 'POST', `${siblingGroup}users/`, user)
    await world.call()
    expect((await offer({ destination: phoneNumber })).status).toBe(201)
    const { body } = await world.ask('siblingAdmin', 'GET', `${siblingGroup}services/call_agents/`)
    expect(body.agents).toEqual([
      {
        agent: 'other@sip.netaxis.be',
        state: 'On-Call',
        nextState: 'Available',
        since: expect.any(String),
      },
    ])
    expect(await told()).toEqual([
      expect.objectContaining({ group_key: 'siblinggroup', ...body.agents[0] }),
    ])
    expect(await agents()).toEqual({ agents: [] })
  })

  it('are what they were last told to be, however offers and their own word meet', async () => {
    world = await createCallWorld(engine)
    for (let turn = 0; turn < 10; turn += 1) {
      await set({ agentState: 'Available' })
      const caller = await world.call()
      const [offered] = await Promise.all([
        offer(),
        set({ agentState: 'Unavailable', agentUnavailableCode: String(turn) }),
      ])
      expect([201, 409]).toContain(offered.status)
      const [agent] = (await agents()).agents
      expect(agent.unavailableCode).toBe(String(turn))
      expect(agent.state).toBe(offered.status === 201 ? 'On-Call' : 'Unavailable')
      expect((await told()).at(-1)).toMatchObject(agent)
      world.exchange.hangUp(caller)
      await over()
      expect((await told()).at(-1)).toMatchObject((await agents()).agents[0])
    }
  })

  it('and codes of calls that are over are the same to every node', async () => {
    world = await createCallWorld(engine)
    const code = { code: 'OWN', level: 'CallCenter' }
    await world.ask('groupAdmin', 'POST', `${routePoint}disposition_codes/`, { code: 'OWN' })
    await put(`${routePoint}disposition_codes_config/`, { enableCallDispositionCodes: true })
    const { database } = world
    const node = await buildApp({
      config: readConfig({}),
      database,
      logger: pino({ level: 'silent' }),
    })
    try {
      const payload = { username: 'agent@sip.netaxis.be', password }
      const signedIn = await node.inject({ method: 'POST', url: '/api/v1/login/', payload })
      const cookie = String(signedIn.headers['set-cookie']).split(';', 1)[0] ?? ''
      const there = async (url: string, body: object) => {
        const options = { method: 'PUT', url, payload: body, headers: { cookie } } as const
        const { statusCode, body: text } = await node.inject(options)
        return { status: statusCode, body: JSON.parse(text) }
      }
      await there(setting, { agentState: 'Unavailable' })
      await world.call()
      expectRefusal(await offer(), 409)
      await there(setting, { agentState: 'Available' })
      const phone = await world.offer()
      expect((await there(setting, {})).body.agentState).toBe('On-Call')
      world.exchange.pickUp(phone)
      await vi.waitFor(
        async () => expect((await world.calls())[0]?.state).toBe('connected'),
        patient,
      )
      const [call] = await world.calls()
      world.exchange.hangUp(phone)
      await over()
      const url = `${routePoint}calls/${call?.callId}/disposition_codes/`
      const given = await there(url, { dispositionCodes: [code] })
      expect(given).toEqual({ status: 200, body: { dispositionCodes: [code] } })
      expect((await world.ask('groupAdmin', 'GET', url)).body).toEqual({ dispositionCodes: [code] })
    } finally {
      await node.close()
    }
  })

  it('go with their user', async () => {
    world = await createCallWorld(engine)
    const { caller } = await conversation()
    expect((await world.ask('groupAdmin', 'DELETE', `${group}users/agent/`)).status).toBe(200)
    expect(await agents()).toEqual({ agents: [] })
    world.exchange.hangUp(caller)
    await over()
    expect(await agents()).toEqual({ agents: [] })
    expect((await world.records()).map(({ outcome }) => outcome)).toEqual(['answered'])
  })
})
