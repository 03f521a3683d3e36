import type { IncomingMessage } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openAsterisk } from '../src/asterisk/asterisk.ts'
import type { EngineConfiguration } from '../src/engines/configuration.ts'
import type { Dialling, Engine, EngineEvent, Survey } from '../src/engines/engine.ts'
import { countEngines } from '../src/metrics/engines.ts'
import { createRegistry } from '../src/metrics/registry.ts'
import { AriServer, channel } from './ari-server.ts'

const patient = { timeout: 20_000 }

interface Heard {
  engine: Engine
  told: EngineEvent[]
  surveys: Survey[]
  lost: number
  /** What was logged, as `message: reason`. */
  log: string[]
  metrics(): Promise<string[]>
}

let ari: AriServer
let opened: Engine[]
beforeEach(async () => {
  ari = await AriServer.open()
  opened = []
})
afterEach(async () => {
  await Promise.all(opened.map((engine) => engine.close()))
  await ari.close()
})

function open(server: AriServer = ari): Heard {
  const log: string[] = []
  const stream = {
    write(line: string) {
      const { msg, reason, err } = JSON.parse(line)
      log.push([msg, reason ?? err?.message].filter(Boolean).join(': '))
    },
  }
  const configuration: EngineConfiguration = {
    name: 'sick',
    url: `${server.url}/ari`,
    application: 'pointsman',
    username: 'pointsman',
    password: 'secret',
    country: 'BE',
    domain: undefined,
    peers: undefined,
    agents: 'PJSIP/{user}',
    numbers: 'PJSIP/{number}@trunk',
    uris: undefined,
    media: { kind: 'folder', folder: '/srv/media', ourFolder: '/srv/media' },
    headers: {
      alertInfo: { 'Long-Long': 'a', 'Short-Short-Long': 'b', 'Short-Long-Short': 'c' },
      callInfo: '',
    },
    fallback: undefined,
    callSecondsMax: 14_400,
  }
  const registry = createRegistry()
  const meter = countEngines(registry)('sick')
  const engine = openAsterisk(configuration, { logger: pino({}, stream), meter })
  opened.push(engine)
  const metrics = async () => (await registry.metrics()).split('\n')
  const heard: Heard = { engine, told: [], surveys: [], lost: 0, log, metrics }
  engine.start({
    async surveyed(survey) {
      heard.surveys.push(survey)
    },
    happened: (event) => heard.told.push(event),
    lost() {
      heard.lost += 1
    },
  })
  return heard
}

async function openReady(): Promise<Heard> {
  const heard = open()
  await becomesReady(heard)
  return heard
}

const becomesReady = ({ engine }: Heard) => expect.poll(() => engine.isReady, patient).toBe(true)
const becomesUnready = ({ engine }: Heard) => expect.poll(() => engine.isReady, patient).toBe(false)

const dialling: Dialling = {
  to: { kind: 'agent', userId: 'agent@x', extension: '', phoneNumber: '' },
  from: { name: '', number: '' },
  callId: 'c1',
}

const played = (id: string) => ({ type: 'PlaybackFinished', playback: { id, state: 'done' } })

/** Waits until everything that was sent has come. */
async function allHasCome({ told }: Heard): Promise<void> {
  const last = `last-${Math.random()}`
  ari.tell(played(last))
  await expect
    .poll(() => told.some((event) => event.type === 'played' && event.play === last), patient)
    .toBe(true)
}

describe('a sound engine', () => {
  it('is ready when it was connected, proven and surveyed, in this order', async () => {
    ari.channels = [channel('c1', { state: 'Up' })]
    const heard = await openReady()
    expect(heard.surveys).toMatchObject([{ callers: [{ leg: 'c1', isAnswered: true }] }])
    expect(ari.asked.slice(0, 6)).toEqual([
      'GET /asterisk/info',
      'GET /events',
      'PUT /applications/pointsman/eventFilter',
      expect.stringMatching(/^POST \/events\/user\/PointsmanProof-\d+-1$/),
      'GET /channels',
      'GET /bridges',
    ])
    expect(heard.log).toEqual(['the engine is connected'])
  })
})

