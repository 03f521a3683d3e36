import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../../../test/engines.ts'
import { hotlineKey, keepRecords, type Past } from '../../../../test/kept-records.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  people,
  routePoint,
  type World,
} from '../../../../test/world.ts'
import { sql } from '../../../database/database.ts'
import { outcomes } from '../call.ts'
import { replaceRecordCodes } from './record.ts'
import { rollOnce, settledMilliseconds } from './roll.ts'

const figures = `${routePoint}call_figures/`
const hour = 3_600_000
const begin = Math.floor(Date.now() / (24 * hour)) * 24 * hour - 10 * 24 * hour
const at = (milliseconds: number) => new Date(begin + milliseconds).toISOString()

interface Figures {
  from: string
  to: string
  dnis?: string
  agent?: string
  code?: string
  codeLevel?: string
  calls: number
  [measure: string]: unknown
}

/** Calls of two days, of every kind; some hours have none. */
const pasts: (Past & { callId: string; waited?: number })[] = Array.from(
  { length: 600 },
  (_, index) => {
    const outcome = outcomes[(index * 7) % outcomes.length] ?? 'answered'
    const isTaken = outcome === 'answered' || outcome === 'forwarded'
    return {
      callId: `call-${index}`,
      endedAt: begin + (index % 40) * hour + ((index * 37_123) % hour),
      outcome,
      ...(index % 3 > 0 && { dnis: index % 3 === 1 ? 'Sales' : 'Support' }),
      ...(isTaken && { agent: `Agent${index % 4}@sip.netaxis.be`, talked: (index % 50) * 1_000 }),
      ...(outcome !== 'refused' && { waited: (index % 45) * 1_000 }),
      isBounced: index % 11 === 0,
      codes: [
        ...(index % 2 === 0 ? [{ level: 'Group', code: 'A' } as const] : []),
        ...(index % 5 === 0 ? [{ level: 'CallCenter', code: 'A' } as const] : []),
      ],
    }
  },
)

const mean = (values: readonly number[]) =>
  values.length === 0
    ? undefined
    : Math.round(values.reduce((sum, value) => sum + value, 0) / values.length) / 1_000

/** What the figures of some calls must be, counted another way. */
function counted(past: readonly Past[]) {
  const of = (outcome: string) => past.filter((one) => one.outcome === outcome)
  const soon = of('answered').filter(({ waited = 0 }) => waited <= 20_000).length
  const ended = of('answered').length + of('abandoned').length
  const waits = past.flatMap(({ waited }) => waited ?? [])
  const talks = past.flatMap(({ agent, talked = 0 }) => (agent === undefined ? [] : [talked]))
  return {
    calls: past.length,
    answered: of('answered').length,
    answeredSoon: soon,
    abandoned: of('abandoned').length,
    overflowed: of('overflowed').length,
    forwarded: of('forwarded').length,
    bouncedOut: of('bounced-out').length,
    refused: of('refused').length,
    failed: of('failed').length,
    released: of('released').length,
    bounced: past.filter(({ isBounced }) => isBounced).length,
    serviceLevel: ended === 0 ? undefined : Math.round((soon / ended) * 1_000) / 1_000,
    meanWaitSeconds: mean(waits),
    longestWaitSeconds: Math.max(0, ...waits) / 1_000,
    meanTalkSeconds: mean(talks),
  }
}

const within = (from: number, to: number) =>
  pasts.filter(({ endedAt }) => endedAt >= begin + from && endedAt < begin + to)

/** Figures by something, in the order in which they are told. */
function countedBy(past: readonly Past[], namesOf: (past: Past) => object[]) {
  const groups = new Map<string, Past[]>()
  for (const one of past) {
    for (const names of namesOf(one)) {
      const key = JSON.stringify(names)
      groups.set(key, [...(groups.get(key) ?? []), one])
    }
  }
  return [...groups].map(([key, some]) => ({ ...JSON.parse(key), ...counted(some) }))
}

