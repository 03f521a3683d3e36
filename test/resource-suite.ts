import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sql } from '../src/database/database.ts'
import { fold } from '../src/documents/normalise.ts'
import { engines } from './engines.ts'
import {
  type Answer,
  createWorld,
  expectRefusal,
  expectUnchanged,
  type Person,
  password,
  people,
  type World,
} from './world.ts'

type Members = Record<string, unknown>

type Right = 'list' | 'read' | 'create' | 'change' | 'remove'

/** What one resource of the directory has in particular; that it keeps every common promise follows from it. */
export interface ResourceCase {
  /** As in `users`, for the names of tests. */
  plural: string
  collection: string
  /** The same collection where its tenant or group does not exist; undefined for the installation's. */
  absentCollection?: string
  idMember: string
  /** Makes what every world does not have. */
  prepare?(world: World): Promise<void>
  /** An id of one that the world has, and of none. */
  present: string
  absent: string
  /** The member in which GET wraps it. */
  wrapper?: string
  /** Members that a GET reads from elsewhere, so that the record has them not. */
  computed?: readonly string[]
  /** The member of a list. */
  listed: string
  /** Who is refused, with which status; whoever is not named may. */
  refused: Record<Right, Partial<Record<Person, number>>>
  /** A creation with nothing but what is required, and what GET shows of it. */
  least: Members
  leastShown: Members
  /** A creation with every member, and what GET shows of it. */
  full: Members
  fullShown: Members
  /** For each member, by its path: values that are taken (or [given, shown]) and values that are refused. */
  limits: Record<string, { good: unknown[]; bad: unknown[] }>
  /** Paths of the members that null clears. */
  clearable: readonly string[]
  /** Members that PUT may repeat but not alter: another value, and other spellings of the same. */
  fixed: Record<string, { altered: unknown; equal: unknown[] }>
  /** A partial update that changes something in one that was created from `full`. */
  change: Members
  /** A body in which everything is wrong, and the parameters of the answer. */
  wrong: { body: Members; parameters: string[] }
}

const nobodyElse: Partial<Record<Person, number>> = { nobody: 401 }

/** Refused statuses, with 401 for nobody. */
export function refusing(
  statuses: Partial<Record<Person, number>>,
): Partial<Record<Person, number>> {
  return { ...nobodyElse, ...statuses }
}

export function at(value: unknown, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((inner, key) => (inner as Members | undefined)?.[key], value)
}

/** The object in which only `path` is there. */
function only(path: string, value: unknown): Members {
  const [first = '', ...rest] = path.split('.')
  return { [first]: rest.length > 0 ? only(rest.join('.'), value) : value }
}

function mergeDeep(base: Members, change: Members): Members {
  const merged = { ...base }
  for (const [key, value] of Object.entries(change)) {
    const inner = merged[key]
    const nests = typeof inner === 'object' && typeof value === 'object' && inner && value
    merged[key] = nests && !Array.isArray(value) ? mergeDeep({ ...inner }, { ...value }) : value
  }
  return merged
}

function withoutMember(value: Members, path: string): Members {
  const [first = '', ...rest] = path.split('.')
  const copy = { ...value }
  if (rest.length === 0) delete copy[first]
  else copy[first] = withoutMember(copy[first] as Members, rest.join('.'))
  return copy
}

export interface ChangeRow {
  changed_by: string
  action: string
  target: string
  before_value: string | null
  after_value: string | null
  tenant_key: string
}

function changesOf(world: World): Promise<ChangeRow[]> {
  return world.database.all(sql<ChangeRow>('SELECT * FROM changes ORDER BY position'))
}

/** The parameters that a refusal names, sorted. */
export function parametersOf({ body }: Answer): string[] {
  return body.errors.map(({ parameter }: { parameter: string }) => parameter).sort()
}