describe('a leg', () => {
  it('that is dialled while a list of channels is under way is not forgotten for its absence', async () => {
    let answer = () => {}
    ari.answering = (request, response) => {
      const isList = request.url === '/ari/channels'
      if (isList) answer = () => response.end('[]')
      return isList
    }
    const heard = open()
    await expect.poll(() => ari.asked, patient).toContain('GET /channels')
    await heard.engine.dial('pointsman-c1-1', dialling)
    answer()
    await becomesReady(heard)
    expect(heard.surveys).toMatchObject([{ dialled: [{ leg: 'pointsman-c1-1' }] }])
    ari.tell({ type: 'ChannelStateChange', channel: channel('pointsman-c1-1.1', { state: 'Up' }) })
    await allHasCome(heard)
    expect(heard.told).toContainEqual({ type: 'answered', leg: 'pointsman-c1-1' })
  })

  it('that was answered, or has gone, while there was no connection is known to be', async () => {
    const heard = await openReady()
    for (const leg of ['pointsman-c1-1', 'pointsman-c1-2']) await heard.engine.dial(leg, dialling)
    ari.channels = [channel('pointsman-c1-1.1', { state: 'Up' })]
    ari.reset()
    await becomesUnready(heard)
    await becomesReady(heard)
    expect(heard.surveys.at(-1)?.dialled).toMatchObject([
      { leg: 'pointsman-c1-1', isAnswered: true },
    ])
    expect(heard.told).toEqual([{ type: 'answered', leg: 'pointsman-c1-1' }])
  })
})

describe('what is fetched', () => {
  const address = 'http://10.0.0.1/media/abc.sln'
  const plays = () => ari.asked.filter((one) => one.includes('/play/'))
  /** Says of each play that is asked for that it has ended. */
  const endPlays = (request: IncomingMessage) => {
    const [, play] = /\/play\/([^?]+)/.exec(request.url ?? '') ?? []
    if (play) ari.tell(played(decodeURIComponent(play)))
    return false
  }

  it('is fetched once for each connection: an engine that comes back may have lost it', async () => {
    const heard = await openReady()
    ari.answering = endPlays
    for (let times = 0; times < 2; times += 1) await heard.engine.fetch(address)
    expect(plays()).toHaveLength(1)
    ari.reset()
    await becomesUnready(heard)
    await becomesReady(heard)
    await heard.engine.fetch(address)
    expect(plays()).toHaveLength(2)
  })

  it('is no conversation to any survey, and what was left of it goes', async () => {
    const bridge = (id: string) => ({ id, name: 'pointsman', channels: [] })
    ari.bridges = [bridge('pointsman-c1-1'), bridge('pointsman-fetch-left')]
    const heard = await openReady()
    const told = () => heard.surveys.map(({ bridges }) => bridges.map((one) => one.bridge))
    expect(told()).toEqual([['pointsman-c1-1']])
    expect(ari.asked).toContain('DELETE /bridges/pointsman-fetch-left')

    const fetching = heard.engine.fetch(address)
    await expect.poll(plays, patient).toHaveLength(1)
    const [, own = '', play = ''] = /bridges\/(.+)\/play\/(.+)/.exec(plays()[0] ?? '') ?? []
    ari.bridges = [bridge('pointsman-c1-1'), bridge(own)]
    ari.reset()
    await expect.poll(told, patient).toEqual([['pointsman-c1-1'], ['pointsman-c1-1']])
    expect(ari.asked).not.toContain(`DELETE /bridges/${own}`)
    ari.tell(played(play))
    await fetching
    expect(ari.asked).toContain(`DELETE /bridges/${own}`)
  })
})

