import { once } from 'node:events'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { patienceMilliseconds } from '../src/http/connection.ts'
import { waveFile } from './audio.ts'
import { engines } from './engines.ts'
import { encodeForm } from './form.ts'
import { createWorld, expectUnchanged, group, type World } from './world.ts'

const tenants = '/api/v1/tenants/'
/** A tenant of its own for each test: one that was made would hide the next. */
const tenant = (id: string) =>
  JSON.stringify({ tenantId: id, type: 'Enterprise', defaultDomain: `${id}.example` })
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`

describe.each(engines)('a request on $name that is refused before it came whole', (engine) => {
  let world: World
  let authorization: string
  beforeAll(async () => {
    world = await createWorld(engine)
    await world.app.listen({ port: 0, host: '127.0.0.1' })
    const { body } = await world.ask('system', 'POST', '/api/v1/tokens/', { name: 'socket' })
    authorization = `Authorization: Bearer ${body.token}\r\n`
  })
  afterAll(() => world.close())

  function head(method: string, path: string, headers: Record<string, string | number>): string {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    return `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${authorization}${lines.join('')}\r\n`
  }

  const post = (headers: Record<string, string | number>) =>
    head('POST', tenants, { 'content-type': 'application/json', ...headers })

  /** A client that goes on sending for as long as it likes, and keeps what it is told. */
  async function open(): Promise<{ socket: Socket; text(): string }> {
    const { port } = world.app.server.address() as AddressInfo
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).setEncoding('latin1')
    socket.on('error', () => {})
    let text = ''
    socket.on('data', (data) => {
      text += data
    })
    await once(socket, 'connect')
    return { socket, text: () => text }
  }

  /** Waits for the refusal, sends the rest nevertheless, and lets whatever comes of it happen. */
  async function sendRest(socket: Socket, rest: string | Buffer): Promise<void> {
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.end(rest)
    await closed
    for (let times = 0; times < 10; times += 1) await world.ask('system', 'GET', tenants)
  }

  /** Lets so much time pass that a body is too slow, once its request has begun. */
  async function untilTooSlow(): Promise<void> {
    const { connections } = world.app
    const refused = () => connections.ended.get('body too slow') ?? 0
    const before = refused()
    await expect
      .poll(() => {
        if (refused() === before) connections.look(patienceMilliseconds)
        return refused()
      })
      .toBe(before + 1)
  }

  const sized = (body: string) => post({ 'content-length': Buffer.byteLength(body) })
  const chunked = () => post({ 'transfer-encoding': 'chunked' })

  it.each<[what: string, begin: () => string, rest: string]>([
    ['all of it', () => sized(tenant('all')), tenant('all')],
    [
      'some of it',
      () => sized(tenant('some')) + tenant('some').slice(0, 9),
      tenant('some').slice(9),
    ],
    [
      'chunks of it',
      () => chunked() + chunk(tenant('chunks').slice(0, 9)),
      `${chunk(tenant('chunks').slice(9))}0\r\n\r\n`,
    ],
    [
      'the body of a deletion',
      () => {
        const headers = { 'content-type': 'application/json', 'content-length': 2 }
        return head('DELETE', `${group}users/agent/`, headers)
      },
      '{}',
    ],
  ])('for want of its body is not done, whatever comes later: %s', async (_, begin, rest) => {
    await expectUnchanged(world, async () => {
      const { socket, text } = await open()
      socket.write(begin())
      await untilTooSlow()
      await expect.poll(text).toMatch(/^HTTP\/1\.1 408 /)
      await sendRest(socket, rest)
      expect(text().match(/HTTP\/1\.1/g)).toHaveLength(1)
    })
  })

  it('after it was answered lets nothing be done that comes behind it', async () => {
    await expectUnchanged(world, async () => {
      const { socket, text } = await open()
      socket.write(head('GET', tenants, { 'content-length': 2 }))
      await expect.poll(text).toMatch(/^HTTP\/1\.1 200 /)
      await untilTooSlow()
      await sendRest(socket, `{}${sized(tenant('behind'))}${tenant('behind')}`)
      expect(text().match(/HTTP\/1\.1/g)).toHaveLength(1)
    })
  })

  it('for want of the rest of its form is not done', async () => {
    const { body, headers } = await encodeForm([
      ['name', 'Late'],
      ['content', waveFile()],
    ])
    await expectUnchanged(world, async () => {
      const { socket, text } = await open()
      const path = `${group}announcements/`
      socket.write(head('POST', path, { ...headers, 'content-length': body.length }))
      socket.write(body.subarray(0, 100))
      await untilTooSlow()
      await expect.poll(text).toMatch(/^HTTP\/1\.1 408 /)
      await sendRest(socket, body.subarray(100))
      expect(text().match(/HTTP\/1\.1/g)).toHaveLength(1)
    })
  })

  it('for want of its headers is not done when they come', async () => {
    const { headersTimeout } = world.app.server
    world.app.server.headersTimeout = 1
    await expectUnchanged(world, async () => {
      const { socket, text } = await open()
      const whole = sized(tenant('headers')) + tenant('headers')
      socket.write(whole.slice(0, 40))
      await expect.poll(text, { timeout: 10_000 }).toMatch(/^HTTP\/1\.1 408 /)
      await sendRest(socket, whole.slice(40))
      expect(text().match(/HTTP\/1\.1/g)).toHaveLength(1)
    })
    world.app.server.headersTimeout = headersTimeout
  })

  it('for a malformed chunk is not done when the others come', async () => {
    await expectUnchanged(world, async () => {
      const { socket, text } = await open()
      socket.write(`${chunked()}zz\r\n`)
      await expect.poll(text).toMatch(/^HTTP\/1\.1 400 /)
      await sendRest(socket, `${chunk(tenant('malformed'))}0\r\n\r\n`)
      expect(text().match(/HTTP\/1\.1/g)).toHaveLength(1)
    })
  })
})
