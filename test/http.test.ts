import { readFileSync } from 'node:fs'
import { maxHeaderSize } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errorCodes } from '../src/errors.ts'
import { engines } from './engines.ts'
import {
  type Answer,
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
const bodyBytesMax = 4_096

/** An answer read from a socket, byte for byte. */
interface Raw {
  status: number
  headers: Record<string, string>
  body: string
}

function parseRaw(text: string): Raw {
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
  let port: number
  let token: string
  beforeAll(async () => {
    world = await createWorld(engine, {
      POINTSMAN_TRUSTED_PROXIES: '127.0.0.1',
      POINTSMAN_BODY_BYTES_MAX: String(bodyBytesMax),
    })
    await world.app.listen({ port: 0, host: '127.0.0.1' })
    port = (world.app.server.address() as AddressInfo).port
    const { body } = await world.ask('groupAdmin', 'POST', '/api/v1/tokens/', { name: 'socket' })
    token = body.token
  })
  afterAll(() => world.close())

  /** Sends bytes on a socket of their own and reads until the server closes it. */
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

  function request(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body: string | Buffer = '',
  ) {
    const all = {
      host: 'localhost',
      connection: 'close',
      authorization: `Bearer ${token}`,
      ...(body.length > 0 && { 'content-length': String(Buffer.byteLength(body)) }),
      ...headers,
    }
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
    return send(`${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, body)
  }

  function expectRawRefusal({ status, headers, body }: Raw, wanted: number, code = wanted) {
    const { errors, requestId } = JSON.parse(body)
    expect({ status, code: errors[0].code }).toEqual({ status: wanted, code })
    expect(errors).toHaveLength(1)
    expect(requestId).toBe(headers['x-request-id'])
    expect(requestId).toMatch(/^[\w-]{5,}$/)
    expectSecured(headers)
  }

  function expectSecured(headers: Record<string, unknown>) {
    expect(headers).toMatchObject({
      'cache-control': 'private, no-cache',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    })
    expect(headers).not.toHaveProperty('x-powered-by')
    expect(headers).not.toHaveProperty('server')
  }

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
        const answer = await request(method, path, headers)
        expect(answer.status).toBe(status)
        expectSecured(answer.headers)
        expect(answer.headers['x-request-id']).toMatch(/^[\w-]{5,}$/)
      },
    )

    it('an id of its own', async () => {
      const given = { 'x-request-id': 'mine', 'request-id': 'mine' }
      const answers = await Promise.all([1, 2, 3].map(() => request('GET', setting, given)))
      const ids = answers.map(({ headers }) => headers['x-request-id'])
      expect(new Set(ids).size).toBe(3)
      expect(ids).not.toContain('mine')
    })

    it('a page that may load what the documentation needs and nothing else', async () => {
      const { headers, body } = await request('GET', '/docs/')
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
    ])('with %s is refused in our shape', async (_, text) => {
      expectRawRefusal(await send(text), 400, 2)
    })

    it('with headers that are too large is refused in our shape', async () => {
      const answer = await request('GET', setting, { 'x-large': 'x'.repeat(maxHeaderSize + 1) })
      expectRawRefusal(answer, 431)
    })
  })

  describe('a path', () => {
    it('may have its ids percent-encoded, in any case, with or without their domain', async () => {
      const paths = ['APIOTestRP%40sip.netaxis.be', 'apiotestrp@SIP.netaxis.be', '%41PIOTestRP']
      for (const id of paths) {
        const path = `/api/v1/tenants/FOOtenant/groups/foo%67roup/services/route_points/${id}`
        expect((await request('GET', `${path}/bounced_call`)).status, id).toBe(200)
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
        const answer = await request('GET', path)
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
      const answer = await request('GET', String(headers.location))
      expect(JSON.parse(answer.body).userId).toBe(userId)
      const longer = encodeURIComponent('😀'.repeat(300))
      expectRawRefusal(await request('GET', `${users}${longer}/`), 404)
      expectRawRefusal(await request('GET', `${users}${'x'.repeat(9_000)}/`), 404)
    })

    it.each(['%zz', '%', '%C3%28', '%00', 'a%00b'])('that holds %s is refused', async (id) => {
      expectRawRefusal(await request('GET', `${users}${id}/`), 400, 2)
    })

    it('that holds NUL in its query is refused', async () => {
      expectRawRefusal(await request('GET', `${users}?insensitiveUserIdContains=%00`), 400, 2)
    })

    it('has one slash between its parts', async () => {
      expectRawRefusal(await request('GET', `/${setting}`), 404)
      expectRawRefusal(await request('GET', `${setting}/`), 404)
    })

    it('minds its case outside of ids', async () => {
      expectRawRefusal(await request('GET', setting.replace('/api/', '/API/')), 404)
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
      ['', 200],
      ['text/html', 406],
      ['text/*', 406],
      ['application/json;q=0', 406],
      ['*/*;q=0', 406],
      ['application/json;q=0, */*', 406],
      ['application/jsonx', 406],
    ])('%j is answered with %i', async (accept, status) => {
      expect((await request('GET', setting, { accept })).status).toBe(status)
    })

    it('is looked at after who asks and what about', async () => {
      const accept = { accept: 'text/html' }
      expectRefusal(await world.ask('nobody', 'GET', setting, undefined, accept), 401)
      expectRefusal(await world.ask('siblingAdmin', 'GET', setting, undefined, accept), 404)
      expectRefusal(await world.ask('endUser', 'GET', setting, undefined, accept), 403)
    })
  })

  describe('Content-Type', () => {
    const body = '{"numberOfRingsBeforeBouncingCall":7}'

    it.each([
      undefined,
      '',
      'application/json',
      '"application/json"',
      '"application/json; charset=utf-8"',
      '"application/json"; charset=utf-8',
      'application/json; charset=utf-8',
      'application/json;charset=UTF-8',
      'Application/JSON',
    ])('%j is JSON', async (type) => {
      const headers = type === undefined ? {} : { 'content-type': type }
      const answer = await request('PUT', setting, headers, body)
      expect(answer.body).toContain('"numberOfRingsBeforeBouncingCall":7')
      expect(answer.status).toBe(200)
    })

    it.each([
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'application/xml',
      'application/jsonx',
      'nonsense',
      '"text/plain"',
    ])('%j is refused, and nothing is written', async (type) => {
      await expectUnchanged(world, async () => {
        const headers = { 'content-type': type }
        expectRawRefusal(await request('PUT', setting, headers, '{"active":true}'), 415)
      })
    })
  })

  describe('a body', () => {
    async function put(body: string | Buffer): Promise<Answer> {
      return world.ask('groupAdmin', 'PUT', setting, body)
    }

    it('may be as large as configured, and no larger', async () => {
      const fill = (length: number) => `{"active":false${' '.repeat(length - 16)}}`
      expect(fill(bodyBytesMax)).toHaveLength(bodyBytesMax)
      expect((await request('PUT', setting, {}, fill(bodyBytesMax))).status).toBe(200)
      await expectUnchanged(world, async () => {
        const large = fill(bodyBytesMax + 1).replace('false', ' true')
        expectRawRefusal(await request('PUT', setting, {}, large), 413)
        const chunked =
          `PUT ${setting} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n` +
          `Authorization: Bearer ${token}\r\nTransfer-Encoding: chunked\r\n\r\n` +
          `${large.length.toString(16)}\r\n${large}\r\n0\r\n\r\n`
        expectRawRefusal(await send(chunked), 413)
        const promised = { 'content-length': '1000000000' }
        expectRawRefusal(await request('PUT', setting, promised), 413)
      })
    })

    it('may come in chunks', async () => {
      const chunked =
        `PUT ${setting} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n` +
        `Authorization: Bearer ${token}\r\nTransfer-Encoding: chunked\r\n\r\n` +
        '9\r\n{"active"\r\n7\r\n:false}\r\n0\r\n\r\n'
      expect((await send(chunked)).status).toBe(200)
    })

    it.each([
      ['', 'The body must be a JSON object.'],
      ['[]', 'The body must be a JSON object.'],
      ['"x"', 'The body must be a JSON object.'],
      ['null', 'The body must be a JSON object.'],
      ['{"active":true', 'The body is not valid JSON.'],
      ['{"active":true}x', 'The body is not valid JSON.'],
      ["{'active':true}", 'The body is not valid JSON.'],
      ['{"active":true,}', 'The body is not valid JSON.'],
      ['{"active":NaN}', 'The body is not valid JSON.'],
      ['{"active":"\t"}', 'The body is not valid JSON.'],
    ])('%j is refused: %s', async (body, message) => {
      await expectUnchanged(world, async () => {
        expectRefusal(await put(body), 400, [{ code: 2, message }])
      })
    })

    it.each([
      ['{"active":true,"active":false}', 'active', 'given twice'],
      ['{"active":true,"\\u0061ctive":false}', 'active', 'given twice'],
      ['{"a":{"b":1,"b":2}}', 'b', 'given twice'],
      ['{"a":[{"b":1,"c":",","b":2}]}', 'b', 'given twice'],
      ['{"__proto__":{"active":true}}', '__proto__', 'unknown'],
      ['{"\\u005f_proto__":1}', '__proto__', 'unknown'],
      ['{"constructor":{"prototype":{"active":true}}}', 'constructor', 'unknown'],
      ['{"prototype":1}', 'prototype', 'unknown'],
    ])('%s is refused: %s is %s', async (body, parameter, what) => {
      await expectUnchanged(world, async () => {
        const message = `The '${parameter}' field is ${what}.`
        expectRefusal(await put(body), 400, [{ code: 2, parameter, message }])
      })
    })

    it.each([
      '__proto__.toString',
      '__proto__[0]',
      'constructor.prototype.toString',
      'toString',
      'hasOwnProperty',
      'valueOf.call',
    ])('with a member called %s is refused, and the program keeps its own', async (member) => {
      const before = Reflect.ownKeys(Object.prototype)
      expectRefusal(await put(JSON.stringify({ [member]: 1 })), 400, [
        { code: 2, parameter: member, message: `The '${member}' field is unknown.` },
      ])
      const credentials = { username: 'x', password: 'y', [member]: 1 }
      const answer = await world.ask('nobody', 'POST', '/api/v1/login/', credentials)
      expectRefusal(answer, 400, [{ code: 2, parameter: member }])
      expect(Reflect.ownKeys(Object.prototype)).toEqual(before)
    })

    it('says the same thing twice where it is not the same place', async () => {
      const answer = await put('{"active":false,"enableTransfer":false}')
      expect(answer.status).toBe(200)
      const nested = '{"a":{"x":1},"b":{"x":1},"c":["x","x"],"d":{"e":"x"},"x":"a"}'
      const { body } = await put(nested)
      expect(body.errors.map((error: { parameter: string }) => error.parameter)).toEqual([
        'a',
        'b',
        'c',
        'd',
        'x',
      ])
    })

    it.each([
      ['[', ']'],
      ['{"a":', '}'],
    ])('may not be nested without end, in %s%s', async (open, close) => {
      const deep = (depth: number) => `${open.repeat(depth)}1${close.repeat(depth)}`
      const message = 'The body is nested deeper than 20 levels.'
      expectRefusal(await put(deep(21)), 400, [{ code: 2, message }])
      expect((await put(deep(20))).body.errors[0].message).not.toBe(message)
    })

    it('of 100,000 brackets does not stop the program', async () => {
      const large = await createWorld(engine)
      try {
        for (const body of ['['.repeat(100_000), `${'['.repeat(100_000)}${']'.repeat(100_000)}`]) {
          const { status } = await large.ask('groupAdmin', 'PUT', setting, body)
          expect(status).toBe(400)
        }
        const list = { audioFileList: Array.from({ length: 10_000 }, () => ({ name: '\u0001' })) }
        const url = `${routePoint}forced_forwarding/`
        const answer = await large.ask('groupAdmin', 'PUT', url, list)
        expect(answer.status).toBe(400)
        expect(answer.body.errors.length).toBeLessThanOrEqual(100)
      } finally {
        await large.close()
      }
    })

    it.each([
      ['5.0', 200],
      ['5e0', 200],
      ['0.5e1', 200],
      ['5.5', 400],
      ['1e400', 400],
      ['-1e400', 400],
      ['1e-400', 400],
      ['9007199254740993', 400],
      ['"5"', 400],
      ['true', 400],
    ])('with the number %s is answered with %i', async (number, status) => {
      const answer = await put(`{"numberOfRingsBeforeBouncingCall":${number}}`)
      expect(answer.status).toBe(status)
      if (status === 200) expect(answer.text).toContain('"numberOfRingsBeforeBouncingCall":5,')
    })

    it('may begin with a byte order mark', async () => {
      expect((await put('\ufeff{"active":false}')).status).toBe(200)
    })

    it.each([
      ['a byte that begins nothing', [0xff]],
      ['half a character', [0xc3]],
      ['an overlong character', [0xc0, 0xaf]],
      ['a surrogate', [0xed, 0xa0, 0x80]],
      ['Latin-1', [0xe9]],
    ])('that is not UTF-8 but %s is refused, never replaced', async (_, bytes) => {
      const department = `${group}departments/`
      await expectUnchanged(world, async () => {
        const body = Buffer.concat([
          Buffer.from('{"departmentName":"caf'),
          Buffer.from(bytes),
          Buffer.from('"}'),
        ])
        const answer = await world.ask('groupAdmin', 'POST', department, body)
        expectRefusal(answer, 400, [{ code: 2, message: 'The body is not valid UTF-8.' }])
      })
    })

    it('of a GET is not looked at', async () => {
      expect((await request('GET', setting, {}, '{"active":true}')).status).toBe(200)
      expect((await request('GET', setting, { 'content-type': 'text/plain' }, 'x')).status).toBe(
        200,
      )
    })

    it('of a DELETE changes nothing of it', async () => {
      const url = `${group}departments/`
      await world.ask('groupAdmin', 'POST', url, { departmentName: 'Short-lived' })
      const answer = await request('DELETE', `${url}Short-lived/`, {}, '{"any":"thing"}')
      expect(answer).toMatchObject({ status: 200, body: '{}' })
    })

    it('is told everything that is wrong with it at once', async () => {
      const body = {
        userId: 'x'.repeat(200),
        firstName: '',
        lastName: 5,
        phoneNumber: 'none',
        extension: '1',
        emailAddress: 'nowhere',
        department: { departmentName: 'Nowhere', surprise: 1 },
        language: '\u0007',
        password: 'short',
        surprise: true,
      }
      await expectUnchanged(world, async () => {
        const answer = await world.ask('groupAdmin', 'POST', users, body)
        expect(answer.status).toBe(400)
        const parameters = answer.body.errors.map(
          ({ parameter }: { parameter: string }) => parameter,
        )
        expect(parameters.sort()).toEqual(
          [
            ...Object.keys(body).filter((key) => key !== 'department'),
            'department.departmentName',
            'department.surprise',
          ].sort(),
        )
      })
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
        const answer = await request('GET', setting, { 'if-none-match': known })
        expect(answer, known).toMatchObject({ status: 304, body: '' })
        expect(answer.headers.etag).toBe(tag)
      }
      const head = await request('HEAD', setting, { 'if-none-match': tag })
      expect(head.status).toBe(304)
      for (const known of ['"a"', tag.replaceAll('"', ''), '']) {
        expect((await request('GET', setting, { 'if-none-match': known })).status, known).toBe(200)
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
    const get = await request('GET', setting)
    const head = await request('HEAD', setting)
    expect(head).toMatchObject({ status: 200, body: '' })
    for (const name of ['etag', 'content-length', 'content-type']) {
      expect(head.headers[name]).toBe(get.headers[name])
    }
    expect(await request('HEAD', `${users}nobody/`)).toMatchObject({ status: 404, body: '' })
  })

  it('keeps a connection open for the next request, also after a refusal', async () => {
    const one = `GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n`
    const last = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
    const { status, body } = await send(one, last)
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
      const { headers } = await request('POST', '/api/v1/login/', forwarded, credentials)
      expect(headers['set-cookie']).toMatch(/; Secure$/)
      expect(headers['strict-transport-security']).toBe('max-age=31536000')
      const refusal = await request('GET', '/nowhere', forwarded)
      expect(refusal.headers['strict-transport-security']).toBe('max-age=31536000')
    })

    it('tell by which name a browser knows the service when they are trusted', async () => {
      const origin = { ...forwarded, origin: 'https://api.example' }
      expect((await request('POST', '/api/v1/login/', origin, credentials)).status).toBe(200)
    })

    it('are not needed', async () => {
      const { headers } = await request('POST', '/api/v1/login/', {}, credentials)
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

  describe('a list', () => {
    const names = [
      '%',
      '_',
      "O'Brien",
      'back\\slash',
      'Élodie',
      'ΟΔΟΣ',
      'Zoë',
      'zoo',
      'İzmir',
      'a?b',
    ]

    beforeAll(async () => {
      for (const [index, name] of names.entries()) {
        const person = { userId: `list${index}`, firstName: name, lastName: `L${index % 3}` }
        expect((await world.ask('groupAdmin', 'POST', users, person)).status).toBe(201)
      }
    })

    async function list(query: string): Promise<Answer> {
      return world.ask('groupAdmin', 'GET', `${users}?${query}`)
    }

    async function firstNames(parameters: Record<string, string>): Promise<string[]> {
      const { body } = await list(new URLSearchParams(parameters).toString())
      return body.users.map(({ firstName }: { firstName: string }) => firstName)
    }

    it.each([
      ['surprise=1', 'surprise'],
      ['insensitiveSurpriseContains=x', 'insensitiveSurpriseContains'],
      ['insensitiveFirstnameContains=x', 'insensitiveFirstnameContains'],
      ['insensitiveFirstNameLike=x', 'insensitiveFirstNameLike'],
      ['sensitiveconstructorEquals=x', 'sensitiveconstructorEquals'],
      ['sensitive__proto__Equals=x', 'sensitive__proto__Equals'],
      ['startIndex=0', 'startIndex'],
      ['startIndex=-1', 'startIndex'],
      ['startIndex=1.5', 'startIndex'],
      ['startIndex=', 'startIndex'],
      ['startIndex=99999999999999999999', 'startIndex'],
      ['pageSize=0', 'pageSize'],
      ['pageSize=1001', 'pageSize'],
      ['pageSize=ten', 'pageSize'],
      ['sortOrders=FirstName', 'sortOrders'],
      ['sortOrders=insensitiveAscendingSurprise', 'sortOrders'],
      ['sortOrders=insensitiveAscendingFirstName;DROP TABLE users', 'sortOrders'],
    ])('refuses ?%s', async (query, parameter) => {
      expectRefusal(await list(query), 400, [{ code: 2, parameter }])
    })

    it('names all that is wrong with its query', async () => {
      const { body } = await list('surprise=1&pageSize=0&sortOrders=x')
      expect(body.errors.map((error: { parameter: string }) => error.parameter)).toEqual([
        'surprise',
        'pageSize',
        'sortOrders',
      ])
    })

    it.each(names)(
      'finds %j as it is written, no character having a meaning of its own',
      async (name) => {
        for (const filter of ['Equals', 'Contains', 'Starts']) {
          expect(await firstNames({ [`sensitiveFirstName${filter}`]: name })).toEqual([name])
          expect(await firstNames({ [`insensitiveFirstName${filter}`]: name })).toContain(name)
        }
      },
    )

    it.each([
      ['ÉLO', 'Élodie'],
      ['e\u0301lo', 'Élodie'],
      ['οδος', 'ΟΔΟΣ'],
      ['οδοσ', 'ΟΔΟΣ'],
      ['Οδος', 'ΟΔΟΣ'],
      ['ZOË', 'Zoë'],
    ])('finds %s without regard to case as %s', async (given, found) => {
      expect(await firstNames({ insensitiveFirstNameStarts: given })).toEqual([found])
      expect(await firstNames({ sensitiveFirstNameStarts: given.normalize('NFD') })).toEqual([])
    })

    it('does not find what folds to something else', async () => {
      expect(await firstNames({ insensitiveFirstNameContains: 'elo' })).toEqual([])
      expect(await firstNames({ insensitiveFirstNameEquals: 'zo' })).toEqual([])
    })

    it('takes all filters together', async () => {
      const both = { insensitiveFirstNameStarts: 'zo', sensitiveLastNameEquals: 'L1' }
      expect(await firstNames(both)).toEqual(['zoo'])
    })

    it('leads through its pages by Link, each item once, with the total on each', async () => {
      const seen: string[] = []
      let url: string | undefined =
        `${users}?pageSize=3&insensitiveUserIdStarts=list&sortOrders=insensitiveDescendingLastName`
      const sizes: number[] = []
      while (url !== undefined) {
        const answer: Answer = await world.ask('groupAdmin', 'GET', url)
        expect(answer.headers['x-total-count']).toBe(String(names.length))
        const page = answer.body.users as { userId: string; lastName: string }[]
        sizes.push(page.length)
        seen.push(...page.map(({ userId, lastName }) => `${lastName} ${userId}`))
        url = /^<([^>]+)>; rel="next"$/.exec(String(answer.headers.link ?? ''))?.[1]
      }
      expect(sizes).toEqual([3, 3, 3, 1])
      expect(new Set(seen).size).toBe(names.length)
      const lastNames = seen.map((one) => one.slice(0, 2))
      expect(lastNames).toEqual([...lastNames].sort().reverse())
    })

    it('keeps every parameter in the link to the next page', async () => {
      const { headers } = await list(
        'pageSize=1&insensitiveUserIdContains=is?t&insensitiveUserIdStarts=l',
      )
      expect(headers).not.toHaveProperty('link')
      const other = await list(
        'pageSize=1&insensitiveFirstNameContains=?&insensitiveUserIdStarts=list',
      )
      expect(other.body.users).toHaveLength(1)
      const more = await list(
        'pageSize=2&sortOrders=sensitiveAscendingFirstName&insensitiveUserIdStarts=list',
      )
      const next = new URL(
        String(more.headers.link).slice(1).split('>')[0] ?? '',
        'http://localhost',
      )
      expect(Object.fromEntries(next.searchParams)).toEqual({
        pageSize: '2',
        startIndex: '3',
        sortOrders: 'sensitiveAscendingFirstName',
        insensitiveUserIdStarts: 'list',
      })
    })

    it('has nothing past its end', async () => {
      const { body, headers } = await list('startIndex=1000')
      expect(body).toEqual({ users: [] })
      expect(Number(headers['x-total-count'])).toBeGreaterThan(names.length)
      expect(headers).not.toHaveProperty('link')
    })

    it('is in the order of its keys unless told', async () => {
      const { body } = await list('insensitiveUserIdStarts=list')
      const ids = body.users.map(({ userId }: { userId: string }) => userId)
      expect(ids).toEqual([...ids].sort())
    })
  })
})