describe('events of an ill engine', () => {
  it('that are none, unknown, or of what nobody knows are left out, the others come, and one line tells', async () => {
    const heard = await openReady()
    const texts = ['', '{', 'null', '[]', '5', '"x"', '{"type":5}', '['.repeat(500_000)]
    for (const text of texts) ari.tell(text)
    for (const type of ['StasisStart', 'ChannelDestroyed', 'Dial', 'PlaybackFinished']) {
      ari.tell({ type })
      ari.tell({ type, channel: {}, peer: null, playback: [] })
    }
    ari.tell({ type: 'ChannelVarset', value: 'x'.repeat(500_000) })
    ari.tell({ type: 'ChannelUserevent', eventname: 'PointsmanProof-of-another' })
    ari.tell({ type: 'StasisEnd', channel: channel('unknown') })
    ari.tell({ type: 'ChannelDestroyed', channel: channel('pointsman-1.1'), cause: 16 })
    ari.tell({ type: 'ChannelStateChange', channel: channel('pointsman-1.1', { state: 'Up' }) })
    ari.tell({ type: 'Dial', peer: channel('pointsman-1.1'), dialstatus: 'PROGRESS' })
    ari.tell({ type: 'StasisStart', channel: channel('\ud800') })
    await allHasCome(heard)
    const types = () => heard.told.map(({ type }) => type).sort()
    await expect.poll(types, patient).toEqual(['arrived', 'played'])
    expect(heard.log.slice(1)).toEqual([
      expect.stringMatching(/^events of the engine were not understood: /),
    ])
    expect(heard.engine.isReady).toBe(true)
    expect(ari.connections).toBe(1)
  })

  it('of which one has 10 MB end the connection, which is made again', async () => {
    const heard = await openReady()
    ari.tell('x'.repeat(10_000_000))
    await expect.poll(() => heard.lost, patient).toBe(1)
    await becomesReady(heard)
    expect(ari.connections).toBe(2)
    expect(heard.log).toContain(
      'the connection to the engine is lost: an event came that is too large',
    )
    await allHasCome(heard)
  })

  it('that come while it is surveyed follow after it, 50,000 of them at most, and a channel whose end was too much is gone', async () => {
    ari.channels = [channel('c1')]
    const heard = await openReady()
    ari.tell({ type: 'StasisStart', channel: channel('c2') })
    await expect.poll(() => heard.told.length, patient).toBe(1)
    const { promise: goOn, resolve } = Promise.withResolvers<void>()
    ari.answering = (request, response) => {
      if (request.url !== '/ari/channels') return false
      void goOn.then(() => response.end('[]'))
      return true
    }
    const asked = () => ari.asked.filter((one) => one === 'GET /channels').length
    ari.reset()
    await expect.poll(asked, patient).toBe(2)
    ari.tell({ type: 'StasisEnd', channel: channel('c1') })
    for (let count = 0; count < 50_010; count += 1) ari.tell(played(`play-${count}`))
    ari.tell({ type: 'StasisEnd', channel: channel('c2') })
    resolve()
    await becomesReady(heard)
    // Of one the end is still to be told, of the other nothing will be.
    expect(heard.surveys.at(-1)?.callers.map(({ leg }) => leg)).toEqual(['c1'])
    await allHasCome(heard)
    const kept = heard.told.slice(1, -1)
    expect(kept).toHaveLength(50_000)
    expect(kept[0]).toEqual({ type: 'ended', leg: 'c1', how: 'hungUp' })
    expect(kept.at(-1)).toMatchObject({ type: 'played', play: 'play-49998' })
  })
})

describe('an engine that does not answer what it should', () => {
  it.each<[what: string, path: RegExp, answer: string, status: number]>([
    ['another version', /info/, '{"system":{"version":"18.0.0"}}', 200],
    ['information that is none', /info/, '[]', 200],
    ['a fault about its version', /info/, '{}', 500],
    ['a fault about the events that are wanted', /eventFilter/, '{"message":"no"}', 500],
    ['a fault about a proof', /events\/user/, '{"message":"no"}', 404],
    ['a list of channels that is none', /channels/, '{}', 200],
    ['a fault about bridges', /bridges/, '{}', 500],
  ])('is not ready while it answers %s, and says why', async (_, path, answer, status) => {
    ari.answering = (request, response) => {
      const isIll = path.test(request.url ?? '')
      if (isIll) response.writeHead(status).end(answer)
      return isIll
    }
    const heard = open()
    const whys = () => heard.log.filter((line) => line !== 'the engine is connected')
    await expect.poll(whys, patient).toHaveLength(1)
    expect(whys()[0]).toMatch(/: .+/)
    expect(heard.engine.isReady).toBe(false)
    expect(heard.surveys).toEqual([])
  })

  it('is asked again for ever, tells the same reason once, and is ready when it is well', async () => {
    ari.answering = (_, response) => response.writeHead(500).end('{"message":"ill"}') !== undefined
    const heard = open()
    await expect.poll(() => ari.asked.length, patient).toBeGreaterThan(4)
    expect(heard.log).toEqual([
      'the engine cannot be reached; it is tried again: GET /asterisk/info was answered 500: ill',
    ])
    ari.answering = () => false
    await becomesReady(heard)
  })

  it('is surveyed again when it could not be, and what happened meanwhile follows', async () => {
    ari.answering = (request, response) => {
      const isList = request.url === '/ari/channels'
      if (isList) response.writeHead(500).end('{}')
      return isList
    }
    const heard = open()
    const failed = () => heard.log.filter((line) => line.includes('could not be surveyed')).length
    await expect.poll(failed, patient).toBeGreaterThan(1)
    ari.tell(played('p1'))
    ari.answering = () => false
    await becomesReady(heard)
    await allHasCome(heard)
    expect(heard.told[0]).toMatchObject({ play: 'p1' })
    expect(ari.connections).toBe(1)
  })

  it('about channels alone takes no new calls until it does again', async () => {
    const heard = await openReady()
    ari.answering = (request) => (request.url ?? '').startsWith('/ari/channels')
    await expect(heard.engine.answer('c1')).rejects.toMatchObject({ kind: 'unreachable' })
    expect(heard.engine.isReady).toBe(false)
    expect(heard.lost).toBe(0)
    ari.answering = () => false
    await becomesReady(heard)
    expect(ari.connections).toBe(1)
    expect(heard.log).toContain('the engine does not answer what it is asked of channels')
  })

  it('about channels alone leaves who comes meanwhile to the dialplan, and has those who are still there', async () => {
    const heard = await openReady()
    ari.answering = (request) => (request.url ?? '').startsWith('/ari/channels')
    await expect(heard.engine.answer('c1')).rejects.toMatchObject({ kind: 'unreachable' })
    for (const id of ['stays', 'goes']) ari.tell({ type: 'StasisStart', channel: channel(id) })
    ari.tell({ type: 'StasisEnd', channel: channel('goes') })
    // Events are kept aside for each survey that is tried, and told when it has failed.
    await allHasCome(heard)
    expect(heard.told.map(({ type }) => type)).not.toContain('arrived')
    ari.channels = [channel('stays')]
    ari.answering = () => false
    await becomesReady(heard)
    expect(heard.surveys.at(-1)?.callers).toMatchObject([{ leg: 'stays' }])
    ari.tell({ type: 'StasisStart', channel: channel('new') })
    await allHasCome(heard)
    const arrived = heard.told.filter(({ type }) => type === 'arrived')
    expect(arrived).toMatchObject([{ leg: 'new' }])
  })
})

