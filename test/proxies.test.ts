import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waveFile } from './audio.ts'
import { encodeForm } from './form.ts'
import { canStart, type Front, type FrontKind, reserveFront, startFront } from './front.ts'
import { type Program, startProgram } from './program.ts'
import { programs } from './programs.ts'

const password = 'correct horse battery'
const credentials = { username: 'admin', password }
/** The largest that a group takes unless told otherwise. */
const largest = waveFile((5_242_880 - 44) / 16_000)

interface Kind extends FrontKind {
  name: string
  /** Of POINTSMAN_PUBLIC_URL; without one it is not set. */
  path?: string
  /** A proxy that writes a path anew loses which slashes were escaped. */
  decodesPaths?: boolean
  /** It serves without TLS as well, for clients within. */
  hasPlainPort?: boolean
}

const path = '/pointsman'
const kinds: Kind[] = [
  { name: 'nginx', program: 'nginx' },
  {
    name: 'nginx under a path',
    program: 'nginx',
    path,
    changes: [['location / {', 'location /pointsman/ {']],
  },
  {
    name: 'nginx that takes the path away',
    program: 'nginx',
    path,
    changes: [
      ['location / {', 'location /pointsman/ {'],
      ['proxy_pass http://pointsman;', 'proxy_pass http://pointsman/;'],
    ],
    decodesPaths: true,
  },
  {
    name: 'nginx that takes the port from Host',
    program: 'nginx',
    path: '',
    changes: [['$http_host', '$host']],
  },
  { name: 'HAProxy', program: 'haproxy', hasPlainPort: true },
  { name: 'HAProxy under a path', program: 'haproxy', path, hasPlainPort: true },
  { name: 'Caddy', program: 'caddy' },
  {
    name: 'Caddy under a path',
    program: 'caddy',
    path,
    changes: [['handle {', 'handle /pointsman/* {']],
  },
  {
    name: 'Caddy that takes the path away',
    program: 'caddy',
    path,
    changes: [['handle {', 'handle_path /pointsman/* {']],
  },
]

it('programs that tests start are those that scripts/fetch-programs and scripts/asterisk fetch, and Python, which systems have', () => {
  const script = readFileSync(join(import.meta.dirname, '..', 'scripts', 'fetch-programs'), 'utf8')
  const [, list = ''] = /^programs='\n(.+?)'$/ms.exec(script) ?? []
  const fetched = [...list.matchAll(/^\w+/gm)].map(([name]) => name)
  expect([...fetched, 'asterisk', 'python3'].sort()).toEqual(Object.keys(programs).sort())
})

