import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { patienceMilliseconds, waitingMax } from './connection.ts'
import { type ConnectionLimits, Connections, type EndReason, socketErrors } from './connections.ts'

interface Begun {
  request: IncomingMessage
  response: ServerResponse
}

/** Far more than the kernel keeps for a client that reads nothing. */
const large = Buffer.alloc(32 * 1_024 * 1_024, 'x')

/** Bytes a second. */
const pace = 1_000

const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
const post = (length: number) => `POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`

/** Waits as long as a busy machine may need. */
function eventually<Value>(look: () => Value) {
  return expect.poll(look, { timeout: 10_000 })
}

let server: Server
let connections: Connections
let begun: Begun[]
let cut: EndReason[]
let errors: string[]
let clients: Socket[]

/** Serves without answering: tests answer by hand. */
async function serve(limits: Partial<ConnectionLimits> = {}): Promise<void> {
  const onCut = (_socket: Socket, reason: EndReason) => cut.push(reason)
  const all = { connectionsMax: 100, bytesPerSecondMin: pace, onCut, ...limits }
  connections = new Connections(all)
  server = connections.createServer((request, response) => begun.push({ request, response }))
  server.on('clientError', ({ code }: NodeJS.ErrnoException, socket: Socket) => {
    if (!socket.writable) return
    connections.refuse(socket, () => {
      errors.push(String(code))
      return `HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n${code}`
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
}

/** However it comes about. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.on('close', () => resolve()))
}

interface Client {
  socket: Socket
  text(): string
}

async function open(allowHalfOpen = false, localAddress = '127.0.0.1'): Promise<Client> {
  const accepted = once(server, 'connection')
  const { port } = server.address() as AddressInfo
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen, localAddress }).setEncoding(
    'latin1',
  )
  clients.push(socket)
  socket.on('error', () => {})
  let text = ''
  socket.on('data', (data) => {
    text += data
  })
  await accepted
  return { socket, text: () => text }
}

/** Opens connections from an address, each of which sends a body and is on time. */
async function openUploads(count: number, localAddress: string): Promise<Client[]> {
  const opened: Client[] = []
  for (let one = 0; one < count; one += 1) {
    const asked = begun.length
    const client = await open(false, localAddress)
    client.socket.write(`${post(100_000)}x`)
    await untilBegun(asked + 1)
    opened.push(client)
  }
  return opened
}

/** Waits until `count` handlers have begun, and answers the last of them. */
async function untilBegun(count: number): Promise<Begun> {
  await eventually(() => begun.length).toBe(count)
  const last = begun.at(-1)
  if (!last) throw new Error('Nothing has begun.')
  return last
}

/** Lets whatever has been sent arrive: another client is served meanwhile, several times. */
async function letArrive(): Promise<void> {
  const before = begun.length
  const other = await open()
  for (let round = 0; round < 5; round += 1) {
    const asked = begun.length
    other.socket.write(get('/other'))
    await expect
      .poll(() => begun.slice(asked).find(({ request }) => request.url === '/other'))
      .toBeDefined()
    begun.find(({ request }) => request.url === '/other')?.response.end()
    begun = begun.filter(({ request }) => request.url !== '/other')
  }
  other.socket.destroy()
  expect(begun.length).toBeGreaterThanOrEqual(before)
}

beforeEach(() => {
  // Time passes when a test says so.
  vi.useFakeTimers({ toFake: ['setInterval'] })
  begun = []
  cut = []
  errors = []
  clients = []
})
afterEach(async () => {
  vi.useRealTimers()
  for (const client of clients) client.destroy()
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})

describe('a connection', () => {
  it('has one request in flight, and its answers are in order', async () => {
    await serve()
    const { socket, text } = await open()
    socket.write([1, 2, 3, 4, 5].map((number) => get(`/${number}`)).join(''))
    for (let number = 1; number <= 5; number += 1) {
      const { request, response } = await untilBegun(number)
      await letArrive()
      expect(begun).toHaveLength(number)
      expect(request.url).toBe(`/${number}`)
      response.end(`answer ${number};`)
    }
    await eventually(text).toMatch(/1;.*2;.*3;.*4;.*5;$/s)
  })

  it('is kept while idle for longer than load balancers keep theirs, most of which take 60 s', async () => {
    await serve()
    const { socket, text } = await open()
    socket.write(get('/'))
    ;(await untilBegun(1)).response.end('x')
    await eventually(text).toMatch(/^Keep-Alive: timeout=72\r$/im)
  })

  it('whose client reads nothing begins no second request', async () => {
    await serve()
    const { socket } = await open()
    socket.pause().write(get('/').repeat(20))
    const { response } = await untilBegun(1)
    response.end(large)
    await letArrive()
    expect(begun).toHaveLength(1)
  })

  it('serves as many waiting requests as are allowed, and is ended by one more', async () => {
    await serve()
    const { socket } = await open()
    socket.write(get('/').repeat(waitingMax + 1))
    for (let count = 1; count <= waitingMax + 1; count += 1) {
      const { response } = await untilBegun(count)
      response.end('x')
    }
    const other = await open()
    other.socket.write(get('/').repeat(waitingMax + 2))
    await closed(other.socket)
    expect(cut).toEqual(['too many requests in line'])
    expect(begun.length).toBe(waitingMax + 2)
  })

  it('that sends thousands of requests in one piece costs the work of those that are allowed', async () => {
    await serve()
    let parsed = 0
    server.on('request', () => {
      parsed += 1
    })
    const { socket } = await open()
    socket.write(get('/').repeat(5_000))
    await closed(socket)
    expect(begun).toHaveLength(1)
    expect(parsed).toBe(waitingMax + 2)
  })

  it('passes over a body that nobody read, and one that waits behind another request', async () => {
    await serve()
    const { socket, text } = await open()
    socket.write(`${post(3)}one${get('/2')}${post(200_000)}`)
    ;(await untilBegun(1)).response.end('1;')
    ;(await untilBegun(2)).response.end('2;')
    const { request, response } = await untilBegun(3)
    let bytes = 0
    request.on('data', (data) => {
      bytes += data.length
    })
    request.on('end', () => response.end('3;'))
    socket.write('y'.repeat(200_000))
    await eventually(text).toMatch(/1;.*2;.*3;$/s)
    expect(bytes).toBe(200_000)
  })

  it('ends after an answer that is its last, whatever waits behind', async () => {
    await serve()
    const { socket } = await open()
    socket.write(get('/').repeat(3))
    const { response } = await untilBegun(1)
    response.setHeader('connection', 'close').end()
    await closed(socket)
    expect(begun).toHaveLength(1)
  })

  it.each([
    ['no HTTP', 'garbage\r\n\r\n', 'HPE_INVALID_METHOD'],
    ['a part of a request that nobody finishes', post(5).slice(0, 30), 'HPE_INVALID_EOF_STATE'],
  ])('tells of %s after all answers to what came before', async (_, rest, code) => {
    await serve()
    const { socket, text } = await open()
    socket.write(get('/1') + get('/2') + rest)
    const first = await untilBegun(1)
    if (code === 'HPE_INVALID_EOF_STATE') socket.end()
    await letArrive()
    expect(text()).toBe('')
    first.response.end('1;')
    if (code !== 'HPE_INVALID_EOF_STATE') {
      ;(await untilBegun(2)).response.end('2;')
      await eventually(text).toMatch(new RegExp(`1;.*2;.*${code}$`, 's'))
      expect(errors).toEqual([code])
    }
  })

  it('tells of a malformed body in the place of its answer', async () => {
    await serve()
    const { socket, text } = await open()
    const chunked = 'POST /2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n'
    socket.write(get('/1') + chunked)
    const first = await untilBegun(1)
    await letArrive()
    first.response.end('1;')
    await eventually(text).toMatch(/1;.*HPE_INVALID_CHUNK_SIZE$/s)
    expect(begun).toHaveLength(1)
  })

  it('says nothing more when the request was answered before its body turned out malformed', async () => {
    await serve()
    const { socket, text } = await open()
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n')
    ;(await untilBegun(1)).response.end('answer;')
    await eventually(text).toMatch(/answer;$/)
    socket.write('zzz\r\n')
    await closed(socket)
    expect(text()).toMatch(/answer;$/)
    expect(errors).toEqual([])
  })

  it('is told that CONNECT is not served, and closed', async () => {
    await serve()
    const { socket, text } = await open()
    socket.write('CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n')
    await closed(socket)
    expect(text()).toMatch(new RegExp(`${socketErrors.connect}$`))
    expect(begun).toEqual([])
  })
})

describe('connections beyond the limit', () => {
  beforeEach(() => {
    // On a busy machine nobody is late for it, and whoever came first has been idle for longer.
    let now = performance.now()
    vi.spyOn(performance, 'now').mockImplementation(() => {
      now += 0.001
      return now
    })
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it('take the place of the one that has been idle for the longest', async () => {
    await serve({ connectionsMax: 3 })
    const [busy, first, second] = [await open(), await open(), await open()]
    busy.socket.write(get('/busy'))
    ;(await untilBegun(1)).response.write('x')
    first.socket.write(get('/first'))
    ;(await untilBegun(2)).response.end('x')
    await eventually(first.text).toMatch(/x$/)
    const newcomer = await open()
    await closed(second.socket)
    newcomer.socket.write(get('/new'))
    await untilBegun(3)
    expect([busy, first, newcomer].map(({ socket }) => socket.destroyed)).toEqual([
      false,
      false,
      false,
    ])
  })

  it('take the place of one whose client is late before that of one that was asked just now', async () => {
    await serve({ connectionsMax: 3 })
    const [slow, sending, idle] = [await open(), await open(), await open()]
    slow.socket.write(`${post(10)}x`)
    sending.socket.write(post(100_000))
    await untilBegun(2)
    const upload = begun.find(({ request }) => request.headers['content-length'] === '100000')
    let bytes = 0
    upload?.request.on('data', (data) => {
      bytes += data.length
    })
    sending.socket.write('x'.repeat(50_000))
    await eventually(() => bytes).toBe(50_000)
    connections.look(patienceMilliseconds / 2)
    idle.socket.write(get('/idle'))
    ;(await untilBegun(3)).response.end('x')
    await eventually(idle.text).toMatch(/x$/)
    await open()
    await closed(slow.socket)
    expect(connections.open).toBe(3)
    expect([...connections.ended]).toEqual([['made room for another', 1]])
    expect([sending, idle].map(({ socket }) => socket.destroyed)).toEqual([false, false])
  })

  it('take no place of those who are on time, but of whoever holds the most', async () => {
    await serve({ connectionsMax: 20 })
    const honest = await openUploads(1, '127.0.0.1')
    const reader = await open(false, '127.0.0.1')
    reader.socket.pause().write(get('/'))
    ;(await untilBegun(2)).response.end(large)
    const many = await openUploads(18, '127.0.0.2')
    for (let more = 0; more < 7; more += 1) {
      const { socket, text } = await open(false, '127.0.0.2')
      await closed(socket)
      expect(text()).toMatch(new RegExp(`${socketErrors.tooManyConnections}$`))
    }
    const newcomers = [...(await openUploads(3, '127.0.0.3')), await open(false, '127.0.0.4')]
    await eventually(() => many.filter(({ socket }) => socket.destroyed).length).toBe(4)
    expect(cut).toEqual(Array(4).fill('made room for another'))
    for (const { socket } of [...honest, reader, ...newcomers]) expect(socket.destroyed).toBe(false)
  })

  it('take no idle place of somebody who has fewer', async () => {
    await serve({ connectionsMax: 5 })
    const idle = await open(false, '127.0.0.1')
    await openUploads(4, '127.0.0.2')
    const { socket } = await open(false, '127.0.0.2')
    await closed(socket)
    expect([idle.socket.destroyed, cut]).toEqual([false, []])
  })

  it('take the idle place of whoever holds the most, although others have been idle for longer', async () => {
    await serve({ connectionsMax: 4 })
    const first = await open(false, '127.0.0.1')
    const many = [
      await open(false, '127.0.0.2'),
      await open(false, '127.0.0.2'),
      await open(false, '127.0.0.2'),
    ]
    await open(false, '127.0.0.3')
    await eventually(() => many.map(({ socket }) => socket.destroyed)).toEqual([true, false, false])
    expect(first.socket.destroyed).toBe(false)
  })

  it('are refused when all are on time, and nobody holds more than others', async () => {
    await serve({ connectionsMax: 3 })
    const all = [
      ...(await openUploads(1, '127.0.0.1')),
      ...(await openUploads(1, '127.0.0.2')),
      ...(await openUploads(1, '127.0.0.3')),
    ]
    const { socket, text } = await open(false, '127.0.0.4')
    await closed(socket)
    expect(text()).toMatch(new RegExp(`${socketErrors.tooManyConnections}$`))
    expect(all.map((one) => one.socket.destroyed)).toEqual([false, false, false])
  })

  it('count each connection of a proxy as a client of its own', async () => {
    await serve({ connectionsMax: 6, isProxy: (address) => address === '127.0.0.9' })
    const proxied = await openUploads(4, '127.0.0.9')
    const many = await openUploads(2, '127.0.0.2')
    await openUploads(1, '127.0.0.9')
    await eventually(() => many.map(({ socket }) => socket.destroyed)).toEqual([true, false])
    expect(proxied.filter(({ socket }) => socket.destroyed)).toEqual([])
  })

  it('are refused at once when we are at work for all others, which stay', async () => {
    await serve({ connectionsMax: 2 })
    const busy = [await open(), await open()]
    for (const { socket } of busy) socket.write(get('/'))
    await untilBegun(2)
    const { socket, text } = await open()
    await closed(socket)
    expect(text()).toMatch(new RegExp(`${socketErrors.tooManyConnections}$`))
    for (const { response } of begun) response.end('answer;')
    for (const one of busy) await eventually(one.text).toMatch(/answer;$/)
  })
})

describe('answers that nobody reads', () => {
  it('are bounded together: who keeps most waiting for the longest is cut off', async () => {
    await serve({ unreadBytesMax: 2.6 * large.length })
    const readers = [await open(), await open(), await open()]
    for (const [index, { socket }] of readers.entries()) {
      socket.pause().write(get(`/${index}`))
      const { response } = await untilBegun(index + 1)
      response.end(index === 1 ? large.subarray(large.length / 2) : large)
    }
    await eventually(() => cut).toEqual([])
    const last = await open()
    last.socket.pause().write(get('/last'))
    ;(await untilBegun(4)).response.end(large)
    await eventually(() => cut).toEqual(['too many bytes in unread answers'])
    expect(begun.map(({ request }) => request.socket.destroyed)).toEqual([
      true,
      false,
      false,
      false,
    ])
  })

  it('stop counting when they are read', async () => {
    await serve({ unreadBytesMax: 1.5 * large.length })
    const { socket, text } = await open()
    for (let count = 1; count <= 3; count += 1) {
      socket.write(get('/'))
      ;(await untilBegun(count)).response.end(large)
      await eventually(() => text().length).toBeGreaterThan(count * large.length)
    }
    expect(cut).toEqual([])
  })
})

describe('the pace', () => {
  it('ends a body that is too far behind it, in so many words', async () => {
    await serve()
    const { socket, text } = await open()
    socket.write(`${post(100_000)}x`)
    await untilBegun(1)
    connections.look(0)
    connections.look(patienceMilliseconds - 1)
    expect(errors).toEqual([])
    connections.look(1)
    await eventually(text).toMatch(new RegExp(`${socketErrors.bodyTooSlow}$`))
  })

  it('lets a body take as long as it comes fast enough', async () => {
    await serve()
    const { socket, text } = await open()
    socket.write(post(50_000))
    const { request, response } = await untilBegun(1)
    let bytes = 0
    request.on('data', (data) => {
      bytes += data.length
    })
    request.on('end', () => response.end('whole;'))
    for (let sent = 5_000; sent <= 50_000; sent += 5_000) {
      socket.write('x'.repeat(5_000))
      await eventually(() => bytes).toBe(sent)
      connections.look(5_000)
    }
    await eventually(text).toMatch(/whole;$/)
    expect(errors).toEqual([])
  })

  it('earns no credit for later: who was quick and then stops is ended like others', async () => {
    await serve()
    const { socket } = await open()
    socket.write(post(1_000_000) + 'x'.repeat(500_000))
    const { request } = await untilBegun(1)
    let bytes = 0
    request.on('data', (data) => {
      bytes += data.length
    })
    await eventually(() => bytes).toBe(500_000)
    connections.look(1)
    connections.look(patienceMilliseconds)
    await eventually(() => errors).toEqual([socketErrors.bodyTooSlow])
  })

  it('is not asked of a client that waits for us: for an answer, or to be read', async () => {
    await serve()
    const [asking, sending] = [await open(), await open()]
    asking.socket.write(get('/'))
    await untilBegun(1)
    sending.socket.write(post(500_000) + 'x'.repeat(500_000))
    const { request } = await untilBegun(2)
    await expect
      .poll(() => request.readableLength)
      .toBeGreaterThanOrEqual(request.readableHighWaterMark)
    for (let times = 0; times < 5; times += 1) connections.look(10 * patienceMilliseconds)
    expect([cut, errors]).toEqual([[], []])
    for (const { response } of begun) response.end('answer;')
    for (const { text } of [asking, sending]) await eventually(text).toMatch(/answer;$/)
  })

  it('ends an answer that is not taken, and not one that is taken slowly', async () => {
    await serve({ unreadBytesMax: 3 * large.length })
    const [none, some] = [await open(), await open()]
    for (const { socket } of [none, some]) socket.pause().write(get('/'))
    await untilBegun(2)
    for (const { response } of begun) response.end(large)
    await letArrive()
    connections.look(0)
    // What the kernel keeps for a client is not told of, so a client must read all that, and more.
    some.socket.resume()
    await eventually(() => some.text().length).toBeGreaterThan(large.length / 2)
    connections.look(patienceMilliseconds)
    await eventually(() => cut).toEqual(['answer not taken in time'])
    await eventually(() => some.text().length).toBeGreaterThan(large.length)
    expect(some.socket.destroyed).toBe(false)
  })

  it('leaves two seconds to a client that does not close its end after the last words', async () => {
    await serve()
    const { socket, text } = await open(true)
    socket.write('garbage\r\n\r\n')
    await eventually(text).not.toBe('')
    connections.look(1_000)
    expect(await connectionsOf(server)).toBe(1)
    connections.look(1_000)
    await eventually(() => connectionsOf(server)).toBe(0)
  })
})

function connectionsOf(one: Server): Promise<number> {
  return new Promise((resolve) => one.getConnections((_, count) => resolve(count)))
}