describe('a connection', () => {
  it('that is silent without being closed is given up and made again, however often', async () => {
    const heard = await openReady()
    for (let times = 1; times <= 2; times += 1) {
      ari.givesProofs = false
      await expect.poll(() => heard.lost, patient).toBe(times)
      expect(heard.engine.isReady).toBe(false)
      ari.givesProofs = true
      await becomesReady(heard)
    }
    expect(heard.log).toContain(
      'the connection to the engine is lost: an event that was sent to ourselves did not come back',
    )
    await expect.poll(() => ari.listeners.size, patient).toBe(1)
  }, 60_000)

  it('is not used before it is proven', async () => {
    ari.givesProofs = false
    const heard = open()
    await expect.poll(() => heard.log.length, patient).toBe(1)
    expect(heard.engine.isReady).toBe(false)
    expect(heard.lost).toBe(0)
    expect(ari.asked).not.toContain('GET /channels')
  })

  it('that breaks is made again, and what comes then is told', async () => {
    const heard = await openReady()
    for (let times = 1; times <= 3; times += 1) {
      ari.reset()
      await expect.poll(() => heard.lost, patient).toBe(times)
      await becomesReady(heard)
      await allHasCome(heard)
    }
    expect(ari.connections).toBe(4)
    expect(await heard.metrics()).toEqual(
      expect.arrayContaining([
        'pointsman_engine_connections_total{engine="sick"} 4',
        'pointsman_engine_connected{engine="sick"} 1',
      ]),
    )
  })

  it('that another program has taken over is left to it for longer than one that broke', async () => {
    const other = await AriServer.open()
    const broken = open(other)
    await becomesReady(broken)
    const heard = await openReady()
    ari.tell({ type: 'ApplicationReplaced', application: 'pointsman' })
    await becomesUnready(heard)
    expect(heard.log).toContain(
      'the connection to the engine is lost: another program has taken the application over',
    )
    for (let times = 2; times <= 4; times += 1) {
      other.reset()
      await expect.poll(() => other.connections, patient).toBe(times)
      await becomesReady(broken)
    }
    expect(ari.connections).toBe(1)
    await other.close()
  })

  it('is ended when we leave, at once and whatever goes on', async () => {
    const heard = await openReady()
    ari.answering = () => true
    const asking = heard.engine.answer('c1').catch((error: unknown) => error)
    await expect.poll(() => ari.asked, patient).toContain('POST /channels/c1/answer')
    await heard.engine.close()
    expect(await asking).toMatchObject({ kind: 'unreachable' })
    await expect.poll(() => ari.listeners.size, patient).toBe(0)
    await nextTurn()
    expect(ari.connections).toBe(1)
  })
})