export function describeResource(one: ResourceCase): void {
  const { collection, idMember, wrapper } = one
  const itemOf = (id: string) => `${collection}${encodeURIComponent(id)}/`
  const shown = (answer: Answer): Members => (wrapper ? answer.body[wrapper] : answer.body)

  describe.each(engines)(`${one.plural} on $name`, (engine) => {
    let world: World
    beforeAll(async () => {
      world = await createWorld(engine)
      await one.prepare?.(world)
    })
    afterAll(() => world.close())

    const get = (url: string) => world.ask('system', 'GET', url)
    const post = (body: unknown) => world.ask('system', 'POST', collection, body)

    /** Creates one, runs `act` with its path, and deletes it. */
    async function withOne(body: Members, act: (item: string, created: Answer) => Promise<void>) {
      const created = await post(body)
      expect(created.status, created.text).toBe(201)
      const item = String(created.headers.location)
      try {
        await act(item, created)
      } finally {
        await world.ask('system', 'DELETE', item)
      }
    }

    const operations: [Right, string, string, unknown][] = [
      ['list', 'GET', collection, undefined],
      ['read', 'GET', itemOf(one.present), undefined],
      ['create', 'POST', collection, one.least],
      ['change', 'PUT', itemOf(one.present), {}],
      ['remove', 'DELETE', itemOf(one.present), undefined],
    ]

    for (const [right, method, url, body] of operations) {
      it(`refuses to ${right} them for whoever may not`, async () => {
        await expectUnchanged(world, async () => {
          const absent = await get(itemOf(one.absent))
          for (const [person, status] of Object.entries(one.refused[right])) {
            const answer = await world.ask(person as Person, method, url, body)
            expectRefusal(answer, status)
            if (status === 404) expect(answer.body.errors).toEqual(absent.body.errors)
          }
        })
      })
    }

    it('tells that one does not exist, or its collection, and creates nothing', async () => {
      await expectUnchanged(world, async () => {
        for (const method of ['GET', 'PUT', 'DELETE']) {
          const body = method === 'PUT' ? { surprise: 1 } : undefined
          expectRefusal(await world.ask('system', method, itemOf(one.absent), body), 404)
        }
        const { absentCollection } = one
        if (absentCollection === undefined) return
        expectRefusal(await get(absentCollection), 404)
        expectRefusal(await world.ask('system', 'POST', absentCollection, one.least), 404)
        expectRefusal(await world.ask('system', 'POST', absentCollection, {}), 404)
      })
    })

    it('tells everything wrong with a body at once and writes nothing', async () => {
      await expectUnchanged(world, async () => {
        const { body, parameters } = one.wrong
        const created = await post(body)
        expect(created.status).toBe(400)
        expect(parametersOf(created)).toEqual(parameters)
        const changed = await world.ask('system', 'PUT', itemOf(one.present), body)
        expect(changed.status).toBe(400)
        for (const broken of ['{', '[]', '1', 'null', '']) {
          expectRefusal(await post(broken), 400, [{ code: 2 }])
          const answer = await world.ask('system', 'PUT', itemOf(one.present), broken)
          expectRefusal(answer, 400, [{ code: 2 }])
        }
      })
    })

    it('names each required member that is missing or null', async () => {
      await expectUnchanged(world, async () => {
        const leaves = Object.entries(one.limits).filter(
          ([path]) => at(one.least, path) !== undefined,
        )
        for (const [path] of leaves) {
          const parameters = [{ code: 2, parameter: path }]
          expectRefusal(await post(withoutMember(one.least, path)), 400, parameters)
          expectRefusal(await post(mergeDeep(one.least, only(path, null))), 400, parameters)
        }
      })
    })

    it('refuses members that it does not know, wrapped or not, and keeps none', async () => {
      await expectUnchanged(world, async () => {
        const faults = [{ code: 2, parameter: 'surprise' }]
        const body = { surprise: 1 }
        expectRefusal(await post({ ...one.least, ...body }), 400, faults)
        expectRefusal(await world.ask('system', 'PUT', itemOf(one.present), body), 400, faults)
      })
    })

    it('takes the values that a member may have and refuses the others', async () => {
      for (const [path, { good, bad }] of Object.entries(one.limits)) {
        for (const value of good) {
          const [given, expected] = Array.isArray(value) ? value : [value, value]
          await withOne(mergeDeep(one.least, only(path, given)), async (item) => {
            expect(at(shown(await get(item)), path)).toEqual(expected)
          })
        }
        await expectUnchanged(world, async () => {
          for (const value of bad) {
            const answer = await post(mergeDeep(one.least, only(path, value)))
            expect(answer.status, `${path} ${JSON.stringify(value)}`).toBe(400)
            expect(parametersOf(answer)).toEqual([path])
          }
        })
      }
    })

    it('creates one from what is required, with the defaults', async () => {
      await withOne(one.least, async (item, created) => {
        expect(shown(created)).toEqual(one.leastShown)
        expect((await get(item)).text).toBe(created.text)
      })
    })

    it('creates one with every member, answers what GET shows, and tells where it is', async () => {
      await withOne(one.full, async (item, created) => {
        expect(shown(created)).toEqual(one.fullShown)
        expect(item).toBe(itemOf(String(one.fullShown[idMember])))
        const read = await get(item)
        expect(read.text).toBe(created.text)
        expect(read.headers.etag).toBe(created.headers.etag)
        expect((await get(item.slice(0, -1))).text).toBe(created.text)
        const { body } = await get(`${collection}?pageSize=1000`)
        expect(body[one.listed].map((other: Members) => other[idMember])).toContain(
          one.fullShown[idMember],
        )
      })
    })

    it('refuses a second one with the same id, in whatever case, and writes nothing', async () => {
      await withOne(one.full, async () => {
        await expectUnchanged(world, async () => {
          const id = String(one.full[idMember])
          const same = { ...one.least, [idMember]: id }
          expectRefusal(await post(same), 400, [{ code: 11, parameter: idMember }])
        })
      })
    })

    it('takes back what GET shows, wrapped or not, and changes nothing', async () => {
      await withOne(one.full, async (item) => {
        const read = await get(item)
        await expectUnchanged(world, async () => {
          const bodies = wrapper ? [read.body, read.body[wrapper]] : [read.body]
          for (const body of [...bodies, {}]) {
            const answer = await world.ask('system', 'PUT', item, body)
            expect(answer.text).toBe(read.text)
            expect(answer.status).toBe(200)
            expect(answer.headers.etag).toBe(read.headers.etag)
          }
        })
      })
    })

    it('lets a member that is fixed be repeated but not altered', async () => {
      await withOne(one.full, async (item) => {
        await expectUnchanged(world, async () => {
          for (const [member, { altered, equal }] of Object.entries(one.fixed)) {
            const answer = await world.ask('system', 'PUT', item, { [member]: altered })
            expectRefusal(answer, 400, [{ code: 2, parameter: member }])
            for (const value of equal) {
              const same = await world.ask('system', 'PUT', item, { [member]: value })
              expect(same.status, same.text).toBe(200)
            }
          }
        })
      })
    })

    it('keeps what a partial update does not name, and clears by null and by an empty text', async () => {
      for (const path of one.clearable) {
        const isText = typeof at(one.full, path) === 'string'
        if (!isText) {
          const faults = [{ code: 2, parameter: path }]
          expectRefusal(await post(mergeDeep(one.least, only(path, ''))), 400, faults)
        }
        for (const clear of isText ? [null, ''] : [null]) {
          await withOne(one.full, async (item) => {
            const answer = await world.ask('system', 'PUT', item, only(path, clear))
            expect(answer.status, answer.text).toBe(200)
            expect(shown(answer)).toEqual(withoutMember(one.fullShown, path))
            expect((await get(item)).text).toBe(answer.text)
            const again = await world.ask('system', 'PUT', item, only(path, at(one.full, path)))
            expect(shown(again)).toEqual(one.fullShown)
          })
        }
      }
      await withOne(one.full, async (item) => {
        const answer = await world.ask('system', 'PUT', item, one.change)
        expect(shown(answer)).toEqual(mergeDeep(one.fullShown, one.change))
      })
    })

    it('answers 304 to a GET and 412 to a write by the state that the client knows', async () => {
      await withOne(one.full, async (item) => {
        const { headers } = await get(item)
        const etag = String(headers.etag)
        const known = { 'if-none-match': etag }
        expect((await world.ask('system', 'GET', item, undefined, known)).status).toBe(304)
        const match = { 'if-match': etag }
        const changed = await world.ask('system', 'PUT', item, one.change, match)
        expect(changed.status).toBe(200)
        expect(changed.headers.etag).not.toBe(etag)
        expect((await world.ask('system', 'GET', item, undefined, known)).status).toBe(200)
        await expectUnchanged(world, async () => {
          expectRefusal(await world.ask('system', 'PUT', item, one.full, match), 412)
          expectRefusal(await world.ask('system', 'DELETE', item, undefined, match), 412)
          const faulty = await world.ask('system', 'PUT', item, { surprise: 1 }, match)
          expectRefusal(faulty, 400, [{ code: 2 }])
        })
      })
    })

    it('records each write with who did it, before and after, and none that was refused', async () => {
      const first = (await changesOf(world)).length
      const { computed = [] } = one
      const recorded = (text: string) =>
        computed.length === 0
          ? text
          : JSON.stringify(JSON.parse(text), (name, value) =>
              computed.includes(name) ? undefined : value,
            )
      await withOne(one.full, async (item, created) => {
        expect(await changesOf(world)).toHaveLength(first + 1)
        const changed = await world.ask('system', 'PUT', item, one.change)
        await world.ask('system', 'PUT', item, { surprise: 1 })
        await world.ask('system', 'PUT', item, {})
        await world.ask('nobody', 'DELETE', item)
        expect(await changesOf(world)).toHaveLength(first + 2)
        expect((await world.ask('system', 'DELETE', item)).body).toEqual({})
        expectRefusal(await get(item), 404)
        const about = (await changesOf(world)).slice(first)
        const [, tenant = ''] = /\/tenants\/([^/]+)/.exec(item) ?? []
        const tenant_key = fold(decodeURIComponent(tenant))
        const row = { tenant_key, changed_by: 'admin', target: item }
        const byAction = Object.fromEntries(about.map((change) => [change.action, change]))
        expect(about).toHaveLength(3)
        expect(byAction.create).toMatchObject({
          ...row,
          before_value: null,
          after_value: recorded(created.text),
        })
        expect(byAction.change).toMatchObject({
          ...row,
          before_value: recorded(created.text),
          after_value: recorded(changed.text),
        })
        expect(byAction.delete).toMatchObject({
          ...row,
          before_value: recorded(changed.text),
          after_value: null,
        })
      })
    })

    it('never shows a password or what is kept of it', async () => {
      const seen: string[] = []
      await withOne(one.full, async (item, created) => {
        const changed = await world.ask('system', 'PUT', item, one.full)
        for (const answer of [created, changed, await get(item), await get(collection)]) {
          seen.push(answer.text)
        }
      })
      seen.push(JSON.stringify(await changesOf(world)))
      for (const text of seen) {
        expect(text).not.toContain(password)
        expect(text).not.toMatch(/password|argon2/i)
      }
    })

    it('is open to everybody else', async () => {
      const allowed = (right: Right) =>
        people.filter((person) => one.refused[right][person] === undefined)
      for (const person of allowed('list')) {
        expect((await world.ask(person, 'GET', collection)).status).toBe(200)
      }
      for (const person of allowed('read')) {
        expect((await world.ask(person, 'GET', itemOf(one.present))).status).toBe(200)
      }
      for (const person of allowed('change')) {
        expect((await world.ask(person, 'PUT', itemOf(one.present), {})).status).toBe(200)
      }
      for (const person of allowed('create')) {
        const created = await world.ask(person, 'POST', collection, one.full)
        expect(created.status, created.text).toBe(201)
        const item = String(created.headers.location)
        const remover = allowed('remove').includes(person) ? person : 'system'
        expect((await world.ask(remover, 'DELETE', item)).status).toBe(200)
      }
    })
  })
}
