import { type AddressInfo, connect } from 'node:net'
import { expect } from 'vitest'
import type { World } from './world.ts'

/** An answer read from a socket, byte for byte. */
export interface Raw {
  status: number
  headers: Record<string, string>
  body: string
}

export function parseRaw(text: string): Raw {
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const [line = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map((one) => {
      const at = one.indexOf(':')
      return [one.slice(0, at).toLowerCase(), one.slice(at + 1).trim()]
    }),
  )
  return { status: Number(line.split(' ')[1]), headers, body: rest.join('\r\n\r\n') }
}

/** Asks over real sockets, where `inject` would hide what the network sees. */
export interface Sockets {
  /** Sends bytes on a socket of their own and reads until the server closes it. */
  send(...chunks: (string | Buffer)[]): Promise<Raw>
  /** Asks as the group admin. */
  request(
    method: string,
    path: string,
    headers?: Record<string, string>,
    body?: string | Buffer,
  ): Promise<Raw>
  /** Asks as the group admin, with a body whose length is not told before. */
  requestInChunks(method: string, path: string, chunks: readonly string[]): Promise<Raw>
}

/** Opens the world's application on a free port; it closes with the world. */
export async function openSockets(world: World): Promise<Sockets> {
  await world.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = world.app.server.address() as AddressInfo
  const { body } = await world.ask('groupAdmin', 'POST', '/api/v1/tokens/', { name: 'socket' })
  const own = { host: 'localhost', connection: 'close', authorization: `Bearer ${body.token}` }

  function send(...chunks: (string | Buffer)[]): Promise<Raw> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1')
      let received = ''
      socket.setEncoding('utf8')
      socket.on('data', (data) => {
        received += data
      })
      socket.on('error', (error: NodeJS.ErrnoException) => {
        // The server may close while we still write; what it said before counts.
        if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') reject(error)
      })
      socket.on('close', () => resolve(parseRaw(received)))
      for (const chunk of chunks) socket.write(chunk)
    })
  }

  function head(method: string, path: string, headers: Record<string, string>): string {
    const lines = Object.entries({ ...own, ...headers }).map(
      ([name, value]) => `${name}: ${value}\r\n`,
    )
    return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
  }

  return {
    send,
    request(method, path, headers = {}, content = '') {
      const length = { 'content-length': String(Buffer.byteLength(content)) }
      return send(head(method, path, { ...(content.length > 0 && length), ...headers }), content)
    },
    requestInChunks(method, path, chunks) {
      const parts = [...chunks, ''].map((one) => `${one.length.toString(16)}\r\n${one}\r\n`)
      return send(head(method, path, { 'transfer-encoding': 'chunked' }), parts.join(''))
    },
  }
}

/** Expects a refusal with one fault, in the one shape and with all that an answer has. */
export function expectRawRefusal({ status, headers, body }: Raw, wanted: number, code = wanted) {
  const { errors, requestId } = JSON.parse(body)
  expect({ status, code: errors[0].code }).toEqual({ status: wanted, code })
  expect(errors).toHaveLength(1)
  expect(requestId).toBe(headers['x-request-id'])
  expect(requestId).toMatch(/^[\w-]{5,}$/)
  expectSecured(headers)
}

/** Expects the headers that every answer has. */
export function expectSecured(headers: Record<string, unknown>) {
  expect(headers).toMatchObject({
    'cache-control': 'private, no-cache',
    'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  })
  expect(headers).not.toHaveProperty('x-powered-by')
  expect(headers).not.toHaveProperty('server')
}
