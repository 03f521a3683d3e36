import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { engines } from './engines.ts'
import { encodeForm } from './form.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  password,
  routePoint,
  type World,
} from './world.ts'

/** No text of ours is longer, in UTF-16 units, however it is composed: 256 characters. */
const longest = 2_048

/** Marks that no font could set; to put them in order costs the square of their number. */
function marks(count: number): string {
  return `a${'\u0301\u0316'.repeat(count)}`
}

const long = marks(30_000)
/** As long as a sign-in may bring. */
const inLogin = marks(3_900)
/** As long as a path or query can be. */
const inUrl = encodeURIComponent(marks(1_200))

const announcements = `${group}announcements/`

describe.each(engines)('whatever a client sends, on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
  })
  afterAll(() => world.close())

  describe('is measured before it is worked on', () => {
    const composed: number[] = []
    beforeEach(() => {
      composed.length = 0
      const { normalize } = String.prototype
      vi.spyOn(String.prototype, 'normalize').mockImplementation(function (this: string, form) {
        composed.push(this.length)
        return normalize.call(this, form)
      })
    })
    afterEach(() => {
      expect(Math.max(0, ...composed)).toBeLessThanOrEqual(longest)
      vi.restoreAllMocks()
    })

    const person = { firstName: 'A', lastName: 'B' }
    it.each<[method: string, url: string, body: object]>([
      ['POST', '/api/v1/login/', { username: inLogin, password: 'x' }],
      ['POST', '/api/v1/login/', { username: 'x', password: inLogin }],
      ['POST', '/api/v1/login/', { username: 'x', password: 'x', unknown: inLogin }],
      ['POST', '/api/v1/login/', { username: 'x', password: 'x', [inLogin]: 1 }],
      ['POST', '/api/v1/login/', { username: 'x', password: 5, provide_basic_profile: [inLogin] }],
      ['POST', '/api/v1/tokens/', { name: long }],
      ['POST', '/api/v1/tokens/', { name: 'x', unknown: long }],
      ['POST', '/api/v1/tokens/', { name: 'x', [long]: 1 }],
      ['POST', '/api/v1/password/', { oldPassword: inLogin, newPassword: password }],
      ['POST', '/api/v1/password/', { oldPassword: password, newPassword: inLogin }],
      ['POST', '/api/v1/tokens/', { name: 'x', expiresAt: long }],
      ['PUT', '/api/v1/tenants/footenant/', { tenantId: long }],
      ['PUT', '/api/v1/tenants/footenant/', { type: long }],
      ['PUT', '/api/v1/tenants/footenant/', { country: long }],
      ['PUT', '/api/v1/tenants/footenant/', { timeZone: long }],
      ['PUT', '/api/v1/tenants/footenant/', { defaultDomain: long }],
      ['POST', `${group}users/`, { ...person, userId: long }],
      ['POST', `${group}users/`, { ...person, userId: 'x', phoneNumber: '1 '.repeat(30_000) }],
      ['POST', `${group}users/`, { ...person, userId: 'x', extension: long }],
      ['POST', `${group}users/`, { ...person, userId: 'x', emailAddress: long }],
      ['POST', `${group}users/`, { ...person, userId: 'x', department: { departmentName: long } }],
      ['PUT', `${routePoint}overflow/`, { action: long }],
      ['PUT', `${routePoint}overflow/`, { timeoutSeconds: long }],
      ['PUT', `${routePoint}overflow/`, { audioFileList: [{ name: long }] }],
      ['PUT', `${routePoint}overflow/`, { audioFileList: Array(1_000).fill({ name: marks(30) }) }],
      ['POST', announcements, { name: 'x', content: long }],
      ['POST', announcements, { name: 'x', description: long, content: '' }],
    ])('in a body: %s %s', async (method, url, body) => {
      await expectUnchanged(world, async () => {
        const answer = await world.ask('system', method, url, body)
        expect(answer.status).toBe(400)
      })
    })

    it('in a form', async () => {
      const { body, headers } = await encodeForm([
        ['name', marks(1_300)],
        ['description', long],
      ])
      const answer = await world.ask('groupAdmin', 'POST', announcements, body, headers)
      expect(answer.status).toBe(400)
    })

    it.each([
      [`/api/v1/tenants/${inUrl}/`, 404],
      [`/api/v1/tenants/footenant/groups/${inUrl}/`, 404],
      [`${group}users/${inUrl}/`, 404],
      [`${group}users/${inUrl}@sip.netaxis.be/`, 404],
      [`${group}departments/${inUrl}/`, 404],
      [`${announcements}${inUrl}/`, 404],
      [`${announcements}${inUrl}/content/`, 404],
      [`${group}services/route_points/${inUrl}/`, 404],
      [`${group}services/route_points/${inUrl}/overflow/`, 404],
      [`${routePoint}dnis/${inUrl}/`, 404],
      [`${routePoint}dnis/${inUrl}/agents/`, 400],
      [`${routePoint}dnis_announcements/${inUrl}/`, 400],
      [`${routePoint}disposition_codes/${inUrl}/`, 404],
      [`${group}users/?insensitiveFirstNameContains=${inUrl}`, 200],
      [`${group}users/?sensitiveFirstNameEquals=${inUrl}`, 200],
      [`${group}users/?insensitiveDepartmentNameStarts=${inUrl}`, 200],
      [`${group}users/?${inUrl}=1`, 400],
    ])('in a path or query: %#', async (url, status) => {
      expect((await world.ask('system', 'GET', url)).status).toBe(status)
    })
  })

  describe('comes back cut short', () => {
    const keys = (count: number, key: (index: number) => string, value: unknown) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [key(index), value]))

    it.each<[what: string, body: unknown]>([
      ['a long name', { ['k'.repeat(250_000)]: ['\u0001'] }],
      ['a name of control characters', { ['\u0001'.repeat(40_000)]: 1 }],
      ['many names', keys(4_000, (index) => `unknown${index}`, 1)],
      ['many names of control characters', keys(400, (at) => `${at}${'\u0001'.repeat(60)}`, 1)],
      ['many names of quotes', keys(400, (at) => `${at}${'"'.repeat(60)}`, '\u0001')],
      ['texts within an unknown name', { ['k'.repeat(60)]: Array(4_000).fill('\u0001') }],
      ['a long text', { tenantId: '"'.repeat(30_000), country: '\u0001'.repeat(20_000) }],
    ])('%s in a body', async (_what, body) => {
      const answer = await world.ask('system', 'POST', '/api/v1/tenants/', body)
      expect(answer.status).toBe(400)
      expect(answer.bytes.length).toBeLessThan(17_000)
    })

    it.each([
      ['a long name', 'x'.repeat(14_000)],
      ['a long name of control characters', '%01'.repeat(4_500)],
      ['a long name of characters of four bytes', '%F0%9F%98%80'.repeat(1_100)],
      ['many names', Array.from({ length: 3_000 }, (_, at) => at.toString(36)).join('&')],
      ['a long number', `pageSize=${'9'.repeat(14_000)}`],
      ['a long order', `sortOrders=${'x,'.repeat(7_000)}`],
    ])('%s in a query', async (_what, query) => {
      const answer = await world.ask('groupAdmin', 'GET', `${group}users/?${query}`)
      expect(answer.status).toBe(400)
      expect(answer.bytes.length).toBeLessThan(17_000)
      for (const { message, parameter } of answer.body.errors) {
        expect(Buffer.byteLength(JSON.stringify(message))).toBeLessThanOrEqual(512)
        expect(Buffer.byteLength(JSON.stringify(parameter))).toBeLessThanOrEqual(256)
        expect(`${message}${parameter}`.isWellFormed()).toBe(true)
      }
    })

    it('but whole where it is as long as a name of ours', async () => {
      const unknown = '"'.repeat(64)
      const answer = await world.ask('groupAdmin', 'PUT', `${routePoint}overflow/`, {
        [unknown]: 1,
      })
      expectRefusal(answer, 400, [
        { code: 2, parameter: unknown, message: `The '${unknown}' field is unknown.` },
      ])
    })
  })
})

describe('the program', () => {
  it('composes texts in one place, which measures them', () => {
    const root = join(import.meta.dirname, '..')
    const files = globSync('src/**/*.ts', { cwd: root }).filter(
      (file) => !file.endsWith('.test.ts'),
    )
    const composing = files.filter((file) =>
      readFileSync(join(root, file), 'utf8').includes('.normalize('),
    )
    expect(composing).toEqual([join('src', 'documents', 'normalise.ts')])
  })
})
