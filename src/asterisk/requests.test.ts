import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AriServer } from '../../test/ari-server.ts'
import type { RequestOutcome } from '../engines/meter.ts'
import { createRequests, isStatus, listBytesMax, type Requests } from './requests.ts'

const patient = { timeout: 15_000 }

let ari: AriServer
let requests: Requests
let outcomes: RequestOutcome[]
beforeEach(async () => {
  ari = await AriServer.open()
  outcomes = []
  const account = { url: `${ari.url}/ari`, username: 'pointsman', password: 'secret' }
  requests = createRequests(account, { onOutcome: (one) => outcomes.push(one) })
})
afterEach(async () => {
  requests.close()
  await ari.close()
})

/** Has every request answered so. */
function answer(how: (response: ServerResponse) => void): void {
  ari.answering = (_, response) => {
    how(response)
    return true
  }
}

/** The fault of a request. */
async function faultOf(asking: Promise<unknown>) {
  const fault = await asking.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(fault).toBeInstanceOf(Error)
  expect(String(fault)).not.toContain('secret')
  return fault
}

describe('a request', () => {
  it('answers the body, or nothing where there is none', async () => {
    expect(await requests.ask('GET', '/channels?a=b')).toEqual([])
    expect(await requests.ask('POST', '/events/user/x')).toBeUndefined()
    const basic = `Basic ${Buffer.from('pointsman:secret').toString('base64')}`
    expect(ari.authorizations).toEqual(new Set([basic]))
  })

  it.each([
    [400, 'refused'],
    [401, 'refused'],
    [403, 'refused'],
    [404, 'gone'],
    [409, 'gone'],
    [412, 'gone'],
    [422, 'refused'],
    [500, 'refused'],
    [502, 'unreachable'],
    [503, 'refused'],
    [504, 'unreachable'],
    [304, 'refused'],
  ])('that is answered %i is %s', async (status, kind) => {
    answer((response) => response.writeHead(status).end(status === 304 ? '' : '{"message":"why"}'))
    const fault = await faultOf(requests.ask('GET', '/channels/c1?secret=secret'))
    const said = status === 304 ? 'no reason told' : 'why'
    expect(fault).toMatchObject({
      kind,
      message: `GET /channels/c1 was answered ${status}: ${said}`,
    })
    expect(isStatus(fault, 999, status)).toBe(true)
    expect(isStatus(fault, 999)).toBe(false)
  })

  it('that is refused at length is told of in short', async () => {
    answer((response) => response.writeHead(500).end(`{"message":"${'x'.repeat(100_000)}"}`))
    const fault = await faultOf(requests.ask('GET', '/channels'))
    expect(String(fault).length).toBeLessThan(300)
  })

  it.each(['<html>', '{', 'null x'])(
    'that is answered by %j is not answered by ARI',
    async (text) => {
      answer((response) => response.end(text))
      expect(await faultOf(requests.ask('GET', '/channels'))).toMatchObject({ kind: 'unreachable' })
    },
  )

  it('that is sent elsewhere does not go there', async () => {
    const elsewhere = await AriServer.open()
    answer((response) => response.writeHead(307, { location: `${elsewhere.url}/ari/x` }).end())
    const fault = await faultOf(requests.ask('GET', '/channels'))
    expect(fault).toMatchObject({ kind: 'unreachable' })
    expect(elsewhere.asked).toEqual([])
    await elsewhere.close()
  })

  it.each([
    ['GET', {}, 2],
    ['DELETE', {}, 2],
    ['POST', {}, 1],
    ['POST', { isRepeatable: true }, 2],
    ['GET', { isRepeatable: false }, 1],
  ])('%s %j whose connection breaks is sent %i times', async (method, wish, times) => {
    answer((response) => response.destroy())
    const fault = await faultOf(requests.ask(method, '/channels/c1', wish))
    expect(fault).toMatchObject({ kind: 'unreachable' })
    expect(ari.asked).toHaveLength(times)
  })

  it('goes well where its connection broke once', async () => {
    answer((response) => {
      ari.answering = () => false
      response.destroy()
    })
    expect(await requests.ask('GET', '/channels')).toEqual([])
  })
})

