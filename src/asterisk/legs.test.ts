import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AriServer, channel } from '../../test/ari-server.ts'
import type { EngineConfiguration } from '../engines/configuration.ts'
import type { EngineEvent } from '../engines/engine.ts'
import { Legs, legOf } from './legs.ts'
import { createRequests } from './requests.ts'
import type { Channel } from './resources.ts'

const patient = { timeout: 15_000 }
const leg = 'pointsman-1'
const jane = {
  to: { kind: 'agent' as const, userId: 'jane@sip.example.org', extension: '', phoneNumber: '' },
  from: { name: 'Anna', number: '1' },
  callId: 'call-1',
}

let ari: AriServer
let legs: Legs
let told: EngineEvent[]
/** What Asterisk tells of the telephones of an endpoint. */
let contacts: string
/** What requests of a method and path are answered with instead of success. */
let refusals: [pattern: RegExp, status: number][]
beforeEach(async () => {
  ari = await AriServer.open()
  told = []
  contacts = ''
  refusals = []
  ari.answering = (request, response) => {
    const refusal = refusals.find(([pattern]) => pattern.test(`${request.method} ${request.url}`))
    const isAsked = request.url?.includes('/variable?')
    if (refusal) response.writeHead(refusal[1]).end('{"message":"no"}')
    else if (isAsked) response.end(JSON.stringify({ value: contacts }))
    return refusal !== undefined || isAsked === true
  }
  const account = { url: `${ari.url}/ari`, username: 'a', password: 'b' }
  legs = new Legs({
    configuration: {
      application: 'pointsman',
      agents: 'PJSIP/{user}',
      callSecondsMax: 60,
    } as EngineConfiguration,
    requests: createRequests(account, { onOutcome() {} }),
    tell: (event) => told.push(event),
  })
})
afterEach(() => ari.close())

const contactsOf = (count: number) =>
  Array.from({ length: count }, (_, one) => `PJSIP/jane/sip:jane@10.0.0.${one + 1}`).join('&')

/** The channels for which this was asked. */
const askedFor = (pattern: RegExp) =>
  ari.asked.flatMap((one) => pattern.exec(one)?.[1] ?? []).sort()
const rung = () => askedFor(/^POST \/channels\/(.+)\/dial$/)
const hungUp = () => askedFor(/^DELETE \/channels\/(.+)$/)

describe('a person who is rung', () => {
  it('at one telephone answers there', async () => {
    contacts = contactsOf(1)
    await legs.dial(leg, jane)
    expect(rung()).toEqual([`${leg}.1`])
    legs.changed(`${leg}.1`, 'Ringing')
    legs.changed(`${leg}.1`, 'Ringing')
    legs.changed(`${leg}.1`, 'Up')
    expect(told).toEqual([
      { type: 'ringing', leg },
      { type: 'answered', leg },
    ])
    expect(legs.channelOf(leg)).toBe(`${leg}.1`)
    legs.ended(`${leg}.1`, { cause: 16, status: 200 })
    legs.ended(`${leg}.1`, { cause: 16, status: 200 })
    expect(told.slice(2)).toEqual([{ type: 'ended', leg, how: 'hungUp' }])
  })

  it('at three is rung at each, and the first to answer has the others released', async () => {
    contacts = contactsOf(3)
    await legs.dial(leg, jane)
    const phones = [2, 3, 4].map((number) => `${leg}.${number}`)
    expect(rung()).toEqual(phones)
    legs.changed(`${leg}.3`, 'Up')
    legs.changed(`${leg}.4`, 'Up')
    expect(told).toEqual([{ type: 'answered', leg }])
    await expect.poll(hungUp, patient).toEqual([`${leg}.1`, `${leg}.2`, `${leg}.4`, `${leg}.4`])
    legs.ended(`${leg}.2`, { cause: 26, status: 0 })
    legs.ended(`${leg}.4`, { cause: 17, status: 486 })
    expect(told).toHaveLength(1)
    expect(legs.channelOf(leg)).toBe(`${leg}.3`)
  })

  it('at twelve is rung at ten of them', async () => {
    contacts = contactsOf(12)
    await legs.dial(leg, jane)
    expect(rung()).toHaveLength(10)
  })

  it('at three tells by the last that ends what tells most', async () => {
    contacts = contactsOf(3)
    await legs.dial(leg, jane)
    legs.ended(`${leg}.2`, { cause: 17, status: 486 })
    legs.ended(`${leg}.3`, { cause: 19, status: 480 })
    expect(told).toEqual([])
    legs.ended(`${leg}.4`, { cause: 3, status: 503 })
    expect(told).toEqual([{ type: 'ended', leg, how: 'busy' }])
  })

  it('at three and declines everywhere has all of them released', async () => {
    contacts = contactsOf(3)
    await legs.dial(leg, jane)
    legs.ended(`${leg}.2`, { cause: 21, status: 603 })
    await expect.poll(hungUp, patient).toEqual([`${leg}.1`, `${leg}.3`, `${leg}.4`])
    for (const number of [3, 4]) legs.ended(`${leg}.${number}`, { cause: 16, status: 487 })
    expect(told).toEqual([{ type: 'ended', leg, how: 'declined' }])
  })

  it('before their telephone is in our application is rung as soon as it is', async () => {
    refusals = [[/dial/, 409]]
    contacts = contactsOf(1)
    const dialling = legs.dial(leg, jane)
    await expect.poll(() => rung().length, patient).toBeGreaterThan(2)
    refusals = []
    await dialling
    legs.changed(`${leg}.1`, 'Up')
    expect(told).toEqual([{ type: 'answered', leg }])
  })

  it('and is not wanted any more is released, which is no end of theirs', async () => {
    contacts = contactsOf(1)
    await legs.dial(leg, jane)
    await legs.release(leg, 16)
    expect(hungUp()).toEqual([`${leg}.1`])
    legs.changed(`${leg}.1`, 'Up')
    legs.ended(`${leg}.1`, { cause: 17, status: 486 })
    expect(told).toEqual([{ type: 'ended', leg, how: 'hungUp' }])
  })
})

