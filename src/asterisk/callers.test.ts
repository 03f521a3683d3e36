import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AriServer, channel } from '../../test/ari-server.ts'
import type { EngineConfiguration } from '../engines/configuration.ts'
import type { EngineEvent } from '../engines/engine.ts'
import { Callers } from './callers.ts'
import { createRequests } from './requests.ts'
import type { Channel } from './resources.ts'

const limit = { timeout: 15_000 }
const nobodyEnds = () => false

let ari: AriServer
let callers: Callers
let told: EngineEvent[]
/** What channels have, by name. */
let variables: Record<string, string>

beforeEach(async () => {
  ari = await AriServer.open()
  variables = {}
  ari.answering = (request, response) => {
    const name = new URL(request.url ?? '', ari.url).searchParams.get('variable') ?? ''
    const value = variables[name]
    if (value !== undefined) response.end(JSON.stringify({ value }))
    return value !== undefined
  }
  told = []
  const configuration = { domain: 'configured.example' } as EngineConfiguration
  const account = { url: `${ari.url}/ari`, username: 'a', password: 'b' }
  callers = new Callers({
    configuration,
    requests: createRequests(account, { onOutcome() {} }),
    tell: (event) => told.push(event),
  })
})
afterEach(() => ari.close())

const withoutVariables = (id: string, changed: object = {}) =>
  channel(id, { channelvars: undefined, ...changed }) as Channel

const starts = (one: object) => callers.started(one as Channel)

describe('a caller who comes', () => {
  it('is told with what their side wrote, and the domain that Asterisk sent with it', async () => {
    starts(channel('c1'))
    await expect
      .poll(() => told, limit)
      .toEqual([
        {
          type: 'arrived',
          leg: 'c1',
          dialled: '+3225126780',
          domain: 'sip.netaxis.be',
          caller: { name: 'Anna', number: '+3225550100' },
          peer: 'trunk',
        },
      ])
    expect(ari.asked).toEqual([])
  })

  it('is told with all that they dialled, where the dialplan keeps it', async () => {
    variables.DIALLED_URI = `sip:%C3%BC-${'x'.repeat(100)}@host`
    const dialplan = { exten: 's' }
    starts(withoutVariables('asked', { dialplan }))
    starts(channel('sent', { dialplan, channelvars: { DIALLED_URI: 'sip:sent@host' } }))
    starts(channel('without', { channelvars: { DIALLED_URI: '' } }))
    starts(channel('nobody', { channelvars: { DIALLED_URI: 'sip:host' } }))
    const dialled = () =>
      Object.fromEntries(
        told.map((event) => ('dialled' in event ? [event.leg, event.dialled] : [])),
      )
    await expect.poll(dialled, limit).toEqual({
      asked: `ü-${'x'.repeat(100)}`,
      sent: 'sent',
      without: '+3225126780',
      nobody: '+3225126780',
    })
  })

  it.each([
    ['prohib_not_screened', { name: 'Anonymous', number: '' }],
    ['prohib', { name: 'Anonymous', number: '' }],
    ['allowed_passed_screen', { name: 'Anna', number: '+3225550100' }],
    ['unavailable', { name: 'Anna', number: '+3225550100' }],
    ['', { name: 'Anna', number: '+3225550100' }],
  ])('whose presentation is %j is shown as %j', async (CALLER_PRESENTATION, caller) => {
    variables = { CALLER_PRESENTATION }
    starts(withoutVariables('asked'))
    starts(channel('sent', { channelvars: { CALLER_PRESENTATION } }))
    await expect.poll(() => told, limit).toMatchObject([{ caller }, { caller }])
  })

  it('is told with the domain that is asked for', async () => {
    variables.SIPDOMAIN = 'asked.example'
    starts(withoutVariables('c1'))
    await expect.poll(() => told, limit).toMatchObject([{ domain: 'asked.example' }])
  })

  it.each<[what: string, answer: string, status: number]>([
    ['there is none', '{"message":"Provided variable was not found"}', 404],
    ['it is empty', '{"value":""}', 200],
    ['the engine fails', '{}', 500],
    ['what the engine answers is something else', '{"value":{"a":1}}', 200],
    ['what the engine answers is no JSON', '<html>', 200],
  ])('is told with the configured domain where %s', async (_, answer, status) => {
    ari.answering = (_request, response) => {
      response.writeHead(status).end(answer)
      return true
    }
    starts(withoutVariables('c1'))
    await expect.poll(() => told, limit).toMatchObject([{ domain: 'configured.example' }])
  })

  it('is told once, and once that they have gone', async () => {
    for (let times = 0; times < 3; times += 1) starts(channel('c1'))
    await expect.poll(() => told.length, limit).toBe(1)
    for (let times = 0; times < 3; times += 1) callers.ended('c1')
    expect(told.map(({ type }) => type)).toEqual(['arrived', 'ended'])
  })

  it('and goes while their domain is asked for is told first, and then that they went', async () => {
    variables.SIPDOMAIN = 'asked.example'
    starts(withoutVariables('c1'))
    callers.ended('c1')
    await expect
      .poll(() => told, limit)
      .toMatchObject([
        { type: 'arrived', leg: 'c1' },
        { type: 'ended', leg: 'c1', how: 'hungUp' },
      ])
  })

  it('is not told of where nobody came', () => {
    callers.ended('nobody')
    expect(told).toEqual([])
  })

  it.each([
    ['PJSIP/trunk-00000001', 'trunk'],
    ['PJSIP/my-trunk-0000000a', 'my-trunk'],
    ['PJSIP/a/b-1', 'a/b'],
    ['trunk', 'trunk'],
    ['', ''],
  ])('through %j is from the peer %j', async (name, peer) => {
    starts(channel('c1', { name }))
    await expect.poll(() => told, limit).toMatchObject([{ peer }])
  })

  it.each([
    ['Zürich \\"X\\"', 'Zürich "X"'],
    ['a\\\\b', 'a\\b'],
    ['a\\', 'a\\'],
    ['\\\n', '\n'],
  ])('whose name was quoted as %j is called %j', async (name, unquoted) => {
    starts(channel('c1', { caller: { name, number: '1' } }))
    await expect.poll(() => told, limit).toMatchObject([{ caller: { name: unquoted } }])
  })

  it('under an id that no address can have is told all the same', async () => {
    starts(withoutVariables('\ud800'))
    await expect.poll(() => told, limit).toMatchObject([{ leg: '\ud800' }])
    expect(new Set(ari.asked)).toEqual(new Set(['GET /channels/%EF%BF%BD/variable']))
  })
})

