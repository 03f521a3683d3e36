import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sql } from '../src/database/database.ts'
import { wave } from './audio.ts'
import { engines } from './engines.ts'
import { createWorld, group, password, routePoint, type World } from './world.ts'

interface Told {
  action: string
  kind: string
  target: string
  before: unknown
  after: unknown
  because: unknown
}

interface Row {
  action: string
  kind: string
  target: string
  before_value: string | null
  after_value: string | null
  because: string | null
  group_key: string
  route_point_key: string
  request_id: string
}

const selectSince = sql<Row>('SELECT * FROM changes WHERE position > ? ORDER BY position')
const selectLast = sql<{ last: number }>('SELECT max(position) AS last FROM changes')

const agents = ['anna', 'bert']
const place = '/api/v1/tenants/footenant/groups/foogroup/'
const hotline = `${place}services/route_points/apiotestrp%40sip.netaxis.be/`
const choiceOf = (agent: string) => `${place}users/${agent}%40sip.netaxis.be/services/call_centers/`

describe.each(engines)('effects of a write on what others keep, on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
    await ask('POST', `${group}announcements/`, { name: 'Welcome', content: wave() })
    await ask('POST', `${group}departments/`, { departmentName: 'Desk' })
    await ask('POST', `${routePoint}dnis/`, { name: 'Line', allowOutgoingACDCall: true })
    for (const userId of agents) {
      const department = { departmentName: 'Desk' }
      const person = { firstName: 'A', lastName: 'B', department }
      await ask('POST', `${group}users/`, { userId, ...person })
      const outgoingCallDNIS = { serviceUserId: 'APIOTestRP', name: 'Line' }
      await ask('PUT', `${group}users/${userId}/services/call_centers/`, { outgoingCallDNIS })
    }
    const file = { name: 'Welcome' }
    const twice = { audioMessageSelection: 'File', audioFileList: [file, file] }
    await ask('PUT', `${routePoint}overflow/`, twice)
    await ask('PUT', `${routePoint}dnis_announcements/Line/`, { mediaOnHoldForQueuedCalls: twice })
  })
  afterAll(() => world.close())

  async function ask(method: string, path: string, body?: object) {
    const answer = await world.ask('groupAdmin', method, path, body)
    expect(answer.status, `${method} ${path} ${answer.text}`).toBeLessThan(300)
    return answer
  }

  /** What a write has recorded; all of it as of one request. */
  async function toldOf(method: string, path: string, body?: object): Promise<Told[]> {
    const last = (await world.database.get(selectLast))?.last ?? 0
    const { headers } = await ask(method, path, body)
    const rows = await world.database.all(selectSince, last)
    return rows.map((row) => {
      expect(row).toMatchObject({ request_id: headers['x-request-id'], group_key: 'foogroup' })
      const { action, kind, target } = row
      const [before, after, because] = [row.before_value, row.after_value, row.because].map(
        (text) => text && JSON.parse(text),
      )
      return { action, kind, target, before, after, because }
    })
  }

  async function shown(path: string): Promise<unknown> {
    return (await ask('GET', path)).body
  }

  it('tell of each setting whose file got another name, once, before and after', async () => {
    const paths = [`${routePoint}overflow/`, `${routePoint}dnis_announcements/Line/`]
    const before = await Promise.all(paths.map(shown))
    const told = await toldOf('PUT', `${group}announcements/Welcome/`, { name: 'Hello' })
    const after = await Promise.all(paths.map(shown))
    const resource = `${place}announcements/Welcome/`
    const because = { action: 'change', resource }
    const common = { action: 'change', because }
    expect(told).toEqual([
      {
        ...common,
        kind: 'overflow',
        target: `${hotline}overflow/`,
        before: before[0],
        after: after[0],
      },
      {
        ...common,
        kind: 'dnis_announcements',
        target: `${hotline}dnis_announcements/Line/`,
        before: before[1],
        after: after[1],
      },
      expect.objectContaining({
        action: 'change',
        kind: 'announcement',
        target: resource,
        because: null,
      }),
    ])
    expect(JSON.stringify(after)).not.toContain('Welcome')
  })

  it('tell of an announcement itself, and not of all that plays it', async () => {
    const [told] = await toldOf('PUT', `${group}announcements/Hello/`, { description: 'Again' })
    const { usages, ...own } = (await ask('GET', `${group}announcements/Hello/`)).body
    expect(usages).toHaveLength(2)
    expect(told?.after).toEqual(own)
  })

  it('tell of everybody whose department got another name', async () => {
    const before = await Promise.all(agents.map((agent) => shown(`${group}users/${agent}/`)))
    const told = await toldOf('PUT', `${group}departments/Desk/`, { departmentName: 'Front' })
    const after = await Promise.all(agents.map((agent) => shown(`${group}users/${agent}/`)))
    const resource = `${place}departments/Desk/`
    expect(told).toEqual([
      ...agents.map((agent, index) => ({
        action: 'change',
        kind: 'user',
        target: `${place}users/${agent}%40sip.netaxis.be/`,
        before: before[index],
        after: after[index],
        because: { action: 'change', resource },
      })),
      expect.objectContaining({ kind: 'department', target: resource, because: null }),
    ])
    expect(JSON.stringify(after)).not.toContain('Desk')
  })

  it('tell of all who call out with a DNIS when it gets another name, and when it is taken from them', async () => {
    const chosen = (name: string) => ({ serviceUserId: 'APIOTestRP@sip.netaxis.be', name })
    const setting = (name: string) => ({
      outgoingCallDNIS: chosen(name),
      makeOutgoingCallsAsCallCenter: false,
      agentState: 'Available',
    })
    const renamed = await toldOf('PUT', `${routePoint}dnis/Line/`, { name: 'Direct' })
    const because = (name: string) => ({ action: 'change', resource: `${hotline}dnis/${name}/` })
    const common = { action: 'change', kind: 'call_centers' }
    expect(renamed.filter(({ kind }) => kind !== 'DNIS')).toEqual(
      agents.map((agent) => ({
        ...common,
        target: choiceOf(agent),
        before: setting('Line'),
        after: setting('Direct'),
        because: because('Line'),
      })),
    )
    expect(await shown(`${group}users/anna/services/call_centers/`)).toEqual(setting('Direct'))
    const withdrawn = { allowOutgoingACDCall: false }
    const cleared = await toldOf('PUT', `${routePoint}dnis/Direct/`, withdrawn)
    expect(cleared.filter(({ kind }) => kind !== 'DNIS')).toEqual(
      agents.map((agent) => ({
        ...common,
        target: choiceOf(agent),
        before: setting('Direct'),
        after: { makeOutgoingCallsAsCallCenter: false, agentState: 'Available' },
        because: because('Direct'),
      })),
    )
  })

  it.each([
    ['a new password', 'PUT', 'change', { password: `${password}!` }],
    ['the end of a person', 'DELETE', 'delete', undefined],
  ])(
    'tell of the tokens that %s revokes, and none of their values',
    async (_, method, action, change) => {
      const person = { userId: 'revoked', firstName: 'A', lastName: 'B', password }
      await world.ask('system', 'DELETE', `${group}admins/revoked/`)
      await ask('POST', `${group}admins/`, person)
      const credentials = { username: 'revoked@sip.netaxis.be', password }
      const { headers } = await world.ask('nobody', 'POST', '/api/v1/login/', credentials)
      const cookie = String(headers['set-cookie']).split(';', 1)[0] ?? ''
      const { body } = await world.ask(
        'nobody',
        'POST',
        '/api/v1/tokens/',
        { name: 'x' },
        { cookie },
      )
      const last = (await world.database.get(selectLast))?.last ?? 0
      const admin = `${group}admins/revoked/`
      const changed = await world.ask('tenantAdmin', method, admin, change)
      expect(changed.status, changed.text).toBe(200)
      const rows = await world.database.all(selectSince, last)
      const revoked = rows.find(({ target }) => target === `/api/v1/tokens/${body.tokenId}/`)
      expect(revoked).toMatchObject({
        action: 'delete',
        kind: 'token',
        group_key: 'foogroup',
        before_value: null,
        after_value: null,
        because: JSON.stringify({
          action,
          resource: `${place}admins/revoked%40sip.netaxis.be/`,
        }),
      })
    },
  )

  /** As `kind target`, without what is the same for all. */
  const named = (told: readonly Told[]) =>
    told.map(({ kind, target }) => `${kind} ${target.replace(place, '')}`).sort()

  it('tell of all that goes with a DNIS, a route point and a group', async () => {
    await ask('PUT', `${routePoint}dnis/Direct/`, { allowOutgoingACDCall: true })
    const outgoingCallDNIS = { serviceUserId: 'APIOTestRP', name: 'Direct' }
    const choice = `${group}users/anna/services/call_centers/`
    await ask('PUT', choice, { outgoingCallDNIS })
    const before = await shown(choice)
    const withDnis = await toldOf('DELETE', `${routePoint}dnis/Direct/`)
    const ofHotline = hotline.replace(place, '')
    const theDnis = `${ofHotline}dnis/Direct/`
    expect(named(withDnis)).toEqual([
      `DNIS ${theDnis}`,
      'call_centers users/anna%40sip.netaxis.be/services/call_centers/',
      `dnis_announcements ${ofHotline}dnis_announcements/Direct/`,
    ])
    const because = { action: 'delete', resource: `${hotline}dnis/Direct/` }
    const cleared = withDnis.find(({ kind }) => kind === 'call_centers')
    expect(cleared).toMatchObject({ action: 'change', before, because })
    expect(cleared?.after).toEqual({
      makeOutgoingCallsAsCallCenter: false,
      agentState: 'Available',
    })
    expect(withDnis.find(({ kind }) => kind === 'dnis_announcements')).toMatchObject({
      action: 'delete',
      after: null,
      because,
    })

    await ask('POST', `${routePoint}disposition_codes/`, { code: '7' })
    await ask('POST', `${routePoint}dnis/`, { name: 'Second' })
    const overflow = await shown(`${routePoint}overflow/`)
    const withHotline = await toldOf('DELETE', routePoint)
    expect(named(withHotline)).toEqual([
      `DNIS ${ofHotline}dnis/Second/`,
      `overflow ${ofHotline}overflow/`,
      `routePoint ${ofHotline.replace('apiotestrp', 'APIOTestRP')}`,
      `routePointDispositionCode ${ofHotline}disposition_codes/7/`,
    ])
    expect(withHotline.find(({ kind }) => kind === 'overflow')).toMatchObject({
      before: overflow,
      after: null,
    })
    const causes = withHotline.map(({ kind, because: cause }) => [kind, cause !== null])
    expect(Object.fromEntries(causes)).toEqual({
      DNIS: true,
      overflow: true,
      routePoint: false,
      routePointDispositionCode: true,
    })
  })

  it('tell of every noun in a group that is deleted, as it was', async () => {
    const users = ((await shown(`${group}users/`)) as { users: { userId: string }[] }).users
    const admins = ((await shown(`${group}admins/`)) as { admins: { userId: string }[] }).admins
    const last = (await world.database.get(selectLast))?.last ?? 0
    const answer = await world.ask('tenantAdmin', 'DELETE', `${group}?deleteNonEmpty=1`)
    expect(answer.status, answer.text).toBe(200)
    const rows = await world.database.all(selectSince, last)
    const of = (kind: string) => rows.filter((row) => row.kind === kind)
    const ids = (kind: string) =>
      of(kind).map((row) => JSON.parse(row.before_value ?? '{}').userId as string)
    expect(ids('user').sort()).toEqual(users.map(({ userId }) => userId).sort())
    expect(ids('groupAdmin').sort()).toEqual(admins.map(({ userId }) => userId).sort())
    expect(of('department').length).toBeGreaterThan(0)
    expect(of('announcement')).toHaveLength(1)
    expect(of('call_centers')).toEqual([])
    // There are some, which the deletions of their owners tell of.
    expect(of('token')).toEqual([])
    const [own, ...others] = rows.toReversed()
    expect(own).toMatchObject({ kind: 'group', action: 'delete', because: null })
    const because = JSON.stringify({ action: 'delete', resource: place })
    for (const row of others) {
      expect(row).toMatchObject({ action: 'delete', after_value: null, because })
      expect(row.group_key).toBe('foogroup')
    }
  })
})