describe.each(engines)('figures of calls on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
    await keepRecords(world.database, hotlineKey, pasts)
    const other = ['footenant', 'siblinggroup', 'apiotestrp@sip.netaxis.be'] as const
    const elsewhere = ['footenant', 'foogroup', 'other@sip.netaxis.be'] as const
    for (const key of [other, elsewhere]) {
      await keepRecords(world.database, key, [
        { endedAt: begin, codes: [{ level: 'Group', code: 'A' }] },
      ])
    }
    await world.ask('system', 'POST', `${group}users/`, {
      userId: 'Agent1',
      firstName: 'A',
      lastName: 'B',
    })
  })
  afterAll(() => world.close())

  async function ask(query: string): Promise<Figures[]> {
    const { body, text } = await world.ask('groupAdmin', 'GET', `${figures}?${query}`)
    return body?.callFigures ?? expect.unreachable(text)
  }

  /** Makes all figures up to a moment. */
  async function rollUpTo(milliseconds: number): Promise<void> {
    const now = begin + milliseconds + settledMilliseconds
    while (await rollOnce(world.database, now));
  }

  it('are shown to nobody, too low levels and other groups and tenants, and reading writes nothing', async () => {
    const query = `from=${at(0)}&to=${at(hour)}`
    await expectUnchanged(world, async () => {
      for (const who of people) {
        const answer = await world.ask(who, 'GET', `${figures}?${query}`)
        if (['groupAdmin', 'tenantAdmin', 'system'].includes(who)) {
          expect(answer.status, `${who} ${answer.text}`).toBe(200)
        } else if (who === 'nobody') expectRefusal(answer, 401)
        else {
          const isElsewhere = who === 'siblingAdmin' || who === 'otherTenantAdmin'
          expectRefusal(answer, isElsewhere ? 404 : 403)
        }
      }
      const nowhere = `${figures.replace('APIOTestRP', 'none')}?${query}`
      expectRefusal(await world.ask('system', 'GET', nowhere), 404)
    })
  })

  it.each([
    [`to=${at(1)}`, ['to']],
    [`from=${at(1)}&to=${at(hour)}`, ['from']],
    [`from=${at(0)}&to=${at(hour + 60_000)}`, ['to']],
    [`from=${at(hour)}&to=${at(hour)}`, ['to']],
    [`from=${at(0)}&to=noon`, ['to']],
    [`from=${at(0)}&to=${at(hour)}&interval=0`, ['interval']],
    [`from=${at(0)}&to=${at(hour)}&interval=1000`, ['interval']],
    [`from=${at(0)}&to=${at(hour)}&interval=day`, ['interval']],
    [`from=${at(0)}&to=${at(1_001 * 900_000)}&interval=900`, ['interval']],
    [`from=${at(0)}&to=${at(hour)}&by=caller`, ['by']],
    [`from=${at(0)}&to=${at(hour)}&outcome=answered`, ['outcome']],
    [`from=${at(0)}&to=${at(401 * 24 * hour)}&by=dnis`, ['to']],
    [`from=${at(900_000)}&to=${at(63 * 24 * hour)}&by=dnis`, ['from']],
    [`from=${at(0)}&to=${at(3_701 * 24 * hour)}`, ['to']],
  ])('are not made by %s', async (query, parameters) => {
    const answer = await world.ask('groupAdmin', 'GET', `${figures}?${query}`)
    const faults = parameters.map((parameter) => ({ code: 2, parameter }))
    expectRefusal(answer, 400, faults)
  })

  /** Compares all kinds of figures with what was counted another way. */
  async function expectAll(): Promise<void> {
    const whole = { from: at(0), to: at(48 * hour) }
    const time = `from=${whole.from}&to=${whole.to}`
    expect(await ask(time)).toEqual([{ ...whole, ...counted(pasts) }])
    for (const [from, seconds, count] of [
      [0, 3_600, 48],
      [0, 900, 192],
      [900_000, 5_400, 32],
      [-1_800_000, 86_400, 3],
    ] as const) {
      const step = seconds * 1_000
      const rows = await ask(`from=${at(from)}&to=${whole.to}&interval=${seconds}`)
      expect(rows).toHaveLength(count)
      const expected = Array.from({ length: count }, (_, index) => {
        const began = from + index * step
        const ended = Math.min(began + step, 48 * hour)
        return { from: at(began), to: at(ended), ...counted(within(began, ended)) }
      })
      expect(rows).toEqual(expected)
    }
    // Whoever there is still is told by their id as it is written now.
    const agentOf = ({ agent }: Past) => [
      agent === undefined
        ? {}
        : { agent: agent.startsWith('Agent1@') ? agent : agent.toLowerCase() },
    ]
    const dnisOf = ({ dnis }: Past) => [dnis === undefined ? {} : { dnis }]
    const codesOf = ({ codes = [] }: Past) =>
      codes.map(({ code, level }) => ({ code, codeLevel: level }))
    for (const [by, namesOf] of [
      ['agent', agentOf],
      ['dnis', dnisOf],
      ['code', codesOf],
    ] as const) {
      for (const [from, to] of [
        [0, 48 * hour],
        [900_000, 7 * hour],
      ] as const) {
        const rows = await ask(`from=${at(from)}&to=${at(to)}&by=${by}`)
        const expected = countedBy(within(from, to), namesOf)
        expect(rows).toHaveLength(expected.length)
        const span = { from: at(from), to: at(to) }
        expect(rows).toEqual(expect.arrayContaining(expected.map((one) => ({ ...span, ...one }))))
      }
    }
    const [first, ...others] = await ask(`${time}&interval=3600&by=dnis`)
    expect(first).toMatchObject({ from: at(0), to: at(hour) })
    expect(others.every(({ calls }) => calls > 0)).toBe(true)
  }

  it('are the same however much of them was made beforehand', async () => {
    await expectAll()
    for (const until of [-hour, 0.5 * hour, 9.25 * hour, 20 * hour, 60 * hour]) {
      await rollUpTo(until)
      await expectAll()
    }
  })

  it('are made once by nodes that make them at once', async () => {
    const clear = ['DELETE FROM call_figures', 'DELETE FROM call_figures_until']
    await world.database.write(async (transaction) => {
      for (const text of clear) await transaction.run(sql(text))
    })
    const now = begin + 60 * hour + settledMilliseconds
    const roll = async () => {
      while (await rollOnce(world.database, now));
    }
    await Promise.all([roll(), roll(), roll()])
    await expectAll()
    const select = sql<{ calls: number }>(
      "SELECT CAST(sum(calls) AS BIGINT) AS calls FROM call_figures WHERE by_what = '' AND seconds = 3600",
    )
    // With the two of others.
    expect((await world.database.get(select))?.calls).toBe(pasts.length + 2)
  })

  it('do not count what has not settled, and no code changes that is counted', async () => {
    const now = Date.now()
    const [young, old] = [now - settledMilliseconds + 60_000, now - settledMilliseconds - 900_000]
    await keepRecords(world.database, hotlineKey, [
      { callId: 'young', endedAt: young },
      { callId: 'old', endedAt: old },
    ])
    while (await rollOnce(world.database, now));
    const codes = [{ level: 'Group', code: 'NEW' }] as const
    const replace = (callId: string) =>
      world.database.write((transaction) =>
        replaceRecordCodes(transaction, hotlineKey, { callId, dispositionCodes: codes }),
      )
    expect(await replace('old')).toBe(false)
    expect(await replace('young')).toBe(true)
    const from = new Date(Math.floor(old / 900_000) * 900_000).toISOString()
    const to = new Date((Math.floor(now / 900_000) + 1) * 900_000).toISOString()
    expect(await ask(`from=${from}&to=${to}`)).toMatchObject([{ calls: 2 }])
    expect(await ask(`from=${from}&to=${to}&by=code`)).toMatchObject([{ code: 'NEW', calls: 1 }])
  })

  it('are those of a day up to now unless told', async () => {
    const [day, ...others] = await ask('')
    const quarter = 900_000
    const told = Date.parse(day?.to ?? '')
    expect([told % quarter, told > Date.now() - quarter, told <= Date.now() + quarter]).toEqual([
      0,
      true,
      true,
    ])
    expect(Date.parse(day?.from ?? '')).toBe(told - 24 * hour)
    expect(others).toEqual([])
    expect(await ask(`to=${at(48 * hour)}`)).toEqual([
      { from: at(24 * hour), to: at(48 * hour), ...counted(within(24 * hour, 48 * hour)) },
    ])
  })

  it('are refused where there would be too many', async () => {
    const key = ['footenant', 'foogroup', 'wide@sip.netaxis.be'] as const
    await world.ask('system', 'POST', `${group}services/route_points/`, {
      serviceUserId: 'wide',
      serviceInstanceProfile: { name: 'Wide', extension: '7004' },
    })
    const numbers =
      'WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < 10001)'
    await world.database.write((transaction) =>
      transaction.run(
        sql(`INSERT INTO call_records (tenant_key, call_id, group_key, route_point_key, ended_at, outcome, dnis, value)
             ${numbers} SELECT ?, 'wide-' || CAST(i AS TEXT), ?, ?, CAST(? AS BIGINT), 'answered', CAST(i AS TEXT), '{}' FROM numbers`),
        ...key,
        Date.now(),
      ),
    )
    const wide = figures.replace('APIOTestRP', 'wide')
    const to = at(12 * 24 * hour)
    const answer = await world.ask('groupAdmin', 'GET', `${wide}?from=${at(0)}&to=${to}&by=dnis`)
    expectRefusal(answer, 400, [{ code: 2, parameter: 'interval' }])
  })
})