describe('a survey of callers', () => {
  it('answers those that were not known', async () => {
    variables = { SIPDOMAIN: 'asked.example' }
    const known = await callers.surveyed([withoutVariables('c1')], nobodyEnds)
    expect(known).toMatchObject([{ leg: 'c1', domain: 'asked.example' }])
    expect(told).toEqual([])
    starts(withoutVariables('c1'))
    callers.ended('c1')
    expect(told).toMatchObject([{ type: 'ended', leg: 'c1' }])
  })

  it('asks nothing of those that were known', async () => {
    starts(channel('c1'))
    await expect.poll(() => told.length, limit).toBe(1)
    const known = await callers.surveyed([withoutVariables('c1')], nobodyEnds)
    expect(known).toMatchObject([{ leg: 'c1', domain: 'sip.netaxis.be' }])
    expect(ari.asked).toEqual([])
  })

  it('asks nothing of those that were not, where all that is needed was sent', async () => {
    expect(await callers.surveyed([channel('c1') as Channel], nobodyEnds)).toHaveLength(1)
    expect(ari.asked).toEqual([])
  })

  it('forgets those that are gone, but for those whose end is still to be told', async () => {
    for (const id of ['gone', 'ending', 'there']) starts(channel(id))
    await expect.poll(() => told.length, limit).toBe(3)
    const known = await callers.surveyed([withoutVariables('there')], (id) => id === 'ending')
    expect(known.map(({ leg }) => leg)).toEqual(['ending', 'there'])
    callers.ended('gone')
    callers.ended('ending')
    expect(told.slice(3)).toMatchObject([{ type: 'ended', leg: 'ending' }])
  })

  it('fails where a caller who was not known cannot be asked for, and may be made again', async () => {
    const answering = vi.fn((_request, response) => response.writeHead(500).end('{}') !== undefined)
    ari.answering = answering
    const survey = () => callers.surveyed([withoutVariables('c1')], nobodyEnds)
    await expect(survey()).rejects.toThrow('was answered 500')
    ari.answering = () => false
    expect(await survey()).toMatchObject([{ leg: 'c1' }])
  })
})
