import dns from 'node:dns'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Receiver, signatureFor, startReceiver } from '../../../test/receiver.ts'
import { askOutside } from '../../outbound/ask.ts'
import { reachableAddresses } from '../../outbound/reachable.ts'
import { type AttemptOptions, attempt, type Letter, wordsFor } from './attempt.ts'

const secret = 'a-secret-of-24-characters'
const body = '{"id":"1","type":"call.queued","call":{"caller":{"name":"Zürich 😀"}}}'

describe('an attempt to send a webhook', () => {
  let receiver: Receiver
  beforeAll(async () => {
    receiver = await startReceiver()
  })
  afterAll(() => receiver.close())
  afterEach(() => {
    receiver.received.length = 0
    receiver.answer = (response) => response.writeHead(204).end()
  })

  const only = (...allowed: string[]) => ({ isReachable: reachableAddresses(allowed) })

  function send(letter: Partial<Letter> = {}, options: Partial<AttemptOptions> = {}) {
    const { signal } = new AbortController()
    const whole = { payer: 'tenant', url: receiver.url, secrets: [secret], id: 'id-1', body }
    return attempt(
      { ...whole, ...letter },
      { ...only('127.0.0.1'), timeLimitMilliseconds: 10_000, signal, ...options },
    )
  }

  const failed = (why: string) => ({ became: 'failed', why, isFinal: false })

  async function expectAllClosed(): Promise<void> {
    await vi.waitFor(async () => expect(await receiver.server.connections()).toBe(0), 10_000)
  }

  it('brings the body as it is, signed over its id and the time', async () => {
    const before = Math.floor(Date.now() / 1_000)
    expect(await send()).toEqual({ became: 'delivered' })
    const [received] = receiver.received
    if (!received) throw new Error('Nothing came.')
    expect(received.body).toBe(body)
    expect(received.id).toBe('id-1')
    expect(received.timestamp).toMatch(/^\d{10}$/)
    expect(Number(received.timestamp)).toBeGreaterThanOrEqual(before)
    expect(Number(received.timestamp)).toBeLessThanOrEqual(Date.now() / 1_000)
    expect(received.signatures).toEqual([signatureFor(received, secret)])
    expect(received.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      connection: 'close',
      'user-agent': 'Pointsman',
    })
    await expectAllClosed()
  })

  it('is signed by both secrets while one is replaced, and by what base64 stands for', async () => {
    const key = Buffer.from(Array.from({ length: 32 }, (_, index) => 255 - index))
    await send({ secrets: [secret, `whsec_${key.toString('base64')}`] })
    const [received] = receiver.received
    if (!received) throw new Error('Nothing came.')
    const expected = [signatureFor(received, secret), signatureFor(received, key)]
    expect(received.signatures).toEqual(expected)
  })

  it('is over with any 2xx, however its body goes on', async () => {
    receiver.answer = (response) => response.writeHead(202).write('x', () => response.destroy())
    expect(await send()).toEqual({ became: 'delivered' })
    let sent = 0
    receiver.answer = (response) => {
      const more = () => {
        if (response.destroyed) return
        sent += 1
        response.write(Buffer.alloc(10_000), () => setImmediate(more))
      }
      response.writeHead(200)
      more()
    }
    expect(await send()).toEqual({ became: 'delivered' })
    await expectAllClosed()
    // What the sockets of both sides hold is not ours to bound.
    expect(sent).toBeLessThan(2_000)
  })

  it.each([
    [100, 'There was no answer.'],
    [301, 'It answered 301, and redirects are not followed.'],
    [302, 'It answered 302, and redirects are not followed.'],
    [304, 'It answered 304, and redirects are not followed.'],
    [307, 'It answered 307, and redirects are not followed.'],
    [400, 'It answered 400.'],
    [401, 'It answered 401.'],
    [404, 'It answered 404.'],
    [429, 'It answered 429.'],
    [500, 'It answered 500.'],
    [503, 'It answered 503.'],
  ])('fails where %i is answered, and tells nothing of the rest', async (status, why) => {
    receiver.answer = (response) => {
      if (status === 100) response.socket?.end('HTTP/1.1 100 Continue\r\n\r\n')
      else response.writeHead(status, { location: receiver.url }).end('internal words')
    }
    expect(await send()).toEqual(failed(why))
    expect(receiver.received).toHaveLength(1)
    await expectAllClosed()
  })

  it('is the last where 410 is answered', async () => {
    receiver.answer = (response) => response.writeHead(410).end()
    expect(await send()).toEqual({ became: 'failed', why: 'It answered 410.', isFinal: true })
  })

  it.each<[string, Receiver['answer']]>([
    ['says nothing', () => {}],
    ['breaks off', (response) => response.destroy()],
    ['speaks no HTTP', (response) => response.socket?.end('220 mail.example ESMTP\r\n')],
    [
      'has a megabyte of headers',
      (response) => {
        const line = `x: ${'y'.repeat(1_000)}\r\n`
        response.socket?.write(`HTTP/1.1 200 OK\r\n${line.repeat(1_000)}\r\n`)
      },
    ],
    [
      'answers before the answer without end',
      (response) => {
        const more = () => {
          if (response.socket?.destroyed === false)
            response.socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(100), () =>
              setImmediate(more),
            )
        }
        more()
      },
    ],
  ])('fails where a receiver %s, and is closed', async (_, answer) => {
    receiver.answer = answer
    // Nothing but one of them takes until the time limit.
    expect(await send({}, { timeLimitMilliseconds: 2_000 })).toEqual(failed('There was no answer.'))
    await expectAllClosed()
  })

  it.each(['127.0.0.1', '127.1', '0x7f000001', '[::ffff:127.0.0.1]', 'localhost'])(
    'does not go to %s, which is not public, and says no more than that',
    async (host) => {
      const url = `http://${host}:${receiver.server.port}/hook`
      const outcome = await send({ url }, only())
      expect(outcome).toEqual(failed('Its host has no address that may be asked.'))
      expect(receiver.received).toEqual([])
    },
  )

  describe('to a name', () => {
    /** Has names mean what is said, whichever they are. */
    async function meaning(
      addresses: (name: string) => { address: string; family: number }[],
      act: () => Promise<void>,
    ) {
      const lookUp = vi.spyOn(dns.promises, 'lookup')
      lookUp.mockImplementation((async (name: string) => addresses(name)) as never)
      try {
        await act()
      } finally {
        lookUp.mockRestore()
      }
    }

    const url = () => `http://receiver.example:${receiver.server.port}/hook`
    const loopback = { address: '127.0.0.1', family: 4 }

    it('does not go where it means an address that is not public, and says what it says of names that are nobody’s', async () => {
      const outcomes: unknown[] = []
      await meaning(
        () => [loopback],
        async () => {
          outcomes.push(await send({ url: url() }, only()))
        },
      )
      await meaning(
        () => {
          throw Object.assign(new Error('getaddrinfo ENOTFOUND'), { code: 'ENOTFOUND' })
        },
        async () => {
          outcomes.push(await send({ url: url() }, only()))
        },
      )
      const outcome = failed('Its host has no address that may be asked.')
      expect(outcomes).toEqual([outcome, outcome])
      expect(receiver.received).toEqual([])
    })

    it('goes to the addresses that it had when it was judged, and looks it up once', async () => {
      let asked = 0
      // The first time it is what is allowed, then it would be something else.
      const rebinding = () => {
        asked += 1
        return [asked === 1 ? loopback : { address: '10.0.0.1', family: 4 }]
      }
      await meaning(rebinding, async () => {
        expect(await send({ url: url() })).toEqual({ became: 'delivered' })
        expect(asked).toBe(1)
        // Judged anew the next time, and refused.
        const outcome = await send({ url: url() })
        expect(outcome).toEqual(failed('Its host has no address that may be asked.'))
      })
      expect(receiver.received).toHaveLength(1)
      expect(receiver.received[0]?.headers.host).toBe(`receiver.example:${receiver.server.port}`)
    })

    it('goes to the public ones of its addresses alone', async () => {
      const mixed = () => [{ address: '10.0.0.1', family: 4 }, loopback]
      await meaning(mixed, async () => {
        expect(await send({ url: url() })).toEqual({ became: 'delivered' })
      })
    })
  })

  it('says more of an address that is public, and nothing that stands in an error', async () => {
    const { port } = receiver.server
    const ask = async (url: string, signal = new AbortController().signal) =>
      askOutside(
        url,
        { ...only('127.0.0.1'), payer: 'tenant', signal, method: 'GET', headers: {} },
        async () => 'an answer',
      ).catch((error: unknown) => error)
    receiver.server.paths.set('/slow', () => {})
    const wrongName = Object.assign(
      new Error("Host: x. is not in the cert's altnames: DNS:inner"),
      {
        code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      },
    )
    const closed = await startReceiver()
    await closed.close()
    const errors = [
      await ask(closed.url),
      await ask(`${receiver.server.url}/slow`, AbortSignal.timeout(300)),
      await ask(`https://127.0.0.1:${port}/`),
      wrongName,
    ]
    const words = errors.map((error) => wordsFor(error, { seconds: 10, isPrivate: false }))
    expect(words).toEqual([
      'The connection was refused.',
      'There was no answer within 10 s.',
      'There was no answer that could be understood.',
      'Its certificate was refused: ERR_TLS_CERT_ALTNAME_INVALID.',
    ])
    const said = errors.map((error) => wordsFor(error, { seconds: 10, isPrivate: true }))
    expect(new Set(said)).toEqual(new Set(['There was no answer.']))
  })

  it('is nothing where the service stops, or other names are being looked up', async () => {
    const leaving = new AbortController()
    receiver.answer = () => leaving.abort()
    expect(await send({}, { signal: leaving.signal })).toEqual({ became: 'nothing' })
    const slow = Promise.withResolvers<dns.LookupAddress[]>()
    const lookUp = vi.spyOn(dns.promises, 'lookup')
    lookUp.mockImplementation((() => slow.promise) as never)
    try {
      const options = { timeLimitMilliseconds: 300 }
      const url = 'http://slow.example/'
      const [first, second] = await Promise.all([send({ url }, options), send({ url }, options)])
      expect(first).toEqual(failed('There was no answer within 0.3 s.'))
      expect(second).toEqual({ became: 'nothing' })
    } finally {
      slow.resolve([])
      lookUp.mockRestore()
    }
  })
})
