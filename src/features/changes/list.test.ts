import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../../test/engines.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  otherGroup,
  type Person,
  people,
  routePoint,
  siblingGroup,
  type World,
} from '../../../test/world.ts'
import { record, type Scope } from '../../writes/record.ts'

const tenant = '/api/v1/tenants/footenant/'
const everything = '/api/v1/changes/'
const ofRoutePoint = `${routePoint}changes/`
const recordedRoutePoint = routePoint.replace('APIOTestRP@', 'apiotestrp%40')

interface Item {
  position: number
  time: string
  actor: string
  action: string
  kind: string
  resource: string
  before: object | null
  after: object | null
  because?: object
}

describe.each(engines)('the list of changes on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
  })
  afterAll(() => world.close())

  async function list(url: string, who: Person = 'system'): Promise<Item[]> {
    const { status, body, text } = await world.ask(who, 'GET', url)
    expect(status, `${url} ${text}`).toBe(200)
    return body.changes
  }

  /** All pages of a list, and how many there were. */
  async function walk(url: string, who: Person = 'system') {
    const items: Item[] = []
    let pages = 0
    let next: string | undefined = url
    while (next !== undefined) {
      const { headers, body, text } = await world.ask(who, 'GET', next)
      items.push(...(body?.changes ?? expect.unreachable(text)))
      pages += 1
      next = /<([^>]*)>; rel="next"/.exec(String(headers.link ?? ''))?.[1]
    }
    return { items, pages }
  }

  /** Records so many changes as if they had been made at `time`. */
  async function fill(
    count: number,
    { scope, kind = 'filler', after = '{}' }: { scope: Scope; kind?: string; after?: string },
  ) {
    await world.database.write(async (transaction) => {
      for (let index = 0; index < count; index += 1) {
        const change = { scope, action: 'change', kind, target: '/filler/', before: null } as const
        await record(transaction, { ...change, after }, { by: 'filler' })
      }
    })
  }

  it('is shown to nobody, too low levels and other tenants and groups, and reading writes nothing', async () => {
    const allowed: [url: string, whom: Person[], absent: Person[]][] = [
      [everything, ['system'], []],
      [`${tenant}changes/`, ['tenantAdmin', 'system'], ['otherTenantAdmin']],
      [
        `${group}changes/`,
        ['groupAdmin', 'tenantAdmin', 'system'],
        ['siblingAdmin', 'otherTenantAdmin'],
      ],
      [ofRoutePoint, ['groupAdmin', 'tenantAdmin', 'system'], ['siblingAdmin', 'otherTenantAdmin']],
    ]
    await expectUnchanged(world, async () => {
      for (const [url, whom, absent] of allowed) {
        for (const who of people) {
          const answer = await world.ask(who, 'GET', url)
          if (whom.includes(who)) expect(answer.status, `${who} ${url}`).toBe(200)
          else if (who === 'nobody') expectRefusal(answer, 401)
          else expectRefusal(answer, absent.includes(who) ? 404 : 403)
        }
      }
      for (const url of ['tenants/none/', 'tenants/footenant/groups/none/']) {
        expectRefusal(await world.ask('system', 'GET', `/api/v1/${url}changes/`), 404)
      }
      const nowhere = `${group}services/route_points/none@sip.netaxis.be/changes/`
      expectRefusal(await world.ask('system', 'GET', nowhere), 404)
      expectRefusal(
        await world.ask('groupAdmin', 'GET', ofRoutePoint.replace('foogroup', 'siblinggroup')),
        404,
      )
    })
  })

  it('shows who did what, from where, with before and after, newest first', async () => {
    const { body } = await world.ask('groupAdmin', 'PUT', `${routePoint}bounced_call/`, {
      numberOfRingsBeforeBouncingCall: 9,
    })
    const answer = await world.ask('groupAdmin', 'PUT', `${routePoint}distinctive_ringing/`, {
      distinctiveRinging: true,
    })
    const [last, before] = await list(ofRoutePoint, 'groupAdmin')
    expect(last).toMatchObject({
      actor: 'groupadmin@sip.netaxis.be',
      address: '127.0.0.1',
      tokenName: 'test',
      requestId: answer.headers['x-request-id'],
      action: 'change',
      kind: 'distinctive_ringing',
      before: { distinctiveRinging: false },
      after: { distinctiveRinging: true },
    })
    expect(last).not.toHaveProperty('because')
    expect(last?.resource.toLowerCase()).toBe(
      `${recordedRoutePoint}distinctive_ringing/`.toLowerCase(),
    )
    expect(Math.abs(Date.parse(last?.time ?? '') - Date.now())).toBeLessThan(60_000)
    expect(before).toMatchObject({ kind: 'bounced_call', after: body })
    expect(last?.position).toBeGreaterThan(before?.position ?? Number.NaN)
  })

  it('of a level holds what is below it, and nothing of what stands beside it', async () => {
    const all = await list(everything)
    const within = (start: string) =>
      all.filter(({ resource }) => resource.toLowerCase().startsWith(start.toLowerCase()))
    // What people do with their own sessions and tokens is of their tenant and group.
    const isOwn = ({ kind }: Item) => ['session', 'token'].includes(kind)
    expect(await list(`${tenant}changes/`)).toEqual(
      all.filter(
        (item) =>
          item.resource.startsWith(tenant) ||
          (isOwn(item) && item.actor.endsWith('@sip.netaxis.be')),
      ),
    )
    for (const [place, who] of [
      [group, 'groupAdmin'],
      [siblingGroup, 'siblingAdmin'],
      [otherGroup, 'otherTenantAdmin'],
    ] as const) {
      const items = await list(`${place}changes/`, who)
      const own = items.filter((item) => !isOwn(item))
      expect(own).toEqual(within(place))
      expect(own.length).toBeGreaterThan(1)
    }
    expect(await list(ofRoutePoint)).toEqual(within(recordedRoutePoint))
  })

  it('never shows a secret', async () => {
    const { text } = await world.ask('system', 'GET', everything)
    expect(text).not.toMatch(/correct horse|argon2|"password":/i)
  })

  it('comes in pages that leave nothing out and repeat nothing', async () => {
    const whole = await list(everything)
    for (const size of [1, 7, whole.length - 1, whole.length, whole.length + 1]) {
      const { items, pages } = await walk(`${everything}?pageSize=${size}`)
      expect(items).toEqual(whole)
      expect(pages).toBe(Math.ceil(whole.length / size))
    }
    const [, second] = whole
    expect(await list(`${everything}?before=${second?.position}`)).toEqual(whole.slice(2))
  })

  it('is filtered by resource, kind, actor, action and time, all at once', async () => {
    const whole = await list(everything)
    const users = `${group}users/`
    const cases: [query: string, test: (item: Item) => boolean][] = [
      [`resource=${tenant}`, ({ resource }) => resource === tenant],
      ['resource=/API/V1/Tenants/FOOTENANT', ({ resource }) => resource === tenant],
      [`resource=${users}*`, ({ resource }) => resource.startsWith(users)],
      [
        `resource=${users}agent@sip.netaxis.be/`,
        ({ resource }) => resource === `${users}agent%40sip.netaxis.be/`,
      ],
      [
        `resource=${encodeURIComponent(`${users}agent%40sip.netaxis.be/`)}`,
        ({ resource }) => resource === `${users}agent%40sip.netaxis.be/`,
      ],
      [`resource=${users}`, () => false],
      ['resource=/api/v1/100%/', () => false],
      ['kind=group', ({ kind }) => kind === 'group'],
      ['kind=nothing', () => false],
      ['actor=GROUPADMIN@SIP.NETAXIS.BE', ({ actor }) => actor === 'groupadmin@sip.netaxis.be'],
      ['action=change', ({ action }) => action === 'change'],
      ['action=create&kind=tenant', (item) => item.action === 'create' && item.kind === 'tenant'],
      ['from=2000-01-01T00:00:00Z&until=2100-01-01T00:00:00Z', () => true],
      ['until=2000-01-01T00:00:00Z', () => false],
      ['from=2100-01-01T00:00:00%2B01:00', () => false],
      ['from=2016-12-31t23:59:60z&until=2099-12-31t23:59:60z', () => true],
    ]
    for (const [query, test] of cases) {
      const { items } = await walk(`${everything}?pageSize=5&${query}`)
      expect(items, query).toEqual(whole.filter(test))
    }
  })

  it('finds what is named under one spelling, whichever way its accents are typed', async () => {
    const [composed, decomposed] = ['Caf%C3%A9', 'Cafe%CC%81']
    const body = { name: decodeURIComponent(decomposed) }
    expect((await world.ask('groupAdmin', 'POST', `${routePoint}dnis/`, body)).status).toBe(201)
    const setting = `${routePoint}dnis_announcements/`
    const spellings = [composed, decomposed, 'CAF%C3%89', 'CAFE%CC%81']
    const recorded = `${group}services/route_points/apiotestrp%40sip.netaxis.be/dnis_announcements/${composed}/`
    for (const [index, name] of [decomposed, composed].entries()) {
      const media = {
        audioMessageSelection: 'URL',
        audioUrlList: [{ url: `http://a.example/${index}` }],
      }
      const change = { mediaOnHoldForQueuedCalls: media }
      const answer = await world.ask('groupAdmin', 'PUT', `${setting}${name}/`, change)
      expect(answer.status, answer.text).toBe(200)
    }
    for (const name of spellings) {
      const found = await list(`${everything}?resource=${encodeURIComponent(`${setting}${name}/`)}`)
      expect(found.map(({ resource }) => resource)).toEqual([recorded, recorded])
    }
  })

  it('begins at `from`, and ends before `until`', async () => {
    const whole = await list(everything)
    const times = [...new Set(whole.map(({ time }) => time))].sort()
    const [from = '', until = ''] = [times[2], times.at(-2)]
    expect(await list(`${everything}?from=${from}&until=${until}`)).toEqual(
      whole.filter(({ time }) => time >= from && time < until),
    )
  })

  it('names each parameter that is unknown, doubled or wrong', async () => {
    const wrong: [query: string, parameter: string][] = [
      ['pageSize=0', 'pageSize'],
      ['pageSize=1001', 'pageSize'],
      ['pageSize=ten', 'pageSize'],
      ['pageSize=5&pageSize=5', 'pageSize'],
      ['startIndex=1', 'startIndex'],
      ['before=0', 'before'],
      ['before=-1', 'before'],
      ['before=1e3', 'before'],
      ['before=9007199254740992', 'before'],
      ['resource=api/v1/', 'resource'],
      ['resource=', 'resource'],
      ['action=created', 'action'],
      ['action=', 'action'],
      ['from=yesterday', 'from'],
      ['from=2026-02-30T00:00:00Z', 'from'],
      ['from=2026-13-01T00:00:00Z', 'from'],
      ['from=2026-11-28T00:00:00+01:00', 'from'],
      ['until=2026-11-28', 'until'],
      ['until=2026-11-28T24:00:00Z', 'until'],
      ['until=2026-11-28T12:00:60Z', 'until'],
      ['from=2026-11-28T01:00:00Z&until=2026-11-28T01:00:00Z', 'until'],
      ['Kind=group', 'Kind'],
      ['sortOrders=insensitiveAscendingName', 'sortOrders'],
    ]
    for (const url of [everything, `${tenant}changes/`, `${group}changes/`, ofRoutePoint]) {
      for (const [query, parameter] of wrong) {
        const answer = await world.ask('system', 'GET', `${url}?${query}`)
        expectRefusal(answer, 400, [{ code: 2, parameter }])
      }
    }
    const many = await world.ask('system', 'GET', `${everything}?pageSize=x&from=x&some=1&action=x`)
    expect(many.body.errors.map((error: { parameter: string }) => error.parameter).sort()).toEqual([
      'action',
      'from',
      'pageSize',
      'some',
    ])
  })

  it('has a link on that goes on where a page found nothing among the changes that it looks at', async () => {
    const scope = { tenantKey: 'footenant', groupKey: 'foogroup' }
    await fill(1, { scope, kind: 'needle' })
    await fill(11_000, { scope })
    const first = await world.ask('groupAdmin', 'GET', `${group}changes/?kind=needle`)
    expect(first.body.changes).toEqual([])
    expect(first.headers.link).toMatch(/before=\d+>; rel="next"$/)
    const { items, pages } = await walk(`${group}changes/?kind=needle`, 'groupAdmin')
    expect(items).toHaveLength(1)
    expect(pages).toBe(3)
  })

  it('of a time looks at hardly anything else, however long the record is', async () => {
    const scope = { tenantKey: 'footenant', groupKey: 'foogroup' }
    const day = 24 * 60 * 60 * 1_000
    await world.database.write((transaction) =>
      transaction.run(
        {
          text: `INSERT INTO changes (tenant_key, changed_at, changed_by, action, target, position)
                 SELECT 'footenant', changed_at + ?, 'later', 'change', '/later/', position + 1000000 FROM changes`,
        },
        day,
      ),
    )
    const until = new Date(Date.now() + day / 2).toISOString()
    const { changes } = (
      await world.ask('system', 'GET', `${everything}?until=${until}&pageSize=3&kind=filler`)
    ).body
    expect(changes).toHaveLength(3)
    const later = await walk(`${everything}?from=${until}&pageSize=1000`)
    expect(later.items.every(({ actor }) => actor === 'later')).toBe(true)
    expect(later.items.length).toBeGreaterThan(11_000)
    await fill(1, { scope })
  })

  it('bounds the bytes of a page, and shows even the largest change', async () => {
    const scope = { tenantKey: 'othertenant', groupKey: 'othergroup' }
    const after = JSON.stringify({ text: 'x'.repeat(400_000) })
    await fill(5, { scope, after })
    await fill(1, { scope, after: JSON.stringify({ text: 'x'.repeat(2_000_000) }) })
    const url = `${otherGroup}changes/`
    const sizes: number[] = []
    let next: string | undefined = url
    while (next !== undefined) {
      const { headers, body } = await world.ask('otherTenantAdmin', 'GET', next)
      sizes.push(body.changes.length)
      next = /<([^>]*)>/.exec(String(headers.link ?? ''))?.[1]
    }
    expect(sizes.slice(0, 3)).toEqual([1, 2, 2])
    expect((await walk(url)).items.length).toBe(sizes.reduce((sum, size) => sum + size, 0))
  })

  it('of an id that was somebody else’s before shows them to the System level alone', async () => {
    const again = '/api/v1/tenants/footenant/groups/again/'
    const point = `${again}services/route_points/again@sip.netaxis.be/`
    const generations = []
    for (const name of ['First', 'Second']) {
      await world.ask('system', 'POST', '/api/v1/tenants/footenant/groups/', { groupId: 'again' })
      for (const round of ['one', 'two']) {
        await world.ask('system', 'POST', `${again}services/route_points/`, {
          serviceUserId: 'again',
          serviceInstanceProfile: { name: `${name} ${round}` },
        })
        const names = JSON.stringify(await list(`${point}changes/`, 'tenantAdmin'))
        expect(names).toContain(`${name} ${round}`)
        expect(names).not.toContain(round === 'two' ? `${name} one` : 'anything')
        if (round === 'one') await world.ask('system', 'DELETE', point)
      }
      const seen = await list(`${again}changes/`, 'tenantAdmin')
      expect(seen.at(-1)).toMatchObject({ action: 'create', kind: 'group' })
      generations.push(seen)
      if (name === 'First') await world.ask('system', 'DELETE', `${again}?deleteNonEmpty=1`)
    }
    const [first = [], second = []] = generations
    expect(JSON.stringify(second)).not.toContain('First')
    const all = await list(`${again}changes/`)
    expect(all.slice(0, second.length)).toEqual(second)
    expect(all.slice(-first.length)).toEqual(first)
    expect(JSON.stringify(await list(`${point}changes/`))).toContain('First one')
  })
})
