import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { engines } from '../../../../test/engines.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  routePoint,
  siblingGroup,
  type World,
} from '../../../../test/world.ts'
import { sql } from '../../../database/database.ts'

const callCenters = (user: string) => `${group}users/${user}/services/call_centers/`
const path = callCenters('agent')
const dnis = `${routePoint}dnis/`
const person = { firstName: 'Test', lastName: 'Person', password: 'correct horse battery' }
const none = { makeOutgoingCallsAsCallCenter: false, agentState: 'Available' }
const chosen = {
  outgoingCallDNIS: { serviceUserId: 'APIOTestRP@sip.netaxis.be', name: 'Out' },
  makeOutgoingCallsAsCallCenter: true,
  agentState: 'Available',
}

describe.each(engines)('the call-centre setting of users on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
    for (const [userId, departmentName] of [
      ['below', 'Inside Sales'],
      ['elsewhere', 'Support'],
      ['nowhere', undefined],
    ]) {
      if (departmentName === 'Support') {
        await world.ask('system', 'POST', `${group}departments/`, { departmentName })
      }
      const department = departmentName ? { departmentName } : null
      await world.ask('system', 'POST', `${group}users/`, { userId, ...person, department })
    }
    await world.ask('system', 'POST', `${siblingGroup}services/route_points/siblingRP/dnis/`, {
      name: 'Out',
      allowOutgoingACDCall: true,
    })
  })
  afterAll(() => world.close())
  beforeEach(async () => {
    const { body } = await world.ask('system', 'GET', dnis)
    for (const { name } of body.dnis) await world.ask('system', 'DELETE', `${dnis}${name}/`)
    await world.ask('system', 'POST', dnis, { name: 'Out', allowOutgoingACDCall: true })
    await world.ask('system', 'POST', dnis, { name: 'Inward' })
    await world.ask('system', 'PUT', path, none)
  })

  const get = () => world.ask('endUser', 'GET', path)
  const put = (body: unknown) => world.ask('endUser', 'PUT', path, body)
  const choose = (serviceUserId: string, name: string) =>
    put({ outgoingCallDNIS: { serviceUserId, name } })

  it.each([
    ['nobody', 401],
    ['siblingAdmin', 404],
    ['otherTenantAdmin', 404],
  ] as const)('is closed to %s', async (who, status) => {
    await expectUnchanged(world, async () => {
      expectRefusal(await world.ask(who, 'GET', path), status)
      expectRefusal(await world.ask(who, 'PUT', path, chosen), status)
    })
  })

  it('of somebody else does not exist for an end user', async () => {
    await expectUnchanged(world, async () => {
      for (const user of ['below', 'unknown']) {
        expectRefusal(await world.ask('endUser', 'GET', callCenters(user)), 404)
        expectRefusal(await world.ask('endUser', 'PUT', callCenters(user), chosen), 404)
      }
    })
  })

  it.each([
    callCenters('unknown'),
    callCenters('APIOTestRP'),
    callCenters('groupadmin'),
    `${siblingGroup}users/agent@sip.netaxis.be/services/call_centers/`,
    '/api/v1/tenants/footenant/groups/x/users/y/services/call_centers/',
  ])('of whoever is no user of the group is 404: %s', async (url) => {
    await expectUnchanged(world, async () => {
      expectRefusal(await world.ask('system', 'GET', url), 404)
      expectRefusal(await world.ask('system', 'PUT', url, { surprise: 1 }), 404)
    })
  })

  it('is read throughout the group and written in the own department by a department admin', async () => {
    for (const user of ['agent', 'below', 'elsewhere', 'nowhere']) {
      expect((await world.ask('departmentAdmin', 'GET', callCenters(user))).status).toBe(200)
    }
    await expectUnchanged(world, async () => {
      for (const user of ['elsewhere', 'nowhere']) {
        const answer = await world.ask('departmentAdmin', 'PUT', callCenters(user), { bad: 1 })
        expectRefusal(answer, 403)
      }
    })
    for (const user of ['agent', 'below']) {
      const answer = await world.ask('departmentAdmin', 'PUT', callCenters(user), chosen)
      expect(answer.body).toEqual(chosen)
    }
  })

  it.each(['endUser', 'groupAdmin', 'tenantAdmin', 'system'] as const)(
    'is open to %s',
    async (who) => {
      expect((await world.ask(who, 'PUT', path, chosen)).body).toEqual(chosen)
      expect((await world.ask(who, 'GET', path)).body).toEqual(chosen)
    },
  )

  const dnisMember = 'outgoingCallDNIS'
  it.each([
    ['an unknown field', { surprise: 1 }, 'surprise'],
    [
      'a switch that is a text',
      { makeOutgoingCallsAsCallCenter: 'yes' },
      'makeOutgoingCallsAsCallCenter',
    ],
    [
      'a switch that is nothing',
      { makeOutgoingCallsAsCallCenter: null },
      'makeOutgoingCallsAsCallCenter',
    ],
    [
      'a choice without a name',
      { [dnisMember]: { serviceUserId: 'APIOTestRP' } },
      `${dnisMember}.name`,
    ],
    [
      'a choice without a route point',
      { [dnisMember]: { name: 'Out' } },
      `${dnisMember}.serviceUserId`,
    ],
    ['a choice that is a text', { [dnisMember]: 'Out' }, dnisMember],
    [
      'an unknown field in the choice',
      { [dnisMember]: { serviceUserId: 'APIOTestRP', name: 'Out', surprise: 1 } },
      `${dnisMember}.surprise`,
    ],
  ])('refuses %s', async (_, body, parameter) => {
    await put(chosen)
    await expectUnchanged(world, async () => {
      expectRefusal(await put(body), 400, [{ code: 2, parameter }])
    })
  })

  it.each([
    ['a DNIS that does not allow outgoing calls', 'APIOTestRP', 'Inward', 'name'],
    ['a DNIS that does not exist', 'APIOTestRP', 'Nowhere', 'name'],
    ['a DNIS by another case of its name', 'APIOTestRP', 'OUT', 'name'],
    ['a route point that does not exist', 'nobody', 'Out', 'serviceUserId'],
    ['a DNIS of another group', 'siblingRP', 'Out', 'serviceUserId'],
    ['a user in place of a route point', 'agent', 'Out', 'serviceUserId'],
  ])('refuses %s', async (_, serviceUserId, name, member) => {
    await put(chosen)
    await expectUnchanged(world, async () => {
      expectRefusal(await choose(serviceUserId, name), 400, [
        { code: 2, parameter: `outgoingCallDNIS.${member}` },
      ])
    })
  })

  it.each([
    ['a state that there is not', { agentState: 'Asleep' }, 2, 'agentState'],
    ['no state', { agentState: null }, 2, 'agentState'],
    ['a call that is said to be there', { agentState: 'On-Call' }, 2, 'agentState'],
    [
      'a code that is too long',
      { agentState: 'Unavailable', agentUnavailableCode: 'x'.repeat(11) },
      2,
      'agentUnavailableCode',
    ],
    ['a code of who is available', { agentUnavailableCode: 'LUNCH' }, 9, 'agentState'],
    ['a next state', { agentNextState: 'Available' }, 2, 'agentNextState'],
    ['a beginning', { agentStateSince: '2026-11-29T11:30:00.000Z' }, 2, 'agentStateSince'],
    ['an end', { agentStateUntil: '2026-11-29T11:30:00.000Z' }, 2, 'agentStateUntil'],
  ])('refuses of an agent %s', async (_, body, code, parameter) => {
    await expectUnchanged(world, async () => {
      expectRefusal(await put(body), 400, [{ code, parameter }])
    })
  })

  it('tells everything wrong at once', async () => {
    const body = {
      makeOutgoingCallsAsCallCenter: 1,
      outgoingCallDNIS: { serviceUserId: 'APIOTestRP', name: 'Inward' },
    }
    await expectUnchanged(world, async () => {
      expectRefusal(await put(body), 400, [
        { code: 2, parameter: 'makeOutgoingCallsAsCallCenter' },
        { code: 2, parameter: 'outgoingCallDNIS.name' },
      ])
    })
  })

  it('starts with no choice, and is a partial update in which the choice is replaced whole', async () => {
    expect((await get()).body).toEqual(none)
    await world.ask('system', 'POST', dnis, { name: 'Second', allowOutgoingACDCall: true })
    await put(chosen)
    expect((await put({ makeOutgoingCallsAsCallCenter: false })).body).toEqual({
      ...chosen,
      makeOutgoingCallsAsCallCenter: false,
    })
    const { body } = await choose('APIOTestRP', 'Second')
    expect(body.outgoingCallDNIS).toEqual({ ...chosen.outgoingCallDNIS, name: 'Second' })
    expect((await put({ outgoingCallDNIS: null })).body).toEqual(none)
    expect((await get()).body).toEqual(none)
  })

  it.each(['apiotestrp', 'APIOTESTRP@SIP.NETAXIS.BE', ' APIOTestRP@sip.netaxis.be '])(
    'takes the route point %s and shows it as it was created',
    async (serviceUserId) => {
      const { body } = await choose(serviceUserId, 'Out')
      expect(body.outgoingCallDNIS).toEqual(chosen.outgoingCallDNIS)
      expect((await get()).body).toEqual(body)
    },
  )

  it('is not changed by what GET answered', async () => {
    for (const body of [none, chosen]) {
      await put(body)
      await expectUnchanged(world, async () => {
        const shown = await get()
        const answer = await put(shown.body)
        expect([answer.status, answer.text]).toEqual([200, shown.text])
      })
    }
  })

  it('has an ETag by which no edit is lost, and a record of each change', async () => {
    const { etag } = (await get()).headers
    const headers = { 'if-match': String(etag) }
    expect((await world.ask('endUser', 'PUT', path, chosen, headers)).status).toBe(200)
    await expectUnchanged(world, async () => {
      expectRefusal(await world.ask('endUser', 'PUT', path, none, headers), 412)
    })
    const [last] = await world.database.all(
      sql<Record<string, string>>(
        `SELECT changed_by, action, target, before_value, after_value FROM changes
         ORDER BY position DESC LIMIT 1`,
      ),
    )
    expect(last).toEqual({
      changed_by: 'agent@sip.netaxis.be',
      action: 'change',
      target: path.replace('agent', 'agent%40sip.netaxis.be'),
      before_value: JSON.stringify(none),
      after_value: JSON.stringify(chosen),
    })
  })

  it('follows the new name of the DNIS', async () => {
    await put(chosen)
    await world.ask('groupAdmin', 'PUT', `${dnis}Out/`, { name: 'Renamed', extension: '44' })
    expect((await get()).body).toEqual({
      ...chosen,
      outgoingCallDNIS: { ...chosen.outgoingCallDNIS, name: 'Renamed' },
    })
  })

  it.each([
    ['is deleted', 'DELETE', undefined, 'Out'],
    ['no longer allows outgoing calls', 'PUT', { allowOutgoingACDCall: false }, 'Out'],
    [
      'is renamed and no longer allows them',
      'PUT',
      { name: 'New', allowOutgoingACDCall: false },
      'New',
    ],
  ])('loses its choice, and only that, when the DNIS %s', async (_, method, body, name) => {
    await put(chosen)
    const answer = await world.ask('groupAdmin', method, `${dnis}Out/`, body)
    expect(answer.status, answer.text).toBe(200)
    expect((await get()).body).toEqual({ ...none, makeOutgoingCallsAsCallCenter: true })
    if (method === 'DELETE') await world.ask('groupAdmin', 'POST', dnis, { name })
    await world.ask('groupAdmin', 'PUT', `${dnis}${name}/`, { allowOutgoingACDCall: true })
    expect((await get()).body).toEqual({ ...none, makeOutgoingCallsAsCallCenter: true })
  })

  it('keeps its choice while the DNIS changes in other ways', async () => {
    await put(chosen)
    await world.ask('groupAdmin', 'PUT', `${dnis}Out/`, { cliLastName: 'Desk' })
    expect((await get()).body).toEqual(chosen)
  })

  it('keeps neither a route point nor a user from being deleted', async () => {
    const routePoints = `${group}services/route_points/`
    await world.ask('system', 'POST', routePoints, {
      serviceUserId: 'brief',
      serviceInstanceProfile: { name: 'Brief' },
    })
    const body = { name: 'Out', allowOutgoingACDCall: true }
    await world.ask('system', 'POST', `${routePoints}brief/dnis/`, body)
    await world.ask('system', 'POST', `${group}users/`, { userId: 'visitor', ...person })
    for (const user of ['agent', 'visitor']) {
      const choice = { outgoingCallDNIS: { serviceUserId: 'brief', name: 'Out' } }
      expect((await world.ask('system', 'PUT', callCenters(user), choice)).status).toBe(200)
    }
    expect((await world.ask('system', 'DELETE', `${group}users/visitor/`)).text).toBe('{}')
    expect((await world.ask('system', 'DELETE', `${routePoints}brief/`)).text).toBe('{}')
    expect((await get()).body).toEqual(none)
  })
})