for (const kind of kinds) {
  describe.skipIf(!canStart(kind))(`the program behind ${kind.name}`, () => {
    const { path: publicPath = '', decodesPaths = false, hasPlainPort = false } = kind
    let folder: string
    let program: Program
    let front: Front
    let authorization: string

    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'pointsman-proxies-'))
      const reserved = await reserveFront()
      program = await startProgram({
        DATABASE_URL: `sqlite:${join(folder, 'test.db')}`,
        ADMIN_PASSWORD: password,
        TRUSTED_PROXIES: '127.0.0.1',
        ...(kind.path !== undefined && { PUBLIC_URL: `${reserved.origin}${kind.path}` }),
      })
      front = await startFront(kind, reserved, new URL(program.url).host)
      const cookie = String((await ask('POST', '/login/', credentials)).headers['set-cookie'])
      const headers = { cookie: cookie.split(';', 1)[0] }
      authorization = ''
      const { body } = await ask('POST', '/tokens/', { name: 'test' }, headers)
      authorization = `Bearer ${body.token}`
      const tenant = {
        tenantId: 'foo',
        type: 'Enterprise',
        defaultDomain: 'foo.example',
        country: 'BE',
      }
      await ask('POST', '/tenants/', tenant)
      for (const groupId of ['one', 'two']) await ask('POST', '/tenants/foo/groups/', { groupId })
    })
    afterAll(async () => {
      await front.stop()
      program.signal('SIGKILL')
      await program.ended
      rmSync(folder, { recursive: true })
    })

    function ask(
      method: string,
      address: string,
      body?: Buffer | object,
      headers: Record<string, string | undefined> = {},
    ) {
      const given = { ...(authorization && { authorization }), ...headers }
      return front.ask(method, `${publicPath}/api/v1${address}`, { body, headers: given })
    }

    /** What a client asks for that is told `reference` in the answer to `address`. */
    function follow(reference: string | undefined, address: string): string {
      const url = new URL(reference ?? 'nowhere:', `${front.origin}${publicPath}/api/v1${address}`)
      expect(url.href).toContain(`${front.origin}${publicPath}/api/v1/`)
      return url.href.replace(`${front.origin}${publicPath}/api/v1`, '')
    }

    it('signs in by a cookie for TLS and its own path, from its own page only', async () => {
      const { headers } = await ask('POST', '/login/', credentials, { origin: front.origin })
      const [cookie] = headers['set-cookie'] ?? []
      expect(cookie).toMatch(/^sessionid=[^;]{20,}; /)
      expect(cookie).toContain(`; Path=${publicPath || '/'};`)
      expect(cookie).toMatch(/; HttpOnly; SameSite=Lax; Secure$/)
      expect(headers['strict-transport-security']).toBe('max-age=31536000')
      for (const origin of ['https://evil.example', 'https://calls.example.org:1']) {
        const own = { origin, 'x-forwarded-host': new URL(origin).host }
        expect((await ask('POST', '/login/', credentials, own)).status).toBe(403)
      }
    })

    it('knows the client, whatever it says of itself', async () => {
      const lies = (count: number) => ({
        'x-forwarded-for': `203.0.113.${count}`,
        'x-forwarded-proto': 'http',
        forwarded: `for=203.0.113.${count};proto=http`,
      })
      const right = await ask('POST', '/login/', credentials, lies(0))
      expect(String(right.headers['set-cookie'])).toContain('; Secure')
      const guess = { username: 'admin', password: 'wrong horse battery' }
      const guessFrom = (from: string, count: number) =>
        front.ask('POST', `${publicPath}/api/v1/login/`, {
          body: guess,
          from,
          headers: lies(count),
        })
      let count = 0
      while ((await guessFrom('127.0.0.3', count)).status === 401) count += 1
      expect(count).toBe(10)
      expect((await guessFrom('127.0.0.3', 100)).status).toBe(429)
      expect((await guessFrom('127.0.0.4', 101)).status).toBe(401)
      // Lines are written together, a little later.
      await expect.poll(program.output, { timeout: 5_000 }).toContain('"address":"127.0.0.4"')
      expect(program.output()).not.toContain('203.0.113.')
    })

    it('leads clients to what they made, and through pages', async () => {
      const groups = '/tenants/foo/groups/'
      const name = decodesPaths ? 'Über 100% "+" é' : 'Über / 100% "+" é'
      const departments = `${groups}one/departments/`
      const made = await ask('POST', departments, { departmentName: name })
      expect(made.status).toBe(201)
      const found = await ask('GET', follow(made.headers.location, departments))
      expect(found.body).toMatchObject({ departmentName: name })

      const first = await ask('GET', `${groups}?pageSize=1`)
      const [, link] = /^<([^>]+)>; rel="next"$/.exec(String(first.headers.link)) ?? []
      const second = await ask('GET', follow(link, groups))
      expect(second.body.groups).toHaveLength(1)
      expect(second.body).not.toEqual(first.body)
    })

    it('shows the documentation, which tells where it is', async () => {
      const browse = (page: string) => front.ask('GET', `${publicPath}${page}`)
      for (const page of ['/docs/', '/docs']) {
        const { status, bytes } = await browse(page)
        expect(status).toBe(200)
        const files = [...String(bytes).matchAll(/(?:href|src)="([^"]+)"/g)].map(([, file]) => file)
        expect(files.length).toBeGreaterThan(5)
        for (const file of [...files, ...(page === '/docs/' ? ['./json'] : [])]) {
          const { pathname } = new URL(file ?? '', `${front.origin}${publicPath}${page}`)
          expect((await front.ask('GET', pathname)).status, pathname).toBe(200)
        }
      }
      const { body } = await browse('/openapi.json')
      const { href } = new URL(body.servers[0].url, `${front.origin}/`)
      expect(href.replace(/\/$/, '')).toBe(`${front.origin}${publicPath}`)
    })

    it('keeps ETags strong, so that they guard writes', async () => {
      const item = '/tenants/foo/'
      const { headers } = await ask('GET', item, undefined, { 'accept-encoding': 'gzip, br, zstd' })
      expect(headers.etag).toMatch(/^"/)
      const known = await ask('GET', item, undefined, { 'if-none-match': headers.etag })
      expect(known.status).toBe(304)
      const write = () => ask('PUT', item, { name: 'Foo' }, { 'if-match': headers.etag })
      expect((await write()).status).toBe(200)
      expect((await write()).status).toBe(412)
    })

    it('takes the largest announcement, as JSON and as a form, and plays it', async () => {
      const announcements = '/tenants/foo/groups/one/announcements/'
      const content = largest.toString('base64')
      expect((await ask('POST', announcements, { name: 'json', content })).status).toBe(201)
      const { body, headers } = await encodeForm([
        ['name', 'form'],
        ['content', largest],
      ])
      expect((await ask('POST', announcements, body, headers)).status).toBe(201)
      for (const name of ['json', 'form']) {
        const played = await ask('GET', `${announcements}${name}/content/`)
        expect(played.bytes.equals(largest)).toBe(true)
      }
      const part = await ask('GET', `${announcements}form/content/`, undefined, {
        range: 'bytes=5000000-',
      })
      expect(part.status).toBe(206)
      expect(part.bytes.equals(largest.subarray(5_000_000))).toBe(true)
    })

    it('passes each change on as it comes', async () => {
      const address = `${publicPath}/api/v1/changes/stream/`
      const listening = front.ask('GET', address, {
        headers: { authorization },
        enough: 'event: change',
      })
      // Whoever begins late hears of a later one.
      let isHeard = false
      for (let count = 0; !isHeard; count += 1) {
        await ask('PUT', '/tenants/foo/', { name: `Foo ${count}` })
        isHeard = await Promise.race([listening.then(() => true), delay(200).then(() => false)])
      }
      const { status, headers, bytes } = await listening
      expect(status).toBe(200)
      expect(headers['content-type']).toBe('text/event-stream')
      expect(String(bytes)).toMatch(/\nid: \d+\nevent: change\ndata: \{"position":\d+,/)
    })

    it('refuses what is too large in its own words', async () => {
      const announcements = '/tenants/foo/groups/one/announcements/'
      const content = Buffer.alloc(9_000_000).toString('base64')
      const { status, body } = await ask('POST', announcements, { name: 'large', content })
      expect(status).toBe(413)
      expect(body.errors[0].code).toBe(413)
    })

    it.skipIf(hasPlainPort)('is not reached without TLS', async () => {
      const { status, headers, bytes } = await front.askPlain(`${publicPath}/api/v1/tenants/`)
      expect([301, 302]).toContain(status)
      expect(headers.location).toBe('https://calls.example.org/')
      expect(String(bytes)).not.toContain('requestId')
    })
  })
}
