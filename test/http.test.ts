import { readFileSync } from 'node:fs'
import { maxHeaderSize } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errorCodes } from '../src/errors.ts'
import { engines } from './engines.ts'
import { expectRawRefusal, expectSecured, openSockets, type Sockets } from './sockets.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  password,
  routePoint,
  siblingGroup,
  type World,
} from './world.ts'

const setting = `${routePoint}bounced_call/`
const users = `${group}users/`

describe('the table of docs/errors.md', () => {
  it('has every code of the registry with its name and status, and no other', () => {
    const rows = readFileSync('docs/errors.md', 'utf8').matchAll(
      /^\| (\d+) \| `(\w+)` \| (\d+) \| [^|]{10,} \|$/gm,
    )
    const documented = [...rows].map(([, code, name, status]) => [
      Number(code),
      { name, status: Number(status) },
    ])
    expect(Object.fromEntries(documented)).toEqual(
      Object.fromEntries(Object.entries(errorCodes).map(([code, entry]) => [Number(code), entry])),
    )
    expect(documented).toHaveLength(Object.keys(errorCodes).length)
  })
})

describe.each(engines)('HTTP on $name', (engine) => {
  let world: World
  let sockets: Sockets
  beforeAll(async () => {
    world = await createWorld(engine, { POINTSMAN_TRUSTED_PROXIES: '127.0.0.1' })
    sockets = await openSockets(world)
  })
  afterAll(() => world.close())

  describe('what every answer has', () => {
    const requests: [string, string, Record<string, string>, number][] = [
      ['GET', setting, {}, 200],
      ['HEAD', setting, {}, 200],
      ['GET', '/healthz', {}, 200],
      ['GET', setting, { authorization: 'Bearer none' }, 401],
      ['GET', '/api/v1/admins/', {}, 403],
      ['GET', '/nowhere', {}, 404],
      ['GET', '/api/v1/tenants/%zz/', {}, 400],
      ['PATCH', setting, {}, 405],
      ['GET', setting, { accept: 'text/html' }, 406],
    ]
    it.each(requests)(
      '%s %s %j: security headers and a request id',
      async (method, path, headers, status) => {
        const answer = await sockets.request(method, path, headers)
        expect(answer.status).toBe(status)
        expectSecured(answer.headers)
        expect(answer.headers['x-request-id']).toMatch(/^[\w-]{5,}$/)
      },
    )

    it('an id of its own', async () => {
      const given = { 'x-request-id': 'mine', 'request-id': 'mine' }
      const answers = await Promise.all([1, 2, 3].map(() => sockets.request('GET', setting, given)))
      const ids = answers.map(({ headers }) => headers['x-request-id'])
      expect(new Set(ids).size).toBe(3)
      expect(ids).not.toContain('mine')
    })

    it('a page that may load what the documentation needs and nothing else', async () => {
      const { headers, body } = await sockets.request('GET', '/docs/')
      expect(body).toContain('<title>Pointsman API</title>')
      expect(headers['content-security-policy']).toMatch(
        /^default-src 'self'; .*frame-ancestors 'none'/,
      )
      // What the page runs is in files: the policy would stop a script between its lines.
      expect(body).not.toMatch(/<script(?![^>]* src=)/)
    })
  })

  describe('a request that is no request', () => {
    it.each([
      ['no HTTP at all', 'hello\r\n\r\n'],
      ['an unknown method', 'FOO / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
      ['a header without a name', 'GET / HTTP/1.1\r\nHost: localhost\r\n: x\r\n\r\n'],
      [
        'a length that is no number',
        'POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n',
      ],
      [
        'two ways to tell its length',
        'POST /api/v1/login/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      ],
      ['no host', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n'],
      [
        'two hosts',
        'GET /healthz HTTP/1.1\r\nHost: localhost\r\nhost: localhost\r\nConnection: close\r\n\r\n',
      ],
      [
        'a host that is none',
        'GET /healthz HTTP/1.1\r\nHost: localhost/x y\r\nConnection: close\r\n\r\n',
      ],
      ...['localhost:80:80', 'localhost:port', 'localhost:123456', '[::1', '::1', '[]'].map(
        (host) => [
          `the host ${host}`,
          `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
        ],
      ),
    ])('with %s is refused in our shape', async (_, text) => {
      expectRawRefusal(await sockets.send(text), 400, 2)
    })

    it.each([
      '',
      'localhost',
      'LOCALHOST:',
      'localhost:8080',
      '[::1]',
      '[fe80::1%25eth0]:8080',
      'a_b.c',
    ])('is none of those with the host %j', async (host) => {
      const text = `GET /healthz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`
      expect((await sockets.send(text)).status).toBe(200)
    })

    it('with headers that are too large is refused in our shape', async () => {
      const answer = await sockets.request('GET', setting, {
        'x-large': 'x'.repeat(maxHeaderSize + 1),
      })
      expectRawRefusal(answer, 431)
    })
  })

  describe('a body', () => {
    const body = '{"active":false}'

    it.each([
      { 'content-encoding': 'gzip' },
      { 'content-encoding': 'BR' },
      { 'content-encoding': 'identity, gzip' },
      { 'content-encoding': 'gzip', 'transfer-encoding': 'chunked' },
      { 'transfer-encoding': 'gzip, chunked' },
    ])('that is encoded is refused: %j', async (headers) => {
      await expectUnchanged(world, async () => {
        const content = 'transfer-encoding' in headers ? '' : body
        const answer = await sockets.request('PUT', setting, headers, content)
        expectRawRefusal(answer, 415)
        expect(answer.headers['accept-encoding']).toBe('identity')
      })
    })

    it('may say that it is not encoded, and where there is none its encoding says nothing', async () => {
      const encoding = { 'content-encoding': 'Identity' }
      expect((await sockets.request('PUT', setting, encoding, body)).status).toBe(200)
      const none = { 'content-encoding': 'gzip' }
      expect((await sockets.request('GET', setting, none)).status).toBe(200)
    })

    it('is refused to nobody for its encoding before it is known who they are', async () => {
      const headers = { 'content-encoding': 'gzip', authorization: 'Bearer none' }
      expectRawRefusal(await sockets.request('PUT', setting, headers, body), 401)
    })
  })

  describe('Expect', () => {
    it.each(['foo', '200-ok', ''])('%j cannot be met', async (expectation) => {
      await expectUnchanged(world, async () => {
        const answer = await sockets.request('PUT', setting, { expect: expectation }, '{}')
        expectRawRefusal(answer, 417)
      })
    })

    it('100-continue is met', async () => {
      const { status, body } = await sockets.request(
        'PUT',
        setting,
        { expect: '100-Continue' },
        '{}',
      )
      expect(status).toBe(100)
      expect(body).toMatch(/^HTTP\/1\.1 200 /)
    })
  })

  describe('a path', () => {
    it('may have its ids percent-encoded, in any case, with or without their domain', async () => {
      const paths = ['APIOTestRP%40sip.netaxis.be', 'apiotestrp@SIP.netaxis.be', '%41PIOTestRP']
      for (const id of paths) {
        const path = `/api/v1/tenants/FOOtenant/groups/foo%67roup/services/route_points/${id}`
        expect((await sockets.request('GET', `${path}/bounced_call`)).status, id).toBe(200)
      }
    })

    it.each(['a/b', 'two words', '100%', '?#&=+', 'ünï/😀', '..;', '%2F', '"\'<>'])(
      'reaches the department %j by its percent-encoded name',
      async (departmentName) => {
        const { body, headers } = await world.ask('groupAdmin', 'POST', `${group}departments/`, {
          departmentName,
        })
        expect(body).toEqual({ departmentName })
        const path = `${group}departments/${encodeURIComponent(departmentName)}/`
        expect(headers.location).toBe(path)
        const answer = await sockets.request('GET', path)
        expect(JSON.parse(answer.body)).toEqual({ departmentName })
      },
    )

    it('takes an id of 161 code points of four bytes each, and says of a longer one that there is none', async () => {
      const userId = `${'😀'.repeat(146)}@sip.netaxis.be`
      expect([...userId]).toHaveLength(161)
      const person = { firstName: 'Long', lastName: 'Id' }
      const { status, headers } = await world.ask('groupAdmin', 'POST', users, {
        userId,
        ...person,
      })
      expect(status).toBe(201)
      const answer = await sockets.request('GET', String(headers.location))
      expect(JSON.parse(answer.body).userId).toBe(userId)
      const longer = encodeURIComponent('😀'.repeat(300))
      expectRawRefusal(await sockets.request('GET', `${users}${longer}/`), 404)
      expectRawRefusal(await sockets.request('GET', `${users}${'x'.repeat(9_000)}/`), 404)
    })

    it.each(['%zz', '%', '%C3%28', '%00', 'a%00b'])('that holds %s is refused', async (id) => {
      expectRawRefusal(await sockets.request('GET', `${users}${id}/`), 400, 2)
    })

    it('that holds NUL in its query is refused', async () => {
      expectRawRefusal(
        await sockets.request('GET', `${users}?insensitiveUserIdContains=%00`),
        400,
        2,
      )
    })

    it('has one slash between its parts', async () => {
      expectRawRefusal(await sockets.request('GET', `/${setting}`), 404)
      expectRawRefusal(await sockets.request('GET', `${setting}/`), 404)
      for (const method of ['GET', 'PATCH']) {
        expectRawRefusal(await sockets.request(method, '/api/v1/tenants//groups/'), 404)
      }
    })

    it('minds its case outside of ids', async () => {
      expectRawRefusal(await sockets.request('GET', setting.replace('/api/', '/API/')), 404)
    })
  })

  describe('Accept', () => {
    it.each([
      ['application/json', 200],
      ['*/*', 200],
      ['application/*', 200],
      ['text/html, application/json;q=0.1', 200],
      ['text/html,*/*;q=0.1', 200],
      ['APPLICATION/JSON', 200],
      ['application/json; charset=utf-8', 200],
      ['text/html, application/json;version="1";q=0.5', 200],
      ['application/json;charset=utf-8; q=0, */*', 406],
      ['', 200],
      ['text/html', 406],
      ['text/*', 406],
      ['application/json;q=0', 406],
      ['*/*;q=0', 406],
      ['application/json;q=0, */*', 406],
      ['application/jsonx', 406],
    ])('%j is answered with %i', async (accept, status) => {
      expect((await sockets.request('GET', setting, { accept })).status).toBe(status)
    })

    it('is looked at after who asks and what about', async () => {
      const accept = { accept: 'text/html' }
      expectRefusal(await world.ask('nobody', 'GET', setting, undefined, accept), 401)
      expectRefusal(await world.ask('siblingAdmin', 'GET', setting, undefined, accept), 404)
      expectRefusal(await world.ask('endUser', 'GET', setting, undefined, accept), 403)
    })
  })

  describe('the order of refusals', () => {
    it.each([
      ['nobody', 401, 401],
      ['otherTenantAdmin', 404, 404],
      ['siblingAdmin', 404, 404],
      ['endUser', 403, 403],
      ['groupAdmin', 400, 2],
    ] as const)('%s gets %i, whatever else is wrong', async (person, status, code) => {
      const headers = { 'if-match': '"other"' }
      const answer = await world.ask(person, 'PUT', setting, { surprise: 1 }, headers)
      expectRefusal(answer, status, [{ code }])
    })

    it('tells who may not write nothing of the body, though it be broken or of a wrong type', async () => {
      for (const body of ['{', '\ufffd']) {
        expectRefusal(await world.ask('nobody', 'PUT', setting, body), 401)
        expectRefusal(await world.ask('endUser', 'PUT', setting, body), 403)
      }
      const form = { 'content-type': 'application/x-www-form-urlencoded' }
      expectRefusal(await world.ask('siblingAdmin', 'PUT', setting, 'a=b', form), 404)
    })

    it('asks for the state last', async () => {
      const headers = { 'if-match': '"other"' }
      expectRefusal(await world.ask('groupAdmin', 'PUT', setting, { active: true }, headers), 412)
      const absent = `${users}absent/`
      expectRefusal(await world.ask('groupAdmin', 'DELETE', absent, undefined, headers), 404)
    })

    it('says of what lies outside the very words that it says of nothing', async () => {
      const outside = await world.ask('siblingAdmin', 'GET', setting)
      const nothing = await world.ask('siblingAdmin', 'GET', `${siblingGroup}users/nobody/`)
      expect(outside.body.errors).toEqual(nothing.body.errors)
      expect(Object.keys(outside.headers)).toEqual(Object.keys(nothing.headers))
    })
  })

  describe('ETag', () => {
    async function etag(): Promise<string> {
      return String((await world.ask('groupAdmin', 'GET', setting)).headers.etag)
    }

    it('is strong, the same for the same state and another for another', async () => {
      const before = await etag()
      expect(before).toMatch(/^"[\w-]{20,}"$/)
      expect(await etag()).toBe(before)
      const rings = { numberOfRingsBeforeBouncingCall: 11 }
      const { headers } = await world.ask('groupAdmin', 'PUT', setting, rings)
      expect(headers.etag).not.toBe(before)
      expect(await etag()).toBe(headers.etag)
    })

    it('lets a client keep what it has', async () => {
      const tag = await etag()
      for (const known of [tag, `W/${tag}`, '*', `"a", ${tag}`, `"a",W/"b" , W/${tag}`]) {
        const answer = await sockets.request('GET', setting, { 'if-none-match': known })
        expect(answer, known).toMatchObject({ status: 304, body: '' })
        expect(answer.headers.etag).toBe(tag)
      }
      const head = await sockets.request('HEAD', setting, { 'if-none-match': tag })
      expect(head.status).toBe(304)
      expect(head.headers.etag).toBe(tag)
      expect(head.headers).not.toHaveProperty('content-length')
      for (const known of ['"a"', tag.replaceAll('"', ''), '']) {
        expect(
          (await sockets.request('GET', setting, { 'if-none-match': known })).status,
          known,
        ).toBe(200)
      }
    })

    it('lets a PUT pass only on the state that it names', async () => {
      const tag = await etag()
      const body = { active: false }
      for (const match of ['"a"', `W/${tag}`, '"a", "b"', '']) {
        await expectUnchanged(world, async () => {
          const other = { numberOfRingsBeforeBouncingCall: 12 }
          const answer = await world.ask('groupAdmin', 'PUT', setting, other, { 'if-match': match })
          expectRefusal(answer, 412)
        })
      }
      for (const match of [tag, '*', `"a", ${tag}`]) {
        const answer = await world.ask('groupAdmin', 'PUT', setting, body, { 'if-match': match })
        expect(answer.status, match).toBe(200)
      }
    })

    it('lets a DELETE pass only on the state that it names', async () => {
      const url = `${group}departments/Guarded/`
      await world.ask('groupAdmin', 'POST', `${group}departments/`, { departmentName: 'Guarded' })
      const { headers } = await world.ask('groupAdmin', 'GET', url)
      await expectUnchanged(world, async () => {
        const other = { 'if-match': '"a"' }
        expectRefusal(await world.ask('groupAdmin', 'DELETE', url, undefined, other), 412)
      })
      const match = { 'if-match': String(headers.etag) }
      expect((await world.ask('groupAdmin', 'DELETE', url, undefined, match)).status).toBe(200)
    })

    it('lets one of two people who edit at once win, and the other know', async () => {
      const match = { 'if-match': await etag() }
      const edits = [13, 14].map((rings) =>
        world.ask('groupAdmin', 'PUT', setting, { numberOfRingsBeforeBouncingCall: rings }, match),
      )
      const statuses = (await Promise.all(edits)).map(({ status }) => status)
      expect(statuses.sort()).toEqual([200, 412])
    })
  })

  it('answers HEAD as GET, without the body', async () => {
    const get = await sockets.request('GET', setting)
    const head = await sockets.request('HEAD', setting)
    expect(head).toMatchObject({ status: 200, body: '' })
    for (const name of ['etag', 'content-length', 'content-type']) {
      expect(head.headers[name]).toBe(get.headers[name])
    }
    expect(await sockets.request('HEAD', `${users}nobody/`)).toMatchObject({
      status: 404,
      body: '',
    })
  })

  it('keeps a connection open for the next request, also after a refusal', async () => {
    const one = `GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n`
    const last = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
    const { status, body } = await sockets.send(one, last)
    expect(status).toBe(404)
    expect(body).toContain('HTTP/1.1 200 OK')
  })

  describe('proxies', () => {
    const credentials = JSON.stringify({ username: 'admin', password })
    const forwarded = {
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'api.example',
      'x-forwarded-for': '192.0.2.7',
    }

    it('tell of TLS when they are trusted', async () => {
      const { headers } = await sockets.request('POST', '/api/v1/login/', forwarded, credentials)
      expect(headers['set-cookie']).toMatch(/; Secure$/)
      expect(headers['strict-transport-security']).toBe('max-age=31536000')
      const refusal = await sockets.request('GET', '/nowhere', forwarded)
      expect(refusal.headers['strict-transport-security']).toBe('max-age=31536000')
    })

    it('tell by which name a browser knows the service when they are trusted', async () => {
      const origin = { ...forwarded, origin: 'https://api.example' }
      expect((await sockets.request('POST', '/api/v1/login/', origin, credentials)).status).toBe(
        200,
      )
    })

    it('are not needed', async () => {
      const { headers } = await sockets.request('POST', '/api/v1/login/', {}, credentials)
      expect(headers['set-cookie']).not.toContain('Secure')
      expect(headers).not.toHaveProperty('strict-transport-security')
    })

    it('that nobody trusts are not believed', async () => {
      for (const trusted of ['', '192.0.2.0/24']) {
        const plain = await createWorld(engine, { POINTSMAN_TRUSTED_PROXIES: trusted })
        const { headers } = await plain.ask(
          'nobody',
          'POST',
          '/api/v1/login/',
          credentials,
          forwarded,
        )
        expect(headers['set-cookie']).not.toContain('Secure')
        expect(headers).not.toHaveProperty('strict-transport-security')
        const origin = { ...forwarded, origin: 'https://api.example' }
        expectRefusal(await plain.ask('nobody', 'POST', '/api/v1/login/', credentials, origin), 403)
        await plain.close()
      }
    })
  })
})
