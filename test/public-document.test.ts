import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { engines } from './engines.ts'
import { openSockets, type Sockets } from './sockets.ts'
import { createWorld, expectRefusal, type World } from './world.ts'

const url = '/openapi.json'
const decoders = { br: brotliDecompressSync, gzip: gunzipSync, identity: (bytes: Buffer) => bytes }

describe('the OpenAPI document', () => {
  let world: World
  let sockets: Sockets
  beforeAll(async () => {
    const [engine] = engines
    if (!engine) throw new Error('There is no engine to build the application on.')
    world = await createWorld(engine)
    sockets = await openSockets(world)
  })
  afterAll(() => world.close())

  async function ask(headers: Record<string, string> = {}, method = 'GET', path = url) {
    const answer = await world.app.inject({ method: method as 'GET', url: path, headers })
    return { status: answer.statusCode, headers: answer.headers, bytes: answer.rawPayload }
  }

  it.each([
    [undefined, 'identity'],
    ['', 'identity'],
    ['identity', 'identity'],
    ['zstd', 'identity'],
    ['gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['gzip, deflate, br', 'br'],
    ['br;q=0, gzip;q=0.5', 'gzip'],
    ['*', 'br'],
    ['*;q=0', 'identity'],
  ] as const)('comes to a client that accepts %j as %s', async (accepted, encoding) => {
    const answer = await ask(accepted === undefined ? {} : { 'accept-encoding': accepted })
    expect(answer.status).toBe(200)
    expect(answer.headers['content-encoding'] ?? 'identity').toBe(encoding)
    expect(answer.headers.vary).toBe('accept-encoding')
    expect(Number(answer.headers['content-length'])).toBe(answer.bytes.length)
    const text = decoders[encoding](answer.bytes).toString()
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(world.app.openapi())))
  })

  it('has a strong tag for each form, with which a client keeps what it has', async () => {
    const tags = new Set<string>()
    for (const encoding of ['identity', 'gzip', 'br']) {
      const headers = { 'accept-encoding': encoding }
      const { etag } = (await ask(headers)).headers
      expect(etag).toMatch(/^"[\w-]{20,}"$/)
      tags.add(String(etag))
      const known = await ask({ ...headers, 'if-none-match': `"other", W/${etag}` })
      expect(known).toMatchObject({ status: 304, headers: { etag } })
      expect(known.bytes).toHaveLength(0)
      expect(known.headers.vary).toBe('accept-encoding')
      expect((await ask({ ...headers, 'if-none-match': '"other"' })).status).toBe(200)
    }
    expect(tags.size).toBe(3)
  })

  it('is answered to HEAD without its bytes', async () => {
    const [get, head] = [await ask(), await ask({}, 'HEAD')]
    expect(head.status).toBe(200)
    expect(head.bytes).toHaveLength(0)
    expect(head.headers['content-length']).toBe(get.headers['content-length'])
    expect((await sockets.request('HEAD', url)).body).toBe('')
  })

  it('is made once, however many ask for it, also where the documentation loads it', async () => {
    const describe = vi.spyOn(world.app, 'openapi')
    const asked = [url, '/docs/json'].flatMap((path) => [1, 2, 3].map(() => ask({}, 'GET', path)))
    const answers = await Promise.all(asked)
    expect(new Set(answers.map(({ headers }) => headers.etag)).size).toBe(1)
    expect(describe).not.toHaveBeenCalled()
    describe.mockRestore()
  })

  it('has no form that would be made anew for each who asks', async () => {
    expectRefusal(await world.ask('nobody', 'GET', '/docs/yaml'), 404)
  })
})
