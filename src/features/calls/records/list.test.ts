import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../../../test/engines.ts'
import { fillRecords, hotlineKey, keepRecords, type Past } from '../../../../test/kept-records.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  otherGroup,
  people,
  routePoint,
  siblingGroup,
  type World,
} from '../../../../test/world.ts'
import { outcomes } from '../call.ts'

const list = `${routePoint}call_records/`
const second = `${group}services/route_points/second@sip.netaxis.be/`
const secondKey = ['footenant', 'foogroup', 'second@sip.netaxis.be'] as const
const noon = Date.parse('2026-11-28T12:00:00Z')

/** Past calls of every kind, several of which ended in the same moment. */
const pasts: (Past & { callId: string })[] = Array.from({ length: 240 }, (_, index) => ({
  callId: `call-${String(index).padStart(3, '0')}`,
  endedAt: noon + Math.floor(index / 3) * 60_000,
  outcome: outcomes[index % outcomes.length] ?? 'answered',
  ...(index % 3 > 0 && { dnis: index % 3 === 1 ? 'Sales' : 'Support' }),
  ...(index % 4 === 0 && { agent: `Agent${index % 5}@sip.netaxis.be`, talked: 1_000 }),
  number: index % 7 === 0 ? 'anonymous' : `+32255501${index % 10}${index % 7}`,
  codes: [
    ...(index % 2 === 0 ? [{ level: 'Group', code: 'A' } as const] : []),
    ...(index % 6 === 0 ? [{ level: 'CallCenter', code: 'A' } as const] : []),
    ...(index % 9 === 0 ? [{ level: 'CallCenter', code: 'B' } as const] : []),
  ],
  waited: index,
}))

const newestFirst = (past: readonly (Past & { callId: string })[]) =>
  [...past]
    .sort((one, other) => other.endedAt - one.endedAt || (other.callId > one.callId ? 1 : -1))
    .map(({ callId }) => callId)

