import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../../../test/engines.ts'
import { fillRecords, hotlineKey } from '../../../../test/kept-records.ts'
import { createWorld, group, password, routePoint, type World } from '../../../../test/world.ts'
import { csvHead, csvLine } from './csv.ts'
import type { KeptRecord } from './record.ts'

const noon = Date.parse('2026-11-28T12:00:00Z')

/** Far more than the buffers on the way hold, so that what follows is made later. */
const count = 20_000

const plain: KeptRecord = {
  callId: 'a',
  caller: { name: 'Anna', number: '+3225550100' },
  dialled: '+3225126780',
  dnis: 'Sales',
  arrivedAt: noon,
  waitingSince: noon,
  answeredAt: noon + 1_500,
  agent: 'agent@sip.netaxis.be',
  destination: null,
  endedAt: noon + 61_500,
  outcome: 'answered',
  reason: 'The caller hung up.',
  hops: 0,
  offers: 1,
  isBounced: false,
  dispositionCodes: [
    { code: 'A', level: 'Group' },
    { code: 'B', level: 'CallCenter' },
  ],
}

/** The cells of a line that has no line ends and commas in them. */
const cellsOf = (line: string) => line.trimEnd().split(',')

describe('a record as CSV', () => {
  it('has a cell for each name of the first line', () => {
    const named = cellsOf(csvHead).map((name, index) => [name, cellsOf(csvLine(plain))[index]])
    expect(Object.fromEntries(named)).toEqual({
      callId: 'a',
      callerName: 'Anna',
      callerNumber: '+3225550100',
      dialled: '+3225126780',
      dnis: 'Sales',
      arrivedAt: '2026-11-28T12:00:00.000Z',
      waitingSince: '2026-11-28T12:00:00.000Z',
      answeredAt: '2026-11-28T12:00:01.500Z',
      endedAt: '2026-11-28T12:01:01.500Z',
      waitSeconds: '1.5',
      talkSeconds: '60',
      outcome: 'answered',
      reason: 'The caller hung up.',
      agent: 'agent@sip.netaxis.be',
      destination: '',
      offers: '1',
      hops: '0',
      isBounced: 'false',
      dispositionCodes: 'Group A; CallCenter B',
    })
  })

  it('of which hardly anything is known has as many cells', () => {
    const known = { callId: 'a', endedAt: noon, outcome: 'failed', reason: 'Lost.' } as const
    expect(cellsOf(csvLine(known))).toHaveLength(cellsOf(csvHead).length)
  })

  it.each([
    ['quotes and commas', 'Doe, "Anna"', '"Doe, ""Anna"""'],
    ['line ends', 'a\r\nb', '"a\r\nb"'],
    ['a formula', '=HYPERLINK("http://x")', `"'=HYPERLINK(""http://x"")"`],
    ['a formula that begins with +', '+A1', "'+A1"],
    ['a sum that is no number', '+1+1', "'+1+1"],
    ['a formula that begins with -', '-1+1', "'-1+1"],
    ['a formula that begins with @', '@SUM(A1)', "'@SUM(A1)"],
    ['a formula behind a tab', '\t=1', "'\t'=1"],
    ['a formula behind what some take for the end of a cell', 'Bob;=1+1', "Bob;'=1+1"],
    ['a formula in full width', '＝1', "'＝1"],
    ['a number as telephones have it', '+3225550100', '+3225550100'],
    ['a sign within', 'a=b', 'a=b'],
  ])('shows a name that has %s', (_, name, cell) => {
    const line = csvLine({ ...plain, caller: { name, number: '' } })
    expect(line.slice(0, -2)).toContain(`a,${cell},,`)
  })
})

describe.each(engines)('records as CSV on $name', (engine) => {
  let world: World
  let url: string
  beforeAll(async () => {
    world = await createWorld(engine)
    await fillRecords(world.database, hotlineKey, { count, reason: 'x'.repeat(1_000) })
    await world.app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = world.app.server.address() as AddressInfo
    url = `http://127.0.0.1:${port}${routePoint}call_records/csv/`
  })
  afterAll(() => world.close())

  async function tokenOf(userId: string): Promise<string> {
    const admin = { userId, firstName: 'New', lastName: 'Admin', password }
    await world.ask('system', 'POST', `${group}admins/`, admin)
    const username = `${userId}@sip.netaxis.be`
    const login = await world.ask('nobody', 'POST', '/api/v1/login/', { username, password })
    const cookie = String(login.headers['set-cookie']).split(';', 1)[0] ?? ''
    const made = await world.ask('nobody', 'POST', '/api/v1/tokens/', { name: 'x' }, { cookie })
    return made.body.token
  }

  it('are one file of all of them', async () => {
    const answer = await fetch(url, {
      headers: { authorization: `Bearer ${await tokenOf('whole')}` },
    })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8; header=present')
    expect(answer.headers.get('content-disposition')).toContain('call-records.csv')
    const lines = (await answer.text()).split('\r\n')
    expect(`${lines[0]}\r\n`).toBe(csvHead)
    expect(lines).toHaveLength(count + 2)
    expect(new Set(lines.map((line) => line.split(',')[0])).size).toBe(count + 2)
  })

  it('break off where the right to see them is lost, and do not look whole', async () => {
    const authorization = `Bearer ${await tokenOf('leaving')}`
    const answer = await fetch(url, { headers: { authorization } })
    const reader = answer.body?.getReader()
    expect((await reader?.read())?.done).toBe(false)
    const path = `${group}admins/leaving@sip.netaxis.be/`
    expect((await world.ask('system', 'DELETE', path)).status).toBe(200)
    const rest = async () => {
      for (;;) if ((await reader?.read())?.done) return
    }
    await expect(rest()).rejects.toThrow()
  })

  it('break off where the server stops', async () => {
    const authorization = `Bearer ${await tokenOf('patient')}`
    const answer = await fetch(url, { headers: { authorization } })
    const reader = answer.body?.getReader()
    await reader?.read()
    const closed = world.app.close()
    const rest = async () => {
      for (;;) if ((await reader?.read())?.done) return
    }
    await expect(rest()).rejects.toThrow()
    await closed
  })
})
