import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Engine, engines } from './engines.ts'
import { openSockets, type Sockets } from './sockets.ts'
import { createWorld, expectRefusal, group, password, type World } from './world.ts'

const [engine] = engines as [Engine]
const credentials = { username: 'admin', password }
const login = '/api/v1/login/'

async function withWorld(
  environment: Record<string, string>,
  act: (world: World) => Promise<void>,
): Promise<void> {
  const world = await createWorld(engine, environment)
  await act(world).finally(() => world.close())
}

describe('what proxies say', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine, { POINTSMAN_TRUSTED_PROXIES: '127.0.0.1' })
  })
  afterAll(() => world.close())

  const overTls = ['https', 'HTTPS', 'https,http', 'https, https', 'HTTPS , http', ', https,http']
  it.each(overTls)('X-Forwarded-Proto: %s is TLS', async (proto) => {
    const headers = { 'x-forwarded-proto': proto }
    const { headers: answered } = await world.ask('nobody', 'POST', login, credentials, headers)
    expect(answered['set-cookie']).toMatch(/; Secure$/)
    for (const url of ['/healthz', '/nowhere', '/docs/', '/openapi.json']) {
      const answer = await world.ask('nobody', 'GET', url, undefined, headers)
      expect(answer.headers['strict-transport-security'], url).toBe('max-age=31536000')
    }
  })

  it.each(['', ',', 'http', 'http,https', 'wss', 'httpsx', 'on'])(
    'X-Forwarded-Proto: %s is not',
    async (proto) => {
      const headers = { 'x-forwarded-proto': proto }
      const { headers: answered } = await world.ask('nobody', 'POST', login, credentials, headers)
      expect(answered['set-cookie']).not.toContain('Secure')
      expect(answered).not.toHaveProperty('strict-transport-security')
    },
  )

  it('counts as one list when it stands in several headers', async () => {
    await world.app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = world.app.server.address() as AddressInfo
    const headers = { 'X-Forwarded-Proto': ['https', 'http'] }
    const answer = await new Promise<Record<string, unknown>>((resolve, reject) => {
      request({ port, path: '/healthz', headers }, (response) => {
        response.resume()
        resolve(response.headers)
      })
        .on('error', reject)
        .end()
    })
    expect(answer).toHaveProperty('strict-transport-security')
  })

  it.each([
    ['calls.example.org', 'https://calls.example.org'],
    ['Calls.Example.org', 'HTTPS://calls.example.org'],
    ['calls.example.org:8443', 'https://calls.example.org:8443'],
    ['calls.example.org:443, inner.local:8080', 'https://calls.example.org'],
    ['[2001:db8::1]:8443,inner.local', 'https://[2001:db8::1]:8443'],
    ['', 'http://localhost'],
  ])('X-Forwarded-Host: %s is the host of a page at %s', async (forwarded, origin) => {
    const headers = { 'x-forwarded-host': forwarded, origin }
    expect((await world.ask('nobody', 'POST', login, credentials, headers)).status).toBe(200)
  })

  it.each([
    ['inner.local, calls.example.org', 'https://calls.example.org'],
    ['calls.example.org:8443', 'https://calls.example.org'],
    ['calls.example.org', 'https://calls.example.org:8443'],
  ])('X-Forwarded-Host: %s is not the host of a page at %s', async (forwarded, origin) => {
    const headers = { 'x-forwarded-host': forwarded, origin }
    expectRefusal(await world.ask('nobody', 'POST', login, credentials, headers), 403)
  })
})