describe.each(engines)('the records of a route point’s calls on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
    await world.ask('system', 'POST', `${group}services/route_points/`, {
      serviceUserId: 'second',
      serviceInstanceProfile: { name: 'Second', extension: '7002' },
    })
    await keepRecords(world.database, hotlineKey, pasts)
    await keepRecords(world.database, secondKey, [{ endedAt: noon, callId: 'of-second' }])
    for (const [tenantKey, groupKey] of [
      ['footenant', 'siblinggroup'],
      ['othertenant', 'othergroup'],
    ] as const) {
      const key = [tenantKey, groupKey, 'apiotestrp@sip.netaxis.be'] as const
      await keepRecords(world.database, key, [{ endedAt: noon, callId: `of-${groupKey}` }])
    }
  })
  afterAll(() => world.close())

  /** All pages of a list, with the ids of each. */
  async function walk(url: string): Promise<string[][]> {
    const pages: string[][] = []
    let next: string | undefined = url
    while (next !== undefined) {
      const { headers, body, text } = await world.ask('groupAdmin', 'GET', next)
      const records: { callId: string }[] = body?.callRecords ?? expect.unreachable(text)
      pages.push(records.map(({ callId }) => callId))
      next = /<([^>]*)>; rel="next"/.exec(String(headers.link ?? ''))?.[1]
    }
    return pages
  }

  it('are shown to nobody, too low levels and other groups and tenants, and reading writes nothing', async () => {
    await expectUnchanged(world, async () => {
      for (const url of [list, `${list}csv/`, `${list}call-001/`]) {
        for (const who of people) {
          const answer = await world.ask(who, 'GET', url)
          if (['groupAdmin', 'tenantAdmin', 'system'].includes(who)) {
            expect(answer.status, `${who} ${url}`).toBe(200)
          } else if (who === 'nobody') expectRefusal(answer, 401)
          else {
            const isElsewhere = who === 'siblingAdmin' || who === 'otherTenantAdmin'
            expectRefusal(answer, isElsewhere ? 404 : 403)
          }
        }
        const nowhere = url.replace('APIOTestRP', 'none')
        expectRefusal(await world.ask('system', 'GET', nowhere), 404)
        expectRefusal(await world.ask('groupAdmin', 'GET', url.replace('foogroup', 'none')), 404)
      }
    })
  })

  it('of another route point, group or tenant are not there, whoever guesses their ids', async () => {
    expect((await world.ask('system', 'GET', `${second}call_records/of-second/`)).status).toBe(200)
    for (const id of ['of-second', 'of-siblinggroup', 'of-othergroup', 'none', '%20']) {
      expectRefusal(await world.ask('system', 'GET', `${list}${id}/`), 404)
    }
    for (const place of [siblingGroup, otherGroup]) {
      const url = `${place}services/route_points/APIOTestRP@sip.netaxis.be/call_records/`
      expectRefusal(await world.ask('system', 'GET', url), 404)
    }
    expect(await walk(`${second}call_records/`)).toEqual([['of-second']])
  })

  it.each([
    ['pageSize=0', 'pageSize'],
    ['pageSize=1001', 'pageSize'],
    ['before=1', 'before'],
    ['before=1.', 'before'],
    ['before=x.y', 'before'],
    ['from=yesterday', 'from'],
    ['to=2026-11-28', 'to'],
    ['from=2026-11-28T12:00:00Z&to=2026-11-28T12:00:00Z', 'to'],
    ['outcome=gone', 'outcome'],
    ['outcome=answered&outcome=failed', 'outcome'],
    ['caller=%2B32*', 'caller'],
    ['caller=*', 'caller'],
    ['caller=', 'caller'],
    ['agent=', 'agent'],
    ['agent=a%01', 'agent'],
    ['codeLevel=Group', 'codeLevel'],
    ['code=A&codeLevel=Own', 'codeLevel'],
    ['reason=x', 'reason'],
  ])('are not listed by %s', async (query, parameter) => {
    for (const url of query.startsWith('pageSize') || query.startsWith('before')
      ? [list]
      : [list, `${list}csv/`]) {
      const answer = await world.ask('groupAdmin', 'GET', `${url}?${query}`)
      expectRefusal(answer, 400, [{ code: 2, parameter }])
    }
  })

  it('stand newest first, each once on all pages', async () => {
    const all = newestFirst(pasts)
    expect((await walk(list)).flat()).toEqual(all)
    expect((await walk(list))[0]).toHaveLength(100)
    const pages = await walk(`${list}?pageSize=7`)
    expect(pages.flat()).toEqual(all)
    expect(pages.slice(0, -1).every(({ length }) => length === 7)).toBe(true)
  })

  const isBy = (agent: string) => (past: Past) => past.agent?.toLowerCase() === agent
  const hasCode = (code: string, level?: string) => (past: Past) =>
    (past.codes ?? []).some((one) => one.code === code && one.level === (level ?? one.level))
  const cases: [query: string, test: (past: Past) => boolean][] = [
    ['outcome=bounced-out', ({ outcome }) => outcome === 'bounced-out'],
    ['dnis=Sales', ({ dnis }) => dnis === 'Sales'],
    ['dnis=sales', () => false],
    ['agent=agent4', isBy('agent4@sip.netaxis.be')],
    ['agent=AGENT4@sip.netaxis.be', isBy('agent4@sip.netaxis.be')],
    ['agent=nobody', () => false],
    ['code=A', hasCode('A')],
    ['code=A&codeLevel=CallCenter', hasCode('A', 'CallCenter')],
    ['code=B&codeLevel=Group', () => false],
    ['caller=%2B3225550133', ({ number }) => number === '+3225550133'],
    ['caller=%2B322555013*', ({ number = '' }) => number.startsWith('+322555013')],
    ['caller=anonymous', ({ number }) => number === 'anonymous'],
    ['caller=%2B322555013', () => false],
    [
      'from=2026-11-28T12:10:00Z&to=2026-11-28T12:20Z',
      ({ endedAt }) => endedAt >= noon + 600_000 && endedAt < noon + 1_200_000,
    ],
    ['agent=agent0&code=A', (past) => isBy('agent0@sip.netaxis.be')(past) && hasCode('A')(past)],
    [
      'caller=%2B3225550145&agent=agent0&dnis=Sales&outcome=answered',
      ({ number, agent, dnis, outcome }) =>
        number === '+3225550145' &&
        agent === 'Agent0@sip.netaxis.be' &&
        dnis === 'Sales' &&
        outcome === 'answered',
    ],
    [
      'code=A&caller=%2B32255*&outcome=answered&from=2026-11-28T12:30:00Z',
      (past) =>
        hasCode('A')(past) &&
        past.number !== 'anonymous' &&
        past.outcome === 'answered' &&
        past.endedAt >= noon + 1_800_000,
    ],
  ]

  it.each(cases)('are found by %s, and no others', async (query, test) => {
    const expected = newestFirst(pasts.filter(test))
    expect((await walk(`${list}?${query}`)).flat()).toEqual(expected)
    expect((await walk(`${list}?${query}&pageSize=2`)).flat()).toEqual(expected)
    const { bytes } = await world.ask('groupAdmin', 'GET', `${list}csv/?${query}`)
    const [, ...lines] = String(bytes).trimEnd().split('\r\n')
    expect(lines.map((line) => line.split(',')[0])).toEqual(expected)
  })

  it('are looked at some at a time where hardly any fit, and the next page goes on behind them', async () => {
    const key = ['footenant', 'foogroup', 'busy@sip.netaxis.be'] as const
    await world.ask('system', 'POST', `${group}services/route_points/`, {
      serviceUserId: 'busy',
      serviceInstanceProfile: { name: 'Busy', extension: '7003' },
    })
    await fillRecords(world.database, key, { count: 45_000, failed: 2 })
    const busy = `${group}services/route_points/busy@sip.netaxis.be/call_records/`
    expect(await walk(`${busy}?outcome=failed`)).toEqual([[], [], ['many-2']])
    expect(await walk(`${busy}?caller=%2B326*`)).toEqual([[], [], []])
    // By a number or an agent of which there is none, nothing else is looked at.
    expect(await walk(`${busy}?caller=%2B326&outcome=failed`)).toEqual([[]])
    expect(await walk(`${busy}?agent=nobody&outcome=failed`)).toEqual([[]])
    expect(await walk(`${busy}?code=none&outcome=failed`)).toEqual([[]])
  })
})
