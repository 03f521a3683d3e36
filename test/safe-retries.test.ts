import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sql, type Transaction } from '../src/database/database.ts'
import { wave, waveFile } from './audio.ts'
import { engines } from './engines.ts'
import {
  everything,
  everyWrite,
  expectExampleOfEach,
  expectNothingStored,
  send,
  withExamples,
} from './every-write.ts'
import { encodeForm } from './form.ts'
import { createObservedWorld, type ObservedWorld } from './observed-world.ts'
import { changes, expectReplay, isReplay, must, named, newKey } from './retries.ts'
import {
  type Answer,
  expectRefusal,
  group,
  type Person,
  password,
  routePoint,
  siblingGroup,
} from './world.ts'

const dnis = `${routePoint}dnis/`
const overflow = `${routePoint}overflow/`
const users = `${group}users/`
const person = { firstName: 'Test', lastName: 'Person' }

describe.each(engines)('a retry with an Idempotency-Key on $name', (engine) => {
  let world: ObservedWorld
  beforeAll(async () => {
    world = await createObservedWorld(engine)
  })
  afterAll(() => world.close())

  /** Lets writes fail in their last moment, when their answers are to be kept, while `act` runs. */
  async function whileNothingIsKept<Result>(act: () => Promise<Result>): Promise<Result> {
    const { database } = world
    const { write } = database
    database.write = (change, guard) =>
      write.call(
        database,
        (transaction) => {
          const failing = Object.create(transaction) as Transaction
          failing.run = (statement, ...values) => {
            if (statement.text.includes('INTO kept_answers')) throw new Error('Not kept.')
            return transaction.run(statement, ...values)
          }
          return change(failing)
        },
        guard,
      ) as never
    try {
      return await act()
    } finally {
      database.write = write
    }
  }

  describe('that is new', () => {
    it('R1 is done, and kept with what it changes: both or neither', async () => {
      const key = newKey()
      const ask = () => world.ask('groupAdmin', 'POST', dnis, { name: 'Both' }, named(key))
      await expectNothingStored(world, async () => {
        expectRefusal(await whileNothingIsKept(ask), 500)
      })
      const before = await changes(world)
      const first = await ask()
      expect(first.status).toBe(201)
      expect(isReplay(first)).toBe(false)
      expectReplay(await ask(), first)
      expect(await changes(world)).toBe(before + 1)
    })

    it('R8 is forgotten when the request is refused', async () => {
      const key = newKey()
      const wrong: [Person, string, string, object | string, Record<string, string>, number][] = [
        ['groupAdmin', 'PUT', overflow, { timeoutSeconds: 7_201 }, {}, 400],
        ['groupAdmin', 'PUT', overflow, '{', {}, 400],
        ['groupAdmin', 'PUT', overflow, {}, { 'if-match': '"no such state"' }, 412],
        ['groupAdmin', 'PUT', `${users}none/`, { firstName: 'A' }, {}, 404],
        ['groupAdmin', 'PUT', group, { groupName: 'Mine' }, {}, 403],
        ['groupAdmin', 'POST', `${group}departments/`, { departmentName: 'Sales' }, {}, 400],
        ['groupAdmin', 'PUT', overflow, 'x', { 'content-type': 'text/plain' }, 415],
        ['groupAdmin', 'DELETE', `${group}departments/Sales/`, {}, {}, 400],
      ]
      await expectNothingStored(world, async () => {
        for (const [who, method, url, body, headers, status] of wrong) {
          const answer = await world.ask(who, method, url, body, { ...headers, ...named(key) })
          expect(answer.status, `${method} ${url}`).toBe(status)
        }
      })
      const change = { timeoutSeconds: 720 }
      const mended = await world.ask('groupAdmin', 'PUT', overflow, change, named(key))
      expect(mended.body).toMatchObject(change)
      expect(isReplay(mended)).toBe(false)
    })

    it.each([
      '',
      '15-characters-0',
      'x'.repeat(256),
      '"15-characters-0"',
      `"${'x'.repeat(256)}"`,
      'not in one word at all',
      '"not in one word at all"',
      'in-quotes-that-end"',
      '"in-quotes-that-begin',
      'a-quote-"-inside-of-it',
      '"a-quote-\\"-inside-of-it"',
      'not-of-ASCII-äöüß',
      'two-keys-of-one-request,two-keys-of-one-request, another-key',
      'the-same-key-twice, the-same-key-twice',
      '"the-same-key-twice", "the-same-key-twice"',
      '"with-a-parameter";a=1',
      'a-tab-is-not-\t-visible',
    ])('R18 is refused, and nothing is done, when it is %j', async (key) => {
      const writes: [string, string, object][] = [
        ['POST', dnis, { name: 'Never' }],
        ['PUT', overflow, { timeoutSeconds: 3 }],
        ['DELETE', `${group}departments/Sales/`, {}],
        ['POST', '/api/v1/login/', { username: 'admin', password }],
        ['POST', '/api/v1/logout/', {}],
        ['POST', '/api/v1/password/', { oldPassword: password, newPassword: 'another sentence' }],
      ]
      await expectNothingStored(world, async () => {
        for (const [method, url, body] of writes) {
          const answer = await world.ask('groupAdmin', method, url, body, named(key))
          expectRefusal(answer, 400, [{ code: 2, parameter: 'Idempotency-Key' }])
          const dry = await world.ask('groupAdmin', method, `${url}?dryRun=true`, body, named(key))
          expect(dry.status).toBe(400)
        }
        expect((await world.ask('groupAdmin', 'GET', overflow, undefined, named(key))).status).toBe(
          200,
        )
      })
    })

    it.each(['x'.repeat(16), 'x'.repeat(255), "!#$%&'()*+,-./:;<=>?@[]^_`{|}~\\"])(
      'R18 is taken, bare or in quotes, when it is %s',
      async (key) => {
        const ask = (sent: string) =>
          world.ask('groupAdmin', 'PUT', overflow, { timeoutSeconds: 21 }, named(sent))
        const first = await ask(key)
        expect(first.status, first.text).toBe(200)
        expectReplay(await ask(`"${key}"`), first)
      },
    )
  })

  describe('of the same request', () => {
    it('R3 answers as at first when what was made has another name meanwhile, or is gone', async () => {
      const key = newKey()
      const ask = () => world.ask('groupAdmin', 'POST', dnis, { name: 'Made' }, named(key))
      const first = await ask()
      await must(world, 'groupAdmin', ['PUT', `${dnis}Made/`, { name: 'Renamed' }])
      await expectNothingStored(world, async () => expectReplay(await ask(), first))
      await must(world, 'groupAdmin', ['DELETE', `${dnis}Renamed/`])
      await expectNothingStored(world, async () => expectReplay(await ask(), first))
    })

    it('R3 answers as at first when what was renamed is not found under its old name', async () => {
      const key = newKey()
      await must(world, 'groupAdmin', ['POST', dnis, { name: 'Old' }])
      const ask = () => world.ask('groupAdmin', 'PUT', `${dnis}Old/`, { name: 'New' }, named(key))
      const first = await ask()
      await expectNothingStored(world, async () => expectReplay(await ask(), first))
      await must(world, 'groupAdmin', ['DELETE', `${dnis}New/`])
      await expectNothingStored(world, async () => expectReplay(await ask(), first))
    })

    it('R3 deletes nothing that was made anew meanwhile', async () => {
      const key = newKey()
      const create = () => must(world, 'groupAdmin', ['POST', dnis, { name: 'Again' }])
      await create()
      const ask = () => world.ask('groupAdmin', 'DELETE', `${dnis}Again/`, undefined, named(key))
      const first = await ask()
      await expectNothingStored(world, async () => expectReplay(await ask(), first))
      await create()
      await expectNothingStored(world, async () => expectReplay(await ask(), first))
    })

    it('R3 answers as at first when its collection or place is gone', async () => {
      const place = '/api/v1/tenants/footenant/groups/passing/'
      await must(world, 'system', [
        'POST',
        '/api/v1/tenants/footenant/groups/',
        { groupId: 'passing' },
      ])
      const rp = { serviceUserId: 'passing', serviceInstanceProfile: { name: 'Passing' } }
      await must(world, 'system', ['POST', `${place}services/route_points/`, rp])
      const below = `${place}services/route_points/passing@sip.netaxis.be/`
      const requests: [string, string, object][] = [
        ['POST', `${place}users/`, { userId: 'passer', ...person, password }],
        ['PUT', `${place}users/passer@sip.netaxis.be/`, { password: 'another sentence of mine' }],
        ['POST', `${place}announcements/`, { name: 'X', content: wave() }],
        ['PUT', `${place}announcements/X/`, { content: waveFile(0.2).toString('base64') }],
        ['PUT', `${below}overflow/`, { timeoutSeconds: 8 }],
        ['POST', `${below}dnis/`, { name: 'X' }],
        ['PUT', `${below}dnis_announcements/X/`, { mediaOnHoldForQueuedCalls: {} }],
        ['PUT', `${place}users/passer@sip.netaxis.be/services/call_centers/`, {}],
        ['DELETE', `${place}?deleteNonEmpty=1`, {}],
      ]
      const asked = requests.map(([method, url, body]) => {
        const key = newKey()
        return () => world.ask('tenantAdmin', method, url, body, named(key))
      })
      const answers: Answer[] = []
      for (const ask of asked) answers.push(await ask())
      expect(answers.map(({ status }) => status)).toEqual([
        201, 200, 201, 200, 200, 201, 200, 200, 200,
      ])
      await expectNothingStored(world, async () => {
        for (const [index, ask] of asked.entries())
          expectReplay(await ask(), answers[index] as Answer)
      })
    })

    it('R3 is not judged by its preconditions again', async () => {
      const key = newKey()
      const { etag } = (await world.ask('groupAdmin', 'GET', overflow)).headers
      const ask = (headers: Record<string, string>) =>
        world.ask(
          'groupAdmin',
          'PUT',
          overflow,
          { timeoutSeconds: 111 },
          { ...headers, ...named(key) },
        )
      const first = await ask({ 'if-match': String(etag) })
      expect(first.status, first.text).toBe(200)
      for (const headers of [{ 'if-match': String(etag) }, { 'if-none-match': '*' }, {}]) {
        await expectNothingStored(world, async () => expectReplay(await ask(headers), first))
      }
    })

    it('R4 does not undo what others did after it found nothing to change', async () => {
      const key = newKey()
      await must(world, 'groupAdmin', ['PUT', overflow, { timeoutSeconds: 40 }])
      const ask = () => world.ask('groupAdmin', 'PUT', overflow, { timeoutSeconds: 40 }, named(key))
      const first = await ask()
      await must(world, 'tenantAdmin', ['PUT', overflow, { timeoutSeconds: 41 }])
      await expectNothingStored(world, async () => expectReplay(await ask(), first))
      const gone = newKey()
      const code = `${routePoint}disposition_codes/LATER/`
      const remove = () => world.ask('groupAdmin', 'DELETE', code, undefined, named(gone))
      const nothing = await remove()
      expect(nothing.status).toBe(200)
      await must(world, 'groupAdmin', [
        'POST',
        `${routePoint}disposition_codes/`,
        { code: 'LATER' },
      ])
      await expectNothingStored(world, async () => expectReplay(await remove(), nothing))
    })

    it('R5 is known in whatever order and spelling its body comes', async () => {
      const key = newKey()
      const ask = (body: string, headers = {}) =>
        world.ask('groupAdmin', 'PUT', overflow, body, { ...named(key), ...headers })
      const first = await ask('{"timeoutSeconds":50,"audioFileList":[null,{"name":"Unmodify"}]}')
      expect(first.status, first.text).toBe(200)
      const spellings = [
        '{"audioFileList":[null,{"name":"Unmodify"}],"timeoutSeconds":50}',
        ' {\n "audioFileList" : [ null, {"name":"Unmod\\u0069fy"} ], "timeoutSeconds" : 5e1 }',
      ]
      for (const spelling of spellings) expectReplay(await ask(spelling), first)
      expectReplay(
        await ask(spellings[0] ?? '', { 'content-type': 'application/json; charset=utf-8' }),
        first,
      )
    })

    it('R5 is known as a form whatever its boundary is, and not with another file', async () => {
      const key = newKey()
      const ask = async (name: string, file: Buffer) => {
        const { body, headers } = await encodeForm([
          ['name', name],
          ['content', file],
        ])
        return world.ask('groupAdmin', 'POST', `${group}announcements/`, body, {
          ...headers,
          ...named(key),
        })
      }
      const file = waveFile()
      const first = await ask('Form', file)
      expect(first.status, first.text).toBe(201)
      const other = Buffer.from(file)
      other.writeUInt8(other.readUInt8(other.length - 1) ^ 1, other.length - 1)
      await expectNothingStored(world, async () => {
        expectReplay(await ask('Form', file), first)
        expectRefusal(await ask('Form', other), 422)
        expectRefusal(await ask('Other', file), 422)
      })
    })
  })

  describe('of another request', () => {
    it('R6 is refused, and nothing is done', async () => {
      const key = newKey()
      const url = `${group}departments/`
      const parent = { departmentName: 'Sales' }
      const body = { departmentName: 'Under a key', parentDepartment: parent }
      const ask = (method: string, path: string, sent: unknown) =>
        world.ask('tenantAdmin', method, path, sent, named(key))
      expect((await ask('POST', url, body)).status).toBe(201)
      const others: [string, string, unknown][] = [
        ['POST', url, { ...body, departmentName: 'Another' }],
        ['POST', url, { departmentName: 'Under a key' }],
        ['POST', url, { ...body, parentDepartment: null }],
        ['POST', url, { ...body, parentDepartment: Object.entries(parent) }],
        ['POST', url, { ...body, extra: 1 }],
        ['POST', url, {}],
        ['POST', `${url}?dryRun=false`, body],
        ['POST', `${url}?_=1`, body],
        ['POST', url.slice(0, -1), body],
        ['POST', `${siblingGroup}departments/`, body],
        ['PUT', `${url}Under%20a%20key/`, body],
        ['DELETE', `${url}Under%20a%20key/`, undefined],
      ]
      await expectNothingStored(world, async () => {
        for (const [method, path, sent] of others) {
          const { status } = await ask(method, path, sent)
          expect({ method, path, sent, status }).toEqual({ method, path, sent, status: 422 })
        }
        const list = await ask('POST', url, Object.entries(body))
        expect(list.status).toBeGreaterThanOrEqual(400)
      })
    })

    it('R6 is refused when it takes more along than what was deleted', async () => {
      const key = newKey()
      const url = '/api/v1/tenants/footenant/groups/'
      await must(world, 'tenantAdmin', ['POST', url, { groupId: 'doomed' }])
      const ask = (query: string) =>
        world.ask('tenantAdmin', 'DELETE', `${url}doomed/${query}`, undefined, named(key))
      expect((await ask('')).status).toBe(200)
      expectRefusal(await ask('?deleteNonEmpty=1'), 422)
    })

    it('R6 is refused when its password is another', async () => {
      const key = newKey()
      const ask = (secret: string) =>
        world.ask(
          'groupAdmin',
          'POST',
          users,
          { userId: 'keyed', ...person, password: secret },
          named(key),
        )
      expect((await ask('the first sentence')).status).toBe(201)
      await expectNothingStored(world, async () => {
        expectRefusal(await ask('the second sentence'), 422)
        expect((await ask('the first sentence')).headers['idempotent-replay']).toBe('true')
      })
    })
  })

  describe('in the database', () => {
    it('leaves neither itself nor what the request said', async () => {
      const key = newKey()
      const secret = 'a sentence that nobody reads'
      const body = JSON.stringify({ userId: 'discreet', ...person, password: secret })
      const answer = await world.ask('groupAdmin', 'POST', users, body, named(key))
      expect(answer.status).toBe(201)
      const hashes = [
        body,
        secret,
        JSON.stringify(Object.entries(JSON.parse(body)).sort()),
      ].flatMap((text) =>
        (['hex', 'base64', 'base64url'] as const).map((encoding) =>
          createHash('sha256').update(text).digest(encoding),
        ),
      )
      const file = world.test.url.replace('sqlite:', '')
      const stored =
        engine.name === 'SQLite'
          ? [file, `${file}-wal`].map((path) => readFileSync(path, 'latin1')).join('')
          : (await everything(world)).join('\n')
      expect(stored).toContain('discreet@sip.netaxis.be')
      for (const text of [key, secret, ...hashes]) expect(stored).not.toContain(text)
    })

    it('leaves no hash by which its request could be guessed: another key of the same request leaves others', async () => {
      const hashesOf = async () => {
        const before = await everything(world)
        const same = { timeoutSeconds: 94 }
        await world.ask('groupAdmin', 'PUT', overflow, same, named(newKey()))
        const added = (await everything(world)).filter((row) => !before.includes(row))
        const [row = ''] = added.filter((one) => one.startsWith('kept_answers '))
        return [...row.matchAll(/(?<=")[\w+/=-]{43,}(?=")/g)].map(([hash]) => hash)
      }
      const [one, other] = [await hashesOf(), await hashesOf()]
      expect(one).toHaveLength(2)
      expect(other).toHaveLength(2)
      expect(one.filter((hash) => other.includes(hash))).toEqual([])
    })

    it('R17 is a new one after 24 hours', async () => {
      const key = newKey()
      const ask = () => world.ask('groupAdmin', 'PUT', overflow, { timeoutSeconds: 95 }, named(key))
      const age = (milliseconds: number) =>
        world.database.write((transaction) =>
          transaction.run(sql('UPDATE kept_answers SET expires_at = expires_at - ?'), milliseconds),
        )
      const first = await ask()
      const day = 24 * 60 * 60 * 1_000
      await age(day - 60_000)
      expectReplay(await ask(), first)
      await must(world, 'groupAdmin', ['PUT', overflow, { timeoutSeconds: 96 }])
      await age(60_000)
      const again = await ask()
      expect(isReplay(again)).toBe(false)
      expect(again.body).toMatchObject({ timeoutSeconds: 95 })
      expectReplay(await ask(), again)
      // Its 24 hours have begun anew.
      await age(day - 60_000)
      expectReplay(await ask(), again)
    })
  })

  it('is sent below for every writing operation that there is', () => {
    expectExampleOfEach(world.routes)
  })

  it('R2 is answered as at first, whatever was written, and nothing is done', {
    timeout: 120_000,
  }, async () => {
    for (const write of await withExamples(world, everyWrite)) {
      const headers = named(newKey())
      const first = await send(world, write, { headers })
      expect(first.status, `${write.method} ${write.path} ${first.text}`).toBeLessThan(300)
      await expectNothingStored(world, async () =>
        expectReplay(await send(world, write, { headers }), first),
      )
    }
  })
})

/** The cases of the page, and those that tests are named after. */
describe('the page of the cases', () => {
  const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')

  it('has a test for each, and each test its case', () => {
    const cases = [...read('../docs/safe-retries.md').matchAll(/^\| ([RD]\d+) \|/gm)]
    const tests = ['safe-retries', 'retries-of-accounts', 'retries-after-kill', 'dry-run'].flatMap(
      (name) => [...read(`./${name}.test.ts`).matchAll(/\b[RD]\d+\b(?=[ ,])/g)],
    )
    const told = new Set(cases.map(([, name]) => name))
    const tested = new Set(tests.map(([name]) => name))
    expect(told.size).toBeGreaterThan(20)
    // D10 is R16.
    expect([...told].filter((name) => name !== 'D10' && !tested.has(String(name)))).toEqual([])
    expect([...tested].filter((name) => !told.has(name))).toEqual([])
  })
})
