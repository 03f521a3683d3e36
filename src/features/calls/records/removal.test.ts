import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../../../test/engines.ts'
import { fillRecords, hotlineKey, keepRecords } from '../../../../test/kept-records.ts'
import { createWorld, group, routePoint, type World } from '../../../../test/world.ts'
import { sql } from '../../../database/database.ts'
import { pruneRecords } from './prune.ts'
import { rollOnce, settledMilliseconds } from './roll.ts'

const hour = 3_600_000
const begin = Date.parse('2026-01-01T00:00:00Z')
const codes = [{ level: 'Group', code: 'A' }] as const

describe.each(engines)('records and figures of calls on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
  })
  afterAll(() => world.close())

  /** Rows of records, codes and figures. */
  async function counts(): Promise<number[]> {
    const tables = ['call_records', 'call_record_codes', 'call_figures']
    const select = (table: string) => sql<{ rows: number }>(`SELECT count(*) AS rows FROM ${table}`)
    const all = await Promise.all(tables.map((table) => world.database.get(select(table))))
    return all.map((row) => row?.rows ?? 0)
  }

  /** Calls of six hours, four an hour, all of them counted. */
  async function fill(): Promise<void> {
    const pasts = Array.from({ length: 24 }, (_, index) => ({
      endedAt: begin + index * (hour / 4),
      codes,
    }))
    await keepRecords(world.database, hotlineKey, pasts)
    while (await rollOnce(world.database, begin + 6 * hour + settledMilliseconds));
  }

  const figuresOf = async (from: number, to: number) => {
    const query = `from=${new Date(from).toISOString()}&to=${new Date(to).toISOString()}`
    const { body } = await world.ask('groupAdmin', 'GET', `${routePoint}call_figures/?${query}`)
    return body.callFigures[0].calls
  }

  it('that are too old go together, step by step', async () => {
    await fill()
    const all = await counts()
    expect(await pruneRecords(world.database, begin)).toBe(0)
    expect(await counts()).toEqual(all)
    // Of the third hour half of the records are too old, and none of the figures.
    await pruneRecords(world.database, begin + 2.5 * hour)
    const [records, codesLeft] = await counts()
    expect([records, codesLeft]).toEqual([14, 14])
    expect(await figuresOf(begin, begin + 2 * hour)).toBe(0)
    expect(await figuresOf(begin + 2 * hour, begin + 3 * hour)).toBe(4)
    expect(await figuresOf(begin, begin + 6 * hour)).toBe(16)

    await fillRecords(world.database, hotlineKey, { count: 1_200 })
    const steps = [500, 500, 200]
    for (const step of steps) expect(await pruneRecords(world.database, begin)).toBe(step)
    await pruneRecords(world.database, begin + 6 * hour)
    expect(await counts()).toEqual([0, 0, 0])
  })

  it('go with their group, however many they are, and a namesake has none', async () => {
    await fill()
    await fillRecords(world.database, hotlineKey, { count: 20_000 })
    const { body, text } = await world.ask('groupAdmin', 'GET', `${routePoint}call_records/`)
    expect(body?.callRecords ?? text).toHaveLength(100)
    const { callId } = body.callRecords[0]
    const deleted = await world.ask('system', 'DELETE', `${group}?deleteNonEmpty=1`)
    expect(deleted.status).toBe(200)
    expect(await counts()).toEqual([0, 0, 0])

    const groups = '/api/v1/tenants/footenant/groups/'
    expect((await world.ask('system', 'POST', groups, { groupId: 'foogroup' })).status).toBe(201)
    const serviceInstanceProfile = { name: 'Again', extension: '7000' }
    const made = { serviceUserId: 'APIOTestRP@sip.netaxis.be', serviceInstanceProfile }
    const again = await world.ask('system', 'POST', `${group}services/route_points/`, made)
    expect(again.status, again.text).toBe(201)
    const records = `${routePoint}call_records/`
    expect((await world.ask('system', 'GET', records)).body).toEqual({ callRecords: [] })
    expect((await world.ask('system', 'GET', `${records}${callId}/`)).status).toBe(404)
  })
})
