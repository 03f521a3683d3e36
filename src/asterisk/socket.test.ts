import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { AriServer } from '../../test/ari-server.ts'
import { openSocket, type SocketOptions } from './socket.ts'

const patient = { timeout: 15_000 }

let ari: AriServer
let texts: string[]
let ending: AbortController
beforeEach(async () => {
  ari = await AriServer.open()
  texts = []
  ending = new AbortController()
})
afterEach(async () => {
  ending.abort()
  await ari.close()
})

function open(changed: Partial<SocketOptions> = {}) {
  return openSocket({
    url: `${ari.url.replace('http', 'ws')}/ari/events?app=pointsman`,
    authorization: 'Basic secret',
    limitMilliseconds: 10_000,
    signal: ending.signal,
    onText: (text) => texts.push(text),
    ...changed,
  })
}

describe('a connection for events', () => {
  it('brings what is sent, and the password where nobody logs it', async () => {
    const { ended } = await open()
    expect(ari.authorizations).toEqual(new Set(['Basic secret']))
    expect(ari.asked).toEqual(['GET /events'])
    ari.tell('one')
    ari.tell('x'.repeat(1_048_576))
    await expect.poll(() => texts.map(({ length }) => length), patient).toEqual([3, 1_048_576])
    ending.abort()
    expect(await ended).toBe('closed by us')
  })

  it.each<[what: string, send: () => void, reason: string]>([
    [
      'an event is too large',
      () => ari.tell('x'.repeat(1_048_577)),
      'an event came that is too large',
    ],
    [
      'an event has 10 MB',
      () => ari.tell('x'.repeat(10_000_000)),
      'an event came that is too large',
    ],
    [
      'something is no text',
      () => ari.send(Buffer.from('one'), { opcode: 2 }),
      'something came that is no text',
    ],
    [
      'an event would never end',
      () => ari.send(Buffer.alloc(65_536), { length: 2 ** 40 }),
      'the connection was closed (1006)',
    ],
    [
      'an event is of half characters',
      () => ari.send(Buffer.from([0xff, 0xfe])),
      'the connection was closed (1006)',
    ],
    [
      'a frame is none',
      () => ari.send(Buffer.from('one'), { opcode: 5 }),
      'the connection was closed (1006)',
    ],
    ['it breaks', () => ari.reset(), 'the connection was closed (1006)'],
  ])('ends where %s, and brings nothing more', async (_, send, reason) => {
    const { ended } = await open()
    send()
    ari.tell('later')
    expect(await ended).toBe(reason)
    await expect.poll(() => ari.listeners.size, patient).toBe(0)
    expect(texts).toEqual([])
  })

  it('tells why the other side closed it', async () => {
    const { ended } = await open()
    ari.send(Buffer.concat([Buffer.from([0x03, 0xe9]), Buffer.from('going away')]), { opcode: 8 })
    expect(await ended).toBe('the connection was closed (1001, going away)')
  })

  it('ends when we close it, also where the other side does not, and goes on sending', async () => {
    ari.closesToo = false
    const { close, ended } = await open()
    close()
    close()
    expect(await ended).toBe('closed by us')
    ari.tell('later')
    await expect.poll(() => ari.listeners.size, patient).toBe(0)
    expect(texts).toEqual([])
  })
})

describe('a connection for events is not made', () => {
  /** Opens a connection to a server that answers the handshake so. */
  async function openTo(answer: string): Promise<unknown> {
    const server = createServer().on('upgrade', (_, socket) => {
      socket.on('error', () => {})
      if (answer !== '') socket.end(answer)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    try {
      return await open({ url: `ws://127.0.0.1:${port}/ari/events`, limitMilliseconds: 500 })
    } finally {
      server.close()
      server.closeAllConnections()
    }
  }

  it.each([
    ['401', 'HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n', 'closed'],
    ['200', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 'closed'],
    [
      'a wrong handshake',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
      'closed',
    ],
    ['no HTTP', 'SIP/2.0 200 OK\r\n\r\n', 'closed'],
    ['nothing', '', 'it was not open in time'],
  ])('where %s is answered', async (_, answer, reason) => {
    await expect(openTo(answer)).rejects.toThrow(reason)
  })

  it('where another address is answered, which is told nothing', async () => {
    const answer = `HTTP/1.1 302 Found\r\nLocation: ${ari.url}/ari/events\r\nContent-Length: 0\r\n\r\n`
    await expect(openTo(answer)).rejects.toThrow('closed')
    expect(ari.asked).toEqual([])
  })

  it('where nobody listens, or it is not wanted any more', async () => {
    const gone = await AriServer.open()
    await gone.close()
    await expect(open({ url: `${gone.url.replace('http', 'ws')}/ari/events` })).rejects.toThrow(
      'closed',
    )
    await expect(open({ signal: AbortSignal.abort() })).rejects.toThrow('closed by us')
  })
})
