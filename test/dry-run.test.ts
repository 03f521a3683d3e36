import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from './engines.ts'
import {
  everyWrite,
  expectExampleOfEach,
  expectNothingStored,
  finalWrites,
  send,
  thoughts,
  withExamples,
} from './every-write.ts'
import { createObservedWorld, type ObservedWorld } from './observed-world.ts'
import { expectRefusal, group, type Person, routePoint } from './world.ts'

const overflow = `${routePoint}overflow/`

describe.each(engines)('a dry run on $name', (engine) => {
  let world: ObservedWorld
  beforeAll(async () => {
    world = await createObservedWorld(engine)
  })
  afterAll(() => world.close())

  const tried = (path: string) => `${path}?dryRun=true`

  it('is tried below for every writing operation that there is, or refused', () => {
    expectExampleOfEach(world.routes)
  })

  it.each([...thoughts, ...finalWrites])(
    'D8 is refused where its answer could not be kept: $method $path',
    async (write) => {
      await expectNothingStored(world, async () => {
        const answer = await send(world, write, { query: 'dryRun=true' })
        expectRefusal(answer, 400, [{ code: 2, parameter: 'dryRun' }])
        expect(answer.headers['set-cookie']).toBeUndefined()
      })
    },
  )

  it('D3 tells all that stands against the request, as the write itself does', async () => {
    const refused: [method: string, path: string, body?: object][] = [
      ['PUT', overflow, { action: 'Transfer', timeoutSeconds: 7_201, surprise: 1 }],
      ['POST', `${group}departments/`, { departmentName: 'Sales' }],
      ['POST', `${group}users/`, { userId: 'x', department: { departmentName: 'Nowhere' } }],
      ['PUT', `${group}users/none/`, { firstName: 'A' }],
      ['DELETE', `${group}users/none/`],
      ['DELETE', `${group}departments/Sales/`],
      ['DELETE', group],
      ['PUT', overflow, '[]' as never],
      ['POST', `${group}announcements/`, { name: 'Noise', content: 'AAAA' }],
    ]
    await expectNothingStored(world, async () => {
      for (const [method, path, body] of refused) {
        const [dry, real] = [
          await world.ask('system', method, tried(path), body),
          await world.ask('system', method, path, body),
        ]
        expect(real.status, path).toBeGreaterThanOrEqual(400)
        const { status, errors } = { status: dry.status, errors: dry.body.errors }
        expect({ path, status, errors }).toEqual({
          path,
          status: real.status,
          errors: real.body.errors,
        })
      }
    })
  })

  it('D4 is judged by If-Match and If-None-Match', async () => {
    const { etag } = (await world.ask('system', 'GET', overflow)).headers
    const change = { timeoutSeconds: 77 }
    const ask = (headers: Record<string, string>) =>
      world.ask('groupAdmin', 'PUT', tried(overflow), change, headers)
    await expectNothingStored(world, async () => {
      expectRefusal(await ask({ 'if-match': '"another state"' }), 412)
      expectRefusal(await ask({ 'if-none-match': '*' }), 412)
      const { status, headers, body } = await ask({ 'if-match': String(etag) })
      expect({ status, body }).toMatchObject({ status: 200, body: change })
      expect(headers.etag).not.toBe(etag)
      // The state is still the one that it was.
      expect((await ask({ 'if-match': String(etag) })).status).toBe(200)
      expectRefusal(await ask({ 'if-match': String(headers.etag) }), 412)
    })
  })

  const strangers: [Person, string, number][] = [
    ['nobody', overflow, 401],
    ['endUser', overflow, 403],
    ['departmentAdmin', overflow, 403],
    ['siblingAdmin', overflow, 404],
    ['otherTenantAdmin', overflow, 404],
    // The department that bounds what they write is found in the write alone.
    ['departmentAdmin', `${group}users/`, 403],
  ]
  it.each(strangers)('D5 is none of %s’s at %s: %i', async (who, path, status) => {
    await expectNothingStored(world, async () => {
      const method = path === overflow ? 'PUT' : 'POST'
      const body =
        method === 'PUT' ? { timeoutSeconds: 5 } : { userId: 'x', firstName: 'A', lastName: 'B' }
      expectRefusal(await world.ask(who, method, tried(path), body), status)
    })
  })

  it.each(['', '=', '=1', '=TRUE', '=yes', '=true&dryRun=true', '=true&dryRun=false', '=%20true'])(
    'D7 is refused when dryRun%s leaves it open whether it is one',
    async (value) => {
      await expectNothingStored(world, async () => {
        const answer = await world.ask('system', 'PUT', `${overflow}?dryRun${value}`, {
          timeoutSeconds: 5,
        })
        expectRefusal(answer, 400, [{ code: 2, parameter: 'dryRun' }])
        const deletion = await world.ask('system', 'DELETE', `${routePoint}?dryRun${value}`)
        expectRefusal(deletion, 400, [{ code: 2, parameter: 'dryRun' }])
      })
    },
  )

  it('D9 means nothing to a read', async () => {
    for (const path of [overflow, `${group}users/`]) {
      const answer = await world.ask('system', 'GET', tried(path))
      expectRefusal(answer, 400, [{ code: 2, parameter: 'dryRun' }])
    }
  })

  it('R16 keeps no Idempotency-Key and looks none up', async () => {
    const key = { 'idempotency-key': 'a-key-of-dry-and-real-runs' }
    const path = `${routePoint}dnis_config/`
    const ask = (url: string, displayDNISName: boolean) =>
      world.ask('groupAdmin', 'PUT', url, { displayDNISName }, key)
    await expectNothingStored(world, async () => {
      expect((await ask(tried(path), true)).status).toBe(200)
    })
    // A real run under the same key is done, and a dry run afterwards is not answered by it.
    const real = await ask(path, false)
    expect(real.headers['idempotent-replay']).toBeUndefined()
    await expectNothingStored(world, async () => {
      for (const value of [true, false]) {
        const { status, headers, body } = await ask(tried(path), value)
        expect({ status, body }).toMatchObject({ status: 200, body: { displayDNISName: value } })
        expect(headers['dry-run']).toBe('true')
        expect(headers['idempotent-replay']).toBeUndefined()
      }
    })
    expect((await ask(path, false)).headers['idempotent-replay']).toBe('true')
  })

  it('of many at once disturbs no write', async () => {
    const path = `${routePoint}bounced_call/`
    const asked = Array.from({ length: 40 }, (_, index) => {
      const isDry = index % 2 === 0
      const rings = { numberOfRingsBeforeBouncingCall: isDry ? 9 : 1 + (index % 7) }
      return world.ask('groupAdmin', 'PUT', isDry ? tried(path) : path, rings)
    })
    for (const answer of await Promise.all(asked)) expect(answer.status, answer.text).toBe(200)
    const { body } = await world.ask('groupAdmin', 'GET', path)
    expect(body.numberOfRingsBeforeBouncingCall).not.toBe(9)
  })

  it('D1, D2, D6 stores nothing, and answers what each write then answers', {
    timeout: 120_000,
  }, async () => {
    const writes = await withExamples(world, everyWrite)
    for (const write of writes) {
      const name = `${write.method} ${write.path}`
      const dry = await expectNothingStored(world, () =>
        send(world, write, { query: 'dryRun=true' }),
      )
      expect(dry.status, `${name} ${dry.text}`).toBeLessThan(300)
      expect(dry.headers['dry-run'], name).toBe('true')
      expect(dry.headers.location, name).toBeUndefined()
      const real = await send(world, write, { query: 'dryRun=false' })
      expect(real.headers['dry-run'], name).toBeUndefined()
      const shown = ({ status, text, headers }: typeof real) => ({
        name,
        status,
        text,
        etag: headers.etag,
        type: headers['content-type'],
      })
      expect(shown(dry)).toEqual(shown(real))
      expect(real.headers.location !== undefined, name).toBe(real.status === 201)
    }
  })
})