describe('a person who cannot be rung', () => {
  it.each([500, 400])('since nothing is registered (%i) is unreachable', async (status) => {
    refusals = [[/POST .*\/create/, status]]
    await legs.dial(leg, jane)
    expect(told).toEqual([{ type: 'ended', leg, how: 'unreachable' }])
    expect(rung()).toEqual([])
  })

  it('by the address that they have is unreachable, and the engine is asked nothing', async () => {
    await legs.dial(leg, { ...jane, to: { ...jane.to, userId: 'a&PJSIP/b@sip.example.org' } })
    expect(told).toEqual([{ type: 'ended', leg, how: 'unreachable' }])
    expect(ari.asked).toEqual([])
  })

  it.each([
    ['make their telephone', /create/, 503],
    ['tell of their telephones', /variable/, 500],
    ['ring', /dial/, 500],
    ['take their telephone into our application', /dial/, 409],
  ])('since the engine does not %s is no end, and nothing is left', async (_, pattern, status) => {
    refusals = [[pattern, status]]
    contacts = contactsOf(1)
    const kind = status === 409 ? 'gone' : 'refused'
    await expect(legs.dial(leg, jane)).rejects.toMatchObject({ kind })
    expect(rung().length).toBeLessThanOrEqual(40)
    await expect.poll(hungUp, patient).toEqual([`${leg}.1`])
    legs.ended(`${leg}.1`, { cause: 16, status: undefined })
    expect(told).toEqual([])
    expect(() => legs.channelOf(leg)).toThrow('no answered leg')
  })

  it('twice under one id is rung once', async () => {
    refusals = [
      [/create/, 409],
      [/dial/, 412],
    ]
    contacts = contactsOf(1)
    await Promise.all([legs.dial(leg, jane), legs.dial(leg, jane)])
    expect(rung()).toEqual([`${leg}.1`])
    expect(told).toEqual([])
  })
})

describe('legs of before', () => {
  const up = (id: string) => channel(id, { state: 'Up' }) as Channel
  const ringing = (id: string) => channel(id, { state: 'Ringing' }) as Channel
  const survey = (channels: Channel[], isEnding = (_id: string) => false) =>
    legs.surveyed(channels, { askedAt: performance.now(), isEnding })

  it('are known again by their channels, and of two that were answered one is released', async () => {
    const channels = [ringing(`${leg}.2`), up(`${leg}.3`), up(`${leg}.4`), ringing('pointsman-2.1')]
    const known = survey(channels)
    expect(known.map(({ id, channel: answered }) => [id, answered])).toEqual([
      [leg, `${leg}.3`],
      ['pointsman-2', undefined],
    ])
    await expect.poll(hungUp, patient).toEqual([`${leg}.2`, `${leg}.4`])
    legs.ended('pointsman-2.1', { cause: 17, status: 486 })
    expect(told).toEqual([{ type: 'ended', leg: 'pointsman-2', how: 'busy' }])
  })

  it('that are gone are forgotten, but for those whose end is still to be told', async () => {
    survey([up('pointsman-1.1'), up('pointsman-2.1')])
    const known = survey([], (id) => id === 'pointsman-2.1')
    expect(known.map(({ id }) => id)).toEqual(['pointsman-2'])
    for (const id of ['pointsman-1.1', 'pointsman-2.1']) legs.ended(id, { cause: 16, status: 200 })
    expect(told).toEqual([{ type: 'ended', leg: 'pointsman-2', how: 'hungUp' }])
  })

  it('that we knew are told to ring, and to be answered, unless their end is', async () => {
    const known = [1, 2, 3].map((one) => `pointsman-${one}.1`)
    survey(known.map((id) => channel(id, { state: 'Down' }) as Channel))
    const [first = '', second = '', third = ''] = known
    survey([ringing(first), up(second), up(third)], (id) => id === third)
    survey([ringing(first), up(second), up(third)], (id) => id === third)
    expect(told).toEqual([
      { type: 'ringing', leg: 'pointsman-1' },
      { type: 'answered', leg: 'pointsman-2' },
    ])
  })

  it.each([
    ['pointsman-1.12', 'pointsman-1'],
    ['pointsman-1', 'pointsman-1'],
    ['1700000000.1', '1700000000.1'],
  ])('have the channel %s as %s', (id, name) => {
    expect(legOf(id)).toBe(name)
  })
})
