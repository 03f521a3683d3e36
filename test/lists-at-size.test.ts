import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sql, type Value } from '../src/database/database.ts'
import { engines } from './engines.ts'
import { createWorld, group, routePoint, type World } from './world.ts'

/** A carrier's largest group, and its largest list of called numbers, as far as we know. */
const routePointCount = 50_000
const dnisCount = 20_000

const routePoints = `${group}services/route_points/`
const dnis = `${routePoint}dnis/`

/** Spreads names and numbers over the ids, so that no list is in the order of another one; coprime with both counts. */
const stride = 7_919

const numbered = (most: number) =>
  `WITH RECURSIVE numbered (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbered WHERE i < ${most})`
const spread = (most: number) => `CAST(100000 + i * ${stride} % ${most} AS TEXT)`
const place = "'footenant', 'foogroup'"
const index = 'CAST(100000 + i AS TEXT)'

const insertIdentities = sql(
  `INSERT INTO identities (tenant_key, group_key, identity_key, identity_id)
   ${numbered(routePointCount)}
   SELECT ${place}, 'rp' || ${index} || '@x', 'RP' || ${index} || '@x' FROM numbered`,
)

const insertRoutePoints = sql(
  `INSERT INTO route_points (tenant_key, group_key, route_point_key, service_user_id, name,
     name_key, phone_number, extension, value)
   ${numbered(routePointCount)}
   SELECT ${place}, 'rp' || ${index} || '@x', 'RP' || ${index} || '@x',
     'Name ' || ${spread(routePointCount)}, 'name ' || ${spread(routePointCount)},
     '+32' || ${spread(routePointCount)}, ${spread(routePointCount)},
     '{"serviceUserId":"RP' || ${index} || '@x","serviceInstanceProfile":{"name":"Name '
       || ${spread(routePointCount)} || '"},"active":true}'
   FROM numbered`,
)

const insertDnis = sql(
  `INSERT INTO dnis (tenant_key, group_key, route_point_key, name, name_key, phone_number,
     extension, allow_outgoing_acd_call, value)
   ${numbered(dnisCount)}
   SELECT ${place}, 'apiotestrp@sip.netaxis.be', 'DNIS ' || ${spread(dnisCount)},
     'dnis ' || ${spread(dnisCount)}, '+33' || ${index}, ${index}, 0,
     '{"name":"DNIS ' || ${spread(dnisCount)} || '","phoneNumber":"+33' || ${index} || '"}'
   FROM numbered`,
)

/** Bytes of the heap that are in use when all garbage is gone. */
function heapUsed(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed
}