describe('the refusal of a page whose host a proxy changed', () => {
  it('says what was compared, briefly, and what mends it', async () => {
    await withWorld({}, async (world) => {
      const headers = { origin: 'https://calls.example.org:8443', host: 'calls.example.org' }
      const { body } = await world.ask('nobody', 'POST', login, credentials, headers)
      const [{ message }] = body.errors
      expect(message).toContain("'https://calls.example.org:8443'")
      expect(message).toContain("'calls.example.org'")
      expect(message).toContain('Host header')
      expect(message).toContain('POINTSMAN_PUBLIC_URL')

      const long = { origin: `https://${'a'.repeat(5_000)}`, host: 'b'.repeat(5_000) }
      const answer = await world.ask('nobody', 'POST', login, credentials, long)
      expect(answer.status).toBe(403)
      expect(answer.text.length).toBeLessThan(800)
    })
  })

  it.each([
    'https://calls.example.org:8443',
    'https://calls.example.org:8443/',
    'HTTPS://CALLS.example.org:8443/pointsman/',
  ])('does not come where POINTSMAN_PUBLIC_URL is %s', async (url) => {
    await withWorld({ POINTSMAN_PUBLIC_URL: url }, async (world) => {
      const ask = (origin: string, host: string) =>
        world.ask('nobody', 'POST', login, credentials, { origin, host })
      expect((await ask('https://calls.example.org:8443', 'node1:8080')).status).toBe(200)
      expect((await ask('http://node1:8080', 'node1:8080')).status).toBe(200)
      for (const origin of [
        'https://calls.example.org',
        'http://calls.example.org:8443',
        'https://calls.example.org:8443.evil.example',
        'null',
      ]) {
        expectRefusal(await ask(origin, 'node1:8080'), 403)
      }
    })
  })
})

describe('under a public path', () => {
  let world: World
  let sockets: Sockets
  beforeAll(async () => {
    world = await createWorld(engine, {
      POINTSMAN_PUBLIC_URL: 'https://calls.example.org/tools/pointsman/',
    })
    sockets = await openSockets(world)
  })
  afterAll(() => world.close())

  /** What a client that is told `reference` at the public URL asks for there. */
  function follow(reference: unknown): string {
    const { href } = new URL(String(reference), `https://calls.example.org/tools/pointsman${group}`)
    expect(href).toMatch(/^https:\/\/calls\.example\.org\/tools\/pointsman\//)
    return href.replace('https://calls.example.org', '')
  }

  it.each(['left in front', 'taken away'])(
    '%s by the proxy, everything is served',
    async (what) => {
      const sent = (path: string) =>
        what === 'taken away' ? path.replace('/tools/pointsman', '') : path
      const departments = sent(`/tools/pointsman${group}departments/`)
      const name = `Über ${what}`
      const made = await world.ask('groupAdmin', 'POST', departments, { departmentName: name })
      expect(made.status).toBe(201)
      const location = follow(made.headers.location)
      expect((await world.ask('groupAdmin', 'GET', sent(location))).body).toMatchObject({
        departmentName: name,
      })

      const first = await world.ask('groupAdmin', 'GET', `${departments}?pageSize=1`)
      const [, link] = /^<([^>]+)>; rel="next"$/.exec(String(first.headers.link)) ?? []
      const second = await world.ask('groupAdmin', 'GET', sent(follow(link)))
      expect(second.body.departments).toHaveLength(1)
      expect(second.body).not.toEqual(first.body)

      for (const page of ['docs/', 'docs', 'docs/static/index.html']) {
        const path = sent(`/tools/pointsman/${page}`)
        const answer = await world.ask('nobody', 'GET', path)
        if (answer.status === 302) {
          expect(answer.headers.location).toBe('/tools/pointsman/docs/')
          continue
        }
        const files = [...answer.text.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, file]) => file)
        expect(files.length).toBeGreaterThan(5)
        for (const file of files) {
          const { pathname } = new URL(
            file ?? '',
            `https://calls.example.org/tools/pointsman/${page}`,
          )
          expect((await world.ask('nobody', 'GET', sent(pathname))).status, pathname).toBe(200)
        }
      }
    },
  )

  it('describes itself, and gives cookies, for there alone', async () => {
    const { body } = await world.ask('nobody', 'GET', '/openapi.json')
    expect(body.servers).toEqual([{ url: 'https://calls.example.org/tools/pointsman' }])
    const { headers } = await world.ask('nobody', 'POST', login, credentials)
    expect(headers['set-cookie']).toMatch(/; Path=\/tools\/pointsman; .*; Secure$/)
    expect(headers['strict-transport-security']).toBe('max-age=31536000')
    const out = await world.ask('nobody', 'POST', '/api/v1/logout/')
    expect(out.headers['set-cookie']).toMatch(/^sessionid=; Path=\/tools\/pointsman; Max-Age=0;/)
  })

  it.each(['/tools/pointsman', '/tools/pointsman?x', '/tools/pointsman/', '/tools/pointsman/?x'])(
    '%s is its root',
    async (path) => {
      const [inside, outside] = await Promise.all([
        world.ask('nobody', 'GET', path.replace(/^\/tools\/pointsman\/?/, '/')),
        world.ask('nobody', 'GET', path),
      ])
      expect(outside.status).toBe(inside.status)
    },
  )

  it.each([
    '/tools/pointsmanapi/v1/tenants/',
    '/tools/pointsman/tools/pointsman/api/v1/tenants/',
    '/Tools/Pointsman/api/v1/tenants/',
    '/tools/api/v1/tenants/',
  ])('%s is no path', async (path) => {
    expectRefusal(await world.ask('system', 'GET', path), 404)
  })

  it('whole addresses are taken as their paths', async () => {
    for (const address of ['http://x.example', 'HTTPS://x.example:8443/tools/pointsman']) {
      const answer = await sockets.request(
        'GET',
        `${address}${group}admins/?pageSize=1&startIndex=1`,
      )
      expect(answer.status).toBe(200)
      expect(answer.headers['x-total-count']).toBe('2')
      expect(follow(/<(.+)>/.exec(answer.headers.link ?? '')?.[1])).not.toContain('x.example')
      expect((await sockets.request('PATCH', `${address}/api/v1/tenants/`)).status).toBe(405)
    }
  })
})

