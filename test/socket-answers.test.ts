import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Program, startProgram } from './program.ts'
import { expectRawRefusal, parseRaw } from './sockets.ts'

const host = 'Host: localhost\r\n'
const login = `POST /api/v1/login/ HTTP/1.1\r\n${host}`
const field = (name: string, length: number) => `${name}: ${'x'.repeat(length)}\r\n`

/** What a client sends, and how it is refused: status, and code where it is another. */
const refused: [name: string, text: string, status: number, code?: number][] = [
  ['no HTTP', 'hello\r\n\r\n', 400, 2],
  ['TLS', '\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03', 400, 2],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 2],
  ['a version that there is not', `GET /healthz HTTP/3.7\r\n${host}\r\n`, 400, 2],
  ['an unknown method', `FOO / HTTP/1.1\r\n${host}\r\n`, 400, 2],
  ['a method in small letters', `get / HTTP/1.1\r\n${host}\r\n`, 400, 2],
  ['a target that is none', `GET healthz HTTP/1.1\r\n${host}\r\n`, 400, 2],
  ['a header without a name', `GET / HTTP/1.1\r\n${host}: x\r\n\r\n`, 400, 2],
  ['a space before a colon', 'GET / HTTP/1.1\r\nHost : localhost\r\n\r\n', 400, 2],
  ['a header on two lines', `GET / HTTP/1.1\r\n${host}a: b\r\n c\r\n\r\n`, 400, 2],
  ['NUL in a header', `GET / HTTP/1.1\r\n${host}a: \0\r\n\r\n`, 400, 2],
  ['two lengths', `${login}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, 400, 2],
  [
    'a length and chunks',
    `${login}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
    2,
  ],
  ['a body without an end', `${login}Transfer-Encoding: gzip\r\n\r\nx`, 400, 2],
  ['a malformed chunk', `${login}Transfer-Encoding: chunked\r\n\r\nzz\r\n`, 400, 2],
  ['long headers', `GET / HTTP/1.1\r\n${host}${field('a', 20_000)}\r\n`, 431],
  ['many headers', `GET / HTTP/1.1\r\n${host}${'a:1\r\n'.repeat(4_000)}\r\n`, 431],
  ['a long target', `GET /${'x'.repeat(20_000)} HTTP/1.1\r\n${host}\r\n`, 431],
  [
    'long extensions of a chunk',
    `${login}Transfer-Encoding: chunked\r\n\r\n2;${'x'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`,
    413,
  ],
  ['CONNECT', 'CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n', 405],
]

describe('what never becomes a request', () => {
  let folder: string
  let program: Program
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pointsman-sockets-'))
    program = await startProgram({ DATABASE_URL: `sqlite:${join(folder, 'test.db')}` })
  })
  afterAll(async () => {
    program.signal('SIGKILL')
    await program.ended
    rmSync(folder, { recursive: true })
  })

  /** Sends bytes and reads until the server closes. */
  function send(text: string): Promise<string> {
    const { hostname, port } = new URL(program.url)
    return new Promise((resolve) => {
      let received = ''
      const socket = connect(Number(port), hostname).setEncoding('latin1')
      socket.on('data', (data) => {
        received += data
      })
      socket.on('error', () => {})
      socket.on('close', () => resolve(received))
      socket.write(text, 'latin1')
    })
  }

  it.each(refused)(
    'is refused in the one shape, with an id that the log knows: %s',
    async (_, text, status, code = status) => {
      const answer = parseRaw(await send(text))
      expectRawRefusal(answer, status, code)
      expect(answer.headers.connection).toBe('close')
      expect(answer.headers.allow).toBe(status === 405 ? 'DELETE, GET, HEAD, POST, PUT' : undefined)
      const { requestId } = JSON.parse(answer.body)
      await expect
        .poll(() => program.output(), { timeout: 5_000 })
        .toContain(`"reqId":"${requestId}"`)
      const line =
        program
          .output()
          .split('\n')
          .find((one) => one.includes(`"${requestId}"`)) ?? ''
      expect(JSON.parse(line)).toMatchObject({ level: 30, status, address: '127.0.0.1' })
    },
  )

  it('does not take the answer of the request before it', async () => {
    const request = `GET /readyz HTTP/1.1\r\n${host}\r\n`
    expect(await send(`${request}hello\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200 .*HTTP\/1\.1 400 /s)
    const last = `GET /readyz HTTP/1.1\r\n${host}Connection: close\r\n\r\n`
    expect(await send(last + request)).toMatch(/^HTTP\/1\.1 200 (?!.*HTTP\/1\.1)/s)
  })

  it('may ask for another protocol, and is answered in this one', async () => {
    const upgrade =
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'
    const answer = parseRaw(await send(`GET /healthz HTTP/1.1\r\n${host}${upgrade}\r\n`))
    expect(answer).toMatchObject({ status: 200, headers: { connection: 'close' } })
  })

  it('leaves the program as it was', async () => {
    expect((await fetch(`${program.url}/healthz`)).status).toBe(200)
  })
})

it('a connection that makes room for another is told of, and it is none of a proxy’s, which are many clients’', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'pointsman-sockets-'))
  const program = await startProgram({
    DATABASE_URL: `sqlite:${join(folder, 'test.db')}`,
    CONNECTIONS_MAX: '4',
    TRUSTED_PROXIES: '127.0.0.9',
  })
  const { port } = new URL(program.url)
  const sockets: Socket[] = []
  /** Answers when a request on it was served, so that it is idle. */
  async function openIdle(localAddress: string): Promise<Socket> {
    const socket = connect({ port: Number(port), host: '127.0.0.1', localAddress })
    sockets.push(socket)
    socket.on('error', () => {})
    socket.write(`GET /healthz HTTP/1.1\r\n${host}\r\n`)
    await once(socket, 'data')
    return socket
  }
  try {
    for (const address of ['127.0.0.9', '127.0.0.9']) await openIdle(address)
    const ended = await openIdle('127.0.0.2')
    for (const address of ['127.0.0.2', '127.0.0.3']) await openIdle(address)
    await expect.poll(() => sockets.filter(({ closed }) => closed)).toEqual([ended])
    await expect.poll(() => program.output()).toContain('"made room for another"')
    const lines = program.output().split('\n')
    const line = lines.find((one) => one.includes('"made room for another"')) ?? ''
    expect(JSON.parse(line)).toMatchObject({ level: 40, address: '127.0.0.2' })
  } finally {
    for (const socket of sockets) socket.destroy()
    program.signal('SIGKILL')
    await program.ended
    rmSync(folder, { recursive: true })
  }
})