describe.each(engines)('lists at size on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
    await world.database.write(async (transaction) => {
      await transaction.run(insertIdentities)
      await transaction.run(insertRoutePoints)
      await transaction.run(insertDnis)
    })
    // No installation gathers statistics on SQLite; with those of a nearly empty table it would read the whole of it.
    if (engine.name !== 'SQLite') await world.test.analyze()
  }, 120_000)
  afterAll(() => world.close())

  const get = (path: string, query: Record<string, string | number> = {}) => {
    const search = new URLSearchParams(
      Object.entries(query).map(([name, value]) => [name, `${value}`]),
    )
    return world.ask('groupAdmin', 'GET', `${path}?${search}`)
  }
  /** Every world has one already. */
  const total = routePointCount + 1

  it('lead page by page through every item once, in a heap that does not grow', async () => {
    const seen = new Set<string>()
    let url = `${routePoints}?sortOrders=insensitiveAscendingName`
    let previous = ''
    let heapEarly = 0
    for (let page = 1; url; page += 1) {
      const answer = await world.ask('groupAdmin', 'GET', url)
      expect(answer.headers['x-total-count']).toBe(String(total))
      for (const { serviceUserId, name } of answer.body.route_points) {
        expect(name.toLowerCase() > previous, `${previous} before ${name}`).toBe(true)
        previous = name.toLowerCase()
        seen.add(serviceUserId)
      }
      if (page === 10) heapEarly = heapUsed()
      url = /<([^>]+)>/.exec(String(answer.headers.link ?? ''))?.[1] ?? ''
    }
    expect(seen.size).toBe(total)
    // The ids that this test keeps are 40,000 short texts more by then; forty pages would be some 100 MB.
    expect(heapUsed() - heapEarly).toBeLessThan(10_000_000)
  }, 120_000)

  it('answer deep pages, filters and totals right', async () => {
    const deep = await get(routePoints, { startIndex: 49_992, pageSize: 20 })
    expect(deep.body.route_points).toHaveLength(10)
    expect(deep.body.route_points.at(-1).serviceUserId).toBe('RP150000@x')
    const contains = await get(routePoints, { insensitiveNameContains: 'E 149', pageSize: 5 })
    expect(contains.headers['x-total-count']).toBe('1000')
    expect(contains.body.route_points).toHaveLength(5)
    const starts = await get(routePoints, { sensitivePhoneNumberStarts: '+3214999' })
    expect(starts.body.route_points).toHaveLength(10)
    const equals = await get(routePoints, { insensitiveNameEquals: 'NAME 100000' })
    expect(equals.body.route_points).toMatchObject([{ serviceUserId: 'RP150000@x' }])
  })

  it('are whole without pageSize where the reference knows no paging', async () => {
    const whole = await get(dnis)
    expect(whole.body.dnis).toHaveLength(dnisCount)
    expect(whole.headers['x-total-count']).toBe(String(dnisCount))
    expect(whole.headers.link).toBeUndefined()
    const names = whole.body.dnis.map(({ name }: { name: string }) => name)
    expect(names).toEqual([...names].sort())
    const page = await get(dnis, { startIndex: 19_999, pageSize: 1_000 })
    expect(page.body.dnis).toEqual(whole.body.dnis.slice(-2))
    const filtered = await get(dnis, { insensitiveNameContains: 's 1199' })
    expect(filtered.body.dnis).toHaveLength(100)
  })

  /** The statements that `act` reads by. */
  async function statementsOf(act: () => Promise<unknown>): Promise<[string, Value[]][]> {
    const { database } = world
    const { all, get } = database
    const seen: [string, Value[]][] = []
    database.all = (statement, ...values) => {
      seen.push([statement.text, values])
      return all.call(database, statement, ...values) as never
    }
    database.get = (statement, ...values) => {
      seen.push([statement.text, values])
      return get.call(database, statement, ...values) as never
    }
    await act().finally(() => {
      Object.assign(database, { all, get })
    })
    return seen
  }

  async function slowStepsOf(path: string, query: Record<string, string | number>) {
    const statements = await statementsOf(() => get(path, { pageSize: 50, ...query }))
    const lists = statements.filter(([text]) => text.includes('ORDER BY'))
    const counts = statements.filter(([text]) => text.includes('count(*)'))
    expect(lists).toHaveLength(1)
    // PostgreSQL rightly counts a group that has nearly all rows of a table by reading all of them.
    const judged = engine.name === 'SQLite' ? [...lists, ...counts] : lists
    const steps = await Promise.all(judged.map((one) => world.test.slowSteps(...one)))
    return steps.flat()
  }

  const indexed = {
    [routePoints]: [
      'insensitive ServiceUserId',
      'insensitive Name',
      'sensitive PhoneNumber',
      'sensitive Extension',
    ],
    [dnis]: ['sensitive Name', 'insensitive Name', 'sensitive PhoneNumber', 'sensitive Extension'],
    [`${group}users/`]: [
      'insensitive UserId',
      'insensitive LastName',
      'sensitive PhoneNumber',
      'sensitive Extension',
    ],
  }

  it('read just the rows of a page, unsorted and by the sort orders with an index', async () => {
    for (const [path, orders] of Object.entries(indexed)) {
      // A planner rightly sorts the one user there is.
      if (engine.name !== 'SQLite' && path.endsWith('users/')) continue
      expect(await slowStepsOf(path, {})).toEqual([])
      for (const order of orders) {
        const sortOrders = order.replace(' ', 'Ascending')
        expect(await slowStepsOf(path, { sortOrders }), `${path} ${order}`).toEqual([])
        const filter = order.replace(' ', '')
        expect(await slowStepsOf(path, { [`${filter}Starts`]: 'rp1', sortOrders })).toEqual([])
      }
    }
  })

  const searchable = {
    [routePoints]: ['ServiceUserId', 'Name', 'PhoneNumber', 'Extension', 'DepartmentName'],
    [dnis]: ['Name', 'PhoneNumber', 'Extension'],
  }

  it.each(
    Object.entries(searchable).flatMap(([path, fields]) =>
      fields.flatMap((field) => [
        [path, 'sensitive', field],
        [path, 'insensitive', field],
      ]),
    ),
  )('never read a whole table: %s by %s %s', async (path, sensitivity, field) => {
    for (const direction of ['Ascending', 'Descending']) {
      const steps = await slowStepsOf(path, {
        sortOrders: `${sensitivity}${direction}${field}`,
        [`${sensitivity}${field}Contains`]: '1',
      })
      expect(steps.filter((step) => /^SCAN/.test(step))).toEqual([])
    }
  })
})