describe('without a public URL', () => {
  it('references are paths from the root, and the cookie is for all', async () => {
    await withWorld({ POINTSMAN_PUBLIC_URL: '' }, async (world) => {
      const body = { departmentName: 'Plain' }
      const made = await world.ask('groupAdmin', 'POST', `${group}departments/`, body)
      expect(made.headers.location).toBe(`${group}departments/Plain/`)
      const { headers } = await world.ask('nobody', 'POST', login, credentials)
      expect(headers['set-cookie']).toMatch(/; Path=\/; .*SameSite=Lax$/)
      expect((await world.ask('nobody', 'GET', '/openapi.json')).body.servers).toEqual([
        { url: '/' },
      ])
    })
  })
})

describe('a link to the next page', () => {
  it('holds no character that would end it, though a client left one unescaped', async () => {
    await withWorld({}, async (world) => {
      const sockets = await openSockets(world)
      const tenant = {
        tenantId: 'a>b',
        type: 'Enterprise',
        defaultDomain: 'a.example',
        country: 'BE',
      }
      expect((await world.ask('system', 'POST', '/api/v1/tenants/', tenant)).status).toBe(201)
      const groups = '/api/v1/tenants/a%3Eb/groups/'
      for (const groupId of ['one', 'two']) await world.ask('system', 'POST', groups, { groupId })
      const { body } = await world.ask('system', 'POST', '/api/v1/tokens/', { name: 'x' })
      const { headers } = await sockets.send(
        'GET /api/v1/tenants/a>b/groups/?pageSize=1 HTTP/1.1\r\nHost: localhost\r\n' +
          `Connection: close\r\nAuthorization: Bearer ${body.token}\r\n\r\n`,
      )
      expect(headers.link).toBe(`<${groups}?pageSize=1&startIndex=2>; rel="next"`)
    })
  })
})

describe('a public path that could be taken for one of the service', () => {
  it.each(['/api', '/api/v1', '/docs'])('%s stops the start', async (path) => {
    const url = `https://calls.example.org${path}`
    await expect(createWorld(engine, { POINTSMAN_PUBLIC_URL: url })).rejects.toThrow(
      `POINTSMAN_PUBLIC_URL cannot have the path ${path}: the service has ${path}/`,
    )
  })
})