describe('an answer', () => {
  const textOf = (bytes: number) => JSON.stringify('x'.repeat(bytes - 2))

  it('may have 256 KiB, and a list 16 MiB', async () => {
    answer((response) => response.end(textOf(262_144)))
    expect(await requests.ask('GET', '/channels')).toHaveLength(262_142)
    answer((response) => response.end(textOf(listBytesMax)))
    const wish = { bytesMax: listBytesMax }
    expect(await requests.ask('GET', '/channels', wish)).toHaveLength(16_777_214)
  })

  it.each<[what: string, bytes: number, wish: { bytesMax?: number }]>([
    ['any', 262_145, {}],
    ['a list', listBytesMax + 1, { bytesMax: listBytesMax }],
  ])('that has a byte more is not taken: %s', async (_, bytes, wish) => {
    answer((response) => response.end(textOf(bytes)))
    expect(await faultOf(requests.ask('GET', '/channels', wish))).toMatchObject({
      kind: 'unreachable',
      message: `GET /channels: the answer has more than ${bytes - 1} bytes`,
    })
  })

  it('of 100 MB is not read to its end', async () => {
    let written = 0
    answer((response) => {
      const piece = Buffer.alloc(1_000_000, ' ')
      const more = () => {
        written += 1
        if (written <= 100 && !response.destroyed) response.write(piece, () => setImmediate(more))
      }
      more()
    })
    await faultOf(requests.ask('POST', '/channels'))
    await expect.poll(() => ari.openConnections, patient).toBe(0)
    expect(written).toBeLessThan(50)
  })

  it('that is small only while it is packed is not taken', async () => {
    const packed = gzipSync(Buffer.alloc(50_000_000, ' '))
    expect(packed.length).toBeLessThan(262_144)
    answer((response) => response.setHeader('content-encoding', 'gzip').end(packed))
    const fault = await faultOf(requests.ask('GET', '/channels'))
    expect(fault).toMatchObject({ kind: 'unreachable' })
    expect(String(fault)).toContain('the answer has more than 262144 bytes')
  })
})

describe('a request that is not answered', () => {
  it.each<[what: string, how: (response: ServerResponse) => void]>([
    ['never', () => {}],
    ['by a head alone', (response) => response.writeHead(200).flushHeaders()],
    [
      'by a text that goes on for ever',
      (response) => {
        const drip = setInterval(() => response.write(' '), 100)
        response.on('close', () => clearInterval(drip))
      },
    ],
  ])('%s is given up after 5 s', async (_, how) => {
    answer(how)
    const began = performance.now()
    const fault = await faultOf(requests.ask('GET', '/channels'))
    expect(fault).toMatchObject({
      kind: 'unreachable',
      message: 'GET /channels: no answer came in 5 s',
    })
    expect(performance.now() - began).toBeGreaterThan(4_900)
    await expect.poll(() => ari.openConnections, patient).toBe(0)
  })

  it('is given up when we leave, and so is every later one', async () => {
    answer(() => {})
    const fault = faultOf(requests.ask('GET', '/channels'))
    await expect.poll(() => ari.asked.length, patient).toBe(1)
    requests.close()
    expect(await fault).toMatchObject({ kind: 'unreachable' })
    expect(await faultOf(requests.ask('GET', '/channels'))).toMatchObject({ kind: 'unreachable' })
    expect(ari.asked).toHaveLength(1)
  })
})

describe('many requests', () => {
  it('are sent 40 at a time, 2,000 wait in their order, and more are refused at once', async () => {
    const held: ServerResponse[] = []
    answer((response) => held.push(response))
    const first = Array.from({ length: 40 }, () => requests.ask('GET', '/channels'))
    await expect.poll(() => held.length, patient).toBe(40)
    const waiting = Array.from({ length: 2_000 }, (_, index) =>
      requests.ask('GET', `/channels/${index}`),
    )
    expect(await faultOf(requests.ask('GET', '/channels'))).toMatchObject({
      kind: 'refused',
      message: 'GET /channels: too many requests wait',
    })
    expect(ari.asked).toHaveLength(40)
    for (let turn = 0; turn < 5; turn += 1) {
      held.shift()?.end('{}')
      await expect
        .poll(() => ari.asked.slice(40 + turn), patient)
        .toEqual([`GET /channels/${turn}`])
    }
    answer((response) => response.end('{}'))
    for (const response of held) response.end('{}')
    const settled = await Promise.allSettled([...first, ...waiting])
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(2_040)
  })

  it('that an engine does not answer are all given up within 5 s of when they were asked', async () => {
    answer(() => {})
    const began = performance.now()
    const all = Array.from({ length: 200 }, () => requests.ask('GET', '/channels'))
    const settled = await Promise.allSettled(all)
    expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(200)
    expect(ari.asked).toHaveLength(40)
    // Twice as long if they had taken turns, a busy machine left out of it.
    expect(performance.now() - began).toBeLessThan(9_900)
  })
})

describe('what came of each request', () => {
  it('is told by what it was about', async () => {
    await requests.ask('GET', '/channels')
    await requests.ask('POST', '/events/user/x')
    await faultOf(requests.ask('GET', '/playbacks/p1'))
    answer((response) => response.destroy())
    await faultOf(requests.ask('DELETE', '/bridges/b1'))
    await faultOf(requests.ask('DELETE', '/'))
    expect(outcomes.map(({ kind, outcome }) => `${kind} ${outcome}`)).toEqual([
      'channels done',
      'events done',
      'playbacks refused',
      'bridges unreachable',
      'others unreachable',
    ])
    for (const { seconds } of outcomes) {
      expect(seconds).toBeGreaterThan(0)
      expect(seconds).toBeLessThan(5)
    }
  })
})
