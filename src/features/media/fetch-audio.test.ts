import { createHash } from 'node:crypto'
import dns from 'node:dns'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { waveFile } from '../../../test/audio.ts'
import { type AudioServer, startAudioServer } from '../../../test/audio-server.ts'
import { reachableAddresses } from '../../outbound/reachable.ts'
import { type FetchOptions, fetchAudio } from './fetch-audio.ts'

const file = waveFile(1)
const bytesMax = 100_000

describe('audio from the web', () => {
  let server: AudioServer
  beforeAll(async () => {
    server = await startAudioServer()
  })
  afterAll(() => server.close())
  afterEach(() => {
    server.paths.clear()
    server.asked.length = 0
  })

  const only = (...allowed: string[]) => ({ isReachable: reachableAddresses(allowed) })

  function fetch(url: string, options: Partial<FetchOptions> = {}) {
    const { signal } = new AbortController()
    return fetchAudio(url, {
      ...only('127.0.0.1', '::1'),
      bytesMax,
      payer: 'tenant',
      signal,
      ...options,
    })
  }

  /** Serves what is said, and fetches it. */
  async function served(headers: Record<string, string>, body: Uint8Array, status = 200) {
    server.paths.set('/x', (_, response) => response.writeHead(status, headers).end(body))
    return fetch(`${server.url}/x`)
  }

  async function expectAllClosed(): Promise<void> {
    await vi.waitFor(async () => expect(await server.connections()).toBe(0))
  }

  it.each([
    'ftp://example.com/x.wav',
    'file:///etc/passwd',
    'data:audio/wav;base64,UklGRg==',
    'http://user:secret@127.0.0.1/',
    'http://user@127.0.0.1/',
    'http://:secret@127.0.0.1/',
    'http://',
    'http://[::1',
    'http://256.1.1.1/',
    'no url',
  ])('is not fetched from %s', async (url) => {
    await expect(fetch(url)).rejects.toThrow()
    expect(server.asked).toEqual([])
  })

  it.each([
    'http://127.0.0.1:PORT/',
    'http://127.1:PORT/',
    'http://2130706433:PORT/',
    'http://0x7f.1:PORT/',
    'http://0177.0.0.1:PORT/',
    'http://[::ffff:127.0.0.1]:PORT/',
    'http://[::ffff:7f00:1]:PORT/',
    'http://[64:ff9b::127.0.0.1]:PORT/',
    'http://[::1]:PORT/',
    'http://0:PORT/',
    'http://０.0.0.0:PORT/',
    'http://①②⑦.0.0.1:PORT/',
    'http://localhost:PORT/',
    'http://LOCALHOST:PORT/',
    'https://127.0.0.1:PORT/',
  ])('is not fetched from %s, which is this machine', async (url) => {
    const asked = fetch(url.replace('PORT', String(server.port)), only())
    await expect(asked).rejects.toThrow('Its host has no address that may be asked.')
    expect(server.asked).toEqual([])
  })

  it('is fetched from where the operator allows it, by name and by address', async () => {
    server.paths.set('/x.wav?a=b', (_, response) => response.end(file))
    const sha256 = createHash('sha256').update(file).digest('hex')
    for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]']) {
      const fetched = await fetch(`http://${host}:${server.port}/x.wav?a=b#c`, only('127.0.0.1'))
      expect(fetched?.recording.sha256).toBe(sha256)
    }
    const [first, second] = server.asked
    expect(first?.headers).toEqual({
      host: `127.0.0.1:${server.port}`,
      accept: 'audio/*, */*;q=0.1',
      'accept-encoding': 'identity',
      'user-agent': 'Pointsman',
      connection: 'close',
    })
    expect(second?.headers.host).toBe(`localhost:${server.port}`)
    await expectAllClosed()
  })

  it('is not kept from others by a tenant whose names are slow', async () => {
    const slow = Promise.withResolvers<dns.LookupAddress[]>()
    const asked: string[] = []
    const lookUp = vi.spyOn(dns.promises, 'lookup')
    lookUp.mockImplementation((async (name: string) => {
      asked.push(name)
      return name.endsWith('.slow') ? slow.promise : [{ address: '127.0.0.1', family: 4 }]
    }) as never)
    try {
      server.paths.set('/x', (_, response) => response.end(file))
      const timeLimitMilliseconds = 500
      const greedy = ['1', '2', '3'].map((name) =>
        fetch(`http://${name}.slow/`, { payer: 'greedy', timeLimitMilliseconds }),
      )
      const [first, ...others] = await Promise.allSettled(greedy)
      expect(first).toMatchObject({ reason: { name: 'TimeoutError' } })
      // Their turn never came, which says nothing of them.
      for (const other of others) expect(other).toMatchObject({ reason: { status: 503 } })
      // The first was given up, but the system is still at it.
      const more = fetch('http://4.slow/', { payer: 'greedy', timeLimitMilliseconds })
      expect(await fetch(`http://name.example:${server.port}/x`, { payer: 'other' })).toBeDefined()
      await expect(more).rejects.toMatchObject({ status: 503 })
      expect(asked).toEqual(['1.slow', 'name.example'])
    } finally {
      slow.resolve([])
      lookUp.mockRestore()
    }
  })

  it.each([301, 302, 303, 307, 308])('is not looked for where a %i leads', async (status) => {
    server.paths.set('/there', (_, response) => response.end(file))
    const answer = served({ location: `${server.url}/there` }, file, status)
    await expect(answer).rejects.toThrow(`The answer was ${status}.`)
    expect(server.asked.map(({ path }) => path)).toEqual(['/x'])
  })

  it.each([204, 206, 304, 404, 500])('is nothing of an answer with %i', async (status) => {
    await expect(served({}, Buffer.alloc(0), status)).rejects.toThrow(`The answer was ${status}.`)
    await expectAllClosed()
  })

  it.each([
    ['a page', Buffer.from('<!doctype html><p>Sign in</p>'), /expected WAVE/],
    ['nothing', Buffer.alloc(0), /found an empty file/],
    ['stereo', waveFile(0.1, { channels: 2 }), /found PCM 16-bit stereo/],
    ['what was cut off', file.subarray(0, 500), /it was cut off/],
  ])('is refused as an upload would be: %s', async (_, body, words) => {
    await expect(served({ 'content-type': 'audio/wav' }, body)).rejects.toThrow(words)
  })

  it('is not decompressed', async () => {
    const answer = served({ 'content-encoding': 'gzip' }, gzipSync(file))
    await expect(answer).rejects.toThrow('The answer is compressed')
  })

  it('is not waited for where it is told to be too large', async () => {
    let sent = 0
    server.paths.set('/x', (_, response) => {
      response.writeHead(200, { 'content-length': '99999999999' })
      response.write(file, () => {
        sent += 1
      })
    })
    await expect(fetch(`${server.url}/x`)).rejects.toThrow(`larger than ${bytesMax} bytes`)
    await expectAllClosed()
    expect(sent).toBeLessThanOrEqual(1)
  })

  it('is cut off where it has no end', async () => {
    let sent = 0
    server.paths.set('/x', (_, response) => {
      const more = () => {
        if (response.destroyed) return
        sent += 1
        response.write(Buffer.alloc(10_000), () => setImmediate(more))
      }
      more()
    })
    await expect(fetch(`${server.url}/x`)).rejects.toThrow(`larger than ${bytesMax} bytes`)
    await expectAllClosed()
    // What the sockets of both sides hold is not ours to bound.
    expect(sent).toBeLessThan(2_000)
  })

  it.each([
    ['says nothing', () => {}],
    ['has no body', (response: { flushHeaders(): void }) => response.flushHeaders()],
    [
      'drips',
      (response: { write(text: string): unknown; destroyed: boolean }) => {
        const drip = setInterval(() => {
          if (response.destroyed) clearInterval(drip)
          else response.write('x')
        }, 20)
      },
    ],
  ])('is given up where a server %s', async (_, answer) => {
    server.paths.set('/x', (_request, response) => answer(response))
    const asked = fetch(`${server.url}/x`, { timeLimitMilliseconds: 200 })
    await expect(asked).rejects.toThrow(/time|abort/i)
    await expectAllClosed()
  })

  const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n'

  it.each([
    ['answers before the answer', '', 'HTTP/1.1 103 Early Hints\r\n\r\n'],
    ['chunks of a byte', chunked, '1\r\nX\r\n'],
    ['words around chunks', chunked, `1;${'x'.repeat(100)}\r\nX\r\n`],
    ['zeros before the size of a chunk', chunked, '0'],
  ])(
    'is given up where a server sends %s without end',
    async (_, start, again) => {
      let sent = 0
      const flood = again.repeat(60_000 / again.length)
      server.paths.set('/x', ({ socket }) => {
        const more = () => {
          if (socket.destroyed) return
          sent += 1
          socket.write(flood, () => setImmediate(more))
        }
        socket.write(start, more)
      })
      const asked = fetch(`${server.url}/x`, {
        timeLimitMilliseconds: 60_000,
        bytesMax: 50_000_000,
      })
      await expect(asked).rejects.toThrow('It sends too much besides the body of its answer.')
      await expectAllClosed()
      expect(sent).toBeGreaterThan(0)
    },
    60_000,
  )

  it('is taken where a server sends it in small chunks', async () => {
    const long = waveFile(60)
    server.paths.set('/x', (_, response) => {
      for (let at = 0; at < long.length; at += 64) response.write(long.subarray(at, at + 64))
      response.end()
    })
    const fetched = await fetch(`${server.url}/x`, { bytesMax: 1_000_000 })
    expect(fetched?.recording.size).toBe(long.length)
  })

  it('is given up where a server ends before it is whole, or speaks no HTTP', async () => {
    server.paths.set('/x', (_, response) => {
      response.writeHead(200, { 'content-length': String(file.length) })
      response.write(file.subarray(0, 500), () => response.destroy())
    })
    await expect(fetch(`${server.url}/x`)).rejects.toThrow()
    server.paths.set('/x', ({ socket }) => socket.end('220 mail.example ESMTP\r\n'))
    await expect(fetch(`${server.url}/x`)).rejects.toThrow()
    server.paths.set('/x', (_, response) =>
      response.writeHead(200, { many: 'x'.repeat(20_000) }).end(file),
    )
    await expect(fetch(`${server.url}/x`)).rejects.toThrow()
    await expectAllClosed()
  })

  it('is not sent again where the server says that it is still the same', async () => {
    const modified = 'Sun, 29 Nov 2026 03:00:00 GMT'
    const validators = { etag: '"1"', 'last-modified': modified }
    const fetched = await served(validators, file)
    expect(fetched).toMatchObject({ etag: '"1"', lastModified: modified })
    server.paths.set('/x', (_, response) => response.writeHead(304).end())
    const known = { etag: '"1"', lastModified: modified }
    expect(await fetch(`${server.url}/x`, { known })).toBeUndefined()
    const { headers } = server.asked.at(-1) ?? {}
    expect([headers?.['if-none-match'], headers?.['if-modified-since']]).toEqual(['"1"', modified])
    // Who said nothing by which it could be known cannot mean it.
    const asked = fetch(`${server.url}/x`, { known: { etag: null, lastModified: null } })
    await expect(asked).rejects.toThrow('The answer was 304.')
    expect((await served({ etag: `"${'x'.repeat(300)}"` }, file))?.etag).toBeNull()
  })
})
