import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from './engines.ts'
import { expectRawRefusal, openSockets, type Sockets } from './sockets.ts'
import {
  type Answer,
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  routePoint,
  type World,
} from './world.ts'

const setting = `${routePoint}bounced_call/`
const users = `${group}users/`
const bodyBytesMax = 4_096

describe.each(engines)('bodies on $name', (engine) => {
  let world: World
  let sockets: Sockets
  beforeAll(async () => {
    world = await createWorld(engine, { POINTSMAN_BODY_BYTES_MAX: String(bodyBytesMax) })
    sockets = await openSockets(world)
  })
  afterAll(() => world.close())

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
      const answer = await sockets.request('PUT', setting, headers, body)
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
        expectRawRefusal(await sockets.request('PUT', setting, headers, '{"active":true}'), 415)
      })
    })

    it('says nothing where no body follows', async () => {
      const headers = { 'content-type': 'text/plain' }
      const code = `${setting.replace('bounced_call', 'disposition_codes')}unknown/`
      expect((await sockets.request('DELETE', code, headers)).status).toBe(200)
      expect((await sockets.request('DELETE', code, headers, '')).status).toBe(200)
      expectRawRefusal(await sockets.request('PUT', setting, headers), 400, 2)
    })
  })

  describe('a body', () => {
    async function put(body: string | Buffer): Promise<Answer> {
      return world.ask('groupAdmin', 'PUT', setting, body)
    }

    it('may be as large as configured, and no larger', async () => {
      const fill = (length: number) => `{"active":false${' '.repeat(length - 16)}}`
      expect(fill(bodyBytesMax)).toHaveLength(bodyBytesMax)
      expect((await sockets.request('PUT', setting, {}, fill(bodyBytesMax))).status).toBe(200)
      await expectUnchanged(world, async () => {
        const large = fill(bodyBytesMax + 1).replace('false', ' true')
        expectRawRefusal(await sockets.request('PUT', setting, {}, large), 413)
        expectRawRefusal(await sockets.requestInChunks('PUT', setting, [large]), 413)
        const promised = { 'content-length': '1000000000' }
        expectRawRefusal(await sockets.request('PUT', setting, promised), 413)
        expectRawRefusal(await sockets.request('POST', '/api/v1/login/', {}, large), 413)
      })
    })

    it.each([
      ['too large', { 'content-length': String(bodyBytesMax + 1) }, 413],
      ['of another type', { 'content-type': 'text/plain', 'content-length': '9' }, 415],
    ])('that is %s is read to its end, so that the refusal arrives', async (_, headers, status) => {
      const body = Buffer.alloc(Number(headers['content-length']), 'x')
      const kept = { connection: 'keep-alive', ...headers }
      const last = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
      const answers = await sockets.request(
        'PUT',
        setting,
        kept,
        Buffer.concat([body, Buffer.from(last)]),
      )
      expect(answers.status).toBe(status)
      expect(answers.body).toMatch(/HTTP\/1\.1 200 OK[\s\S]*{"status":"ok"}$/)
    })

    it('may come in chunks', async () => {
      const chunks = ['{"active"', ':false}']
      expect((await sockets.requestInChunks('PUT', setting, chunks)).status).toBe(200)
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

    it('may not reach for a prototype even where nobody looks into it', async () => {
      const body = '{"username":"x","password":"y","provide_basic_profile":{"__proto__":{"a":1}}}'
      const answer = await world.ask('nobody', 'POST', '/api/v1/login/', body)
      expectRefusal(answer, 400, [{ code: 2, parameter: '__proto__' }])
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
      expect((await sockets.request('GET', setting, {}, '{"active":true}')).status).toBe(200)
      expect(
        (await sockets.request('GET', setting, { 'content-type': 'text/plain' }, 'x')).status,
      ).toBe(200)
    })

    it('of a DELETE changes nothing of it', async () => {
      const url = `${group}departments/`
      await world.ask('groupAdmin', 'POST', url, { departmentName: 'Short-lived' })
      const answer = await sockets.request('DELETE', `${url}Short-lived/`, {}, '{"any":"thing"}')
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
})
