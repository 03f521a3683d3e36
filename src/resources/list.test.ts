import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from '../../test/engines.ts'
import { at, parametersOf } from '../../test/resource-suite.ts'
import { createWorld, expectRefusal, group, siblingGroup, type World } from '../../test/world.ts'
import { sql } from '../database/database.ts'
import { fold } from '../documents/normalise.ts'

type Item = Record<string, unknown>

interface ListCase {
  path: string
  plural: string
  /** Where each field stands in an item. */
  fields: Record<string, string>
}

const lists: ListCase[] = [
  {
    path: '/api/v1/tenants/',
    plural: 'tenants',
    fields: { TenantId: 'tenantId', Name: 'name', Type: 'type' },
  },
  {
    path: '/api/v1/tenants/footenant/groups/',
    plural: 'groups',
    fields: { GroupId: 'groupId', GroupName: 'groupName' },
  },
  {
    path: `${siblingGroup}departments/`,
    plural: 'departments',
    fields: { DepartmentName: 'departmentName' },
  },
  {
    path: `${siblingGroup}admins/`,
    plural: 'admins',
    fields: {
      UserId: 'userId',
      FirstName: 'firstName',
      LastName: 'lastName',
      DepartmentName: 'department.departmentName',
    },
  },
  {
    path: `${siblingGroup}users/`,
    plural: 'users',
    fields: {
      UserId: 'userId',
      FirstName: 'firstName',
      LastName: 'lastName',
      PhoneNumber: 'phoneNumber',
      Extension: 'extension',
      EmailAddress: 'emailAddress',
      DepartmentName: 'department.departmentName',
    },
  },
  {
    path: `${siblingGroup}services/route_points/`,
    plural: 'route_points',
    fields: {
      ServiceUserId: 'serviceUserId',
      Name: 'name',
      PhoneNumber: 'phoneNumber',
      Extension: 'extension',
      DepartmentName: 'department.departmentName',
    },
  },
]

/** Names that trip up patterns, quotes, folding and orders of bytes. */
const oddNames = [
  ...['Ann', 'ann', 'ANNA', 'ÄNN', 'änn', 'Zoë', 'zoe', 'Straße', 'STRASSE', 'İstanbul', 'ﬁ'],
  ...['100%', '1_0', "O'Neil", 'a\\b', '"quoted"', 'x;--', '[a]*?', '😀 smile', '日本', '\uffee'],
  ...['z\ud7ff', 'z\ue000', 'z\u{10fffd}'],
]

const textOf = (item: Item, path: string) => String(at(item, path) ?? '')
const byBytes = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))

function matches(operator: string, text: string, value: string): boolean {
  if (operator === 'Equals') return text === value
  return operator === 'Starts' ? text.startsWith(value) : text.includes(value)
}

/** What to look for in a field: nothing, whole values, their parts, and their parts in the other case. */
function needlesOf(texts: readonly string[]): string[] {
  const parts = texts.flatMap((text) =>
    [...text].slice(0, 3).map((_, end, all) => all.slice(0, end + 1).join('')),
  )
  const inside = texts.map((text) => [...text].slice(1, 3).join(''))
  const all = [...texts, ...parts, ...inside, 'nowhere', '%', '_']
  return [...new Set(all.flatMap((text) => [text, text.toUpperCase(), text.toLowerCase()]))]
}

describe.each(engines)('lists on $name', (engine) => {
  let world: World

  const ask = (path: string, query: Record<string, string | number> = {}) => {
    const search = new URLSearchParams(
      Object.entries(query).map(([name, value]) => [name, `${value}`]),
    )
    return world.ask('system', 'GET', `${path}?${search}`)
  }

  beforeAll(async () => {
    world = await createWorld(engine)
    const post = async (url: string, body: object) => {
      const answer = await world.ask('system', 'POST', url, body)
      expect(answer.status, answer.text).toBe(201)
    }
    for (const [index, name] of oddNames.entries()) {
      await post(`${siblingGroup}departments/`, { departmentName: name })
      const department = index % 3 === 0 ? {} : { department: { departmentName: name } }
      const person = { firstName: name, lastName: `${oddNames.at(-index)}`, ...department }
      await post(`${siblingGroup}admins/`, { userId: `Admin ${index}`, ...person })
      const numbers = { phoneNumber: `+3225126${100 + index}`, extension: `${10 + index}` }
      const emailAddress = `${name.replaceAll(' ', '')}@Example.org`
      const user = { userId: `User ${index}`, ...person }
      await post(
        `${siblingGroup}users/`,
        index % 4 === 0 ? user : { ...user, ...numbers, emailAddress },
      )
      const rest = { extension: `${50 + index}`, ...department }
      await post(`${siblingGroup}services/route_points/`, {
        serviceUserId: `${name}@${index}`.replace('@', ' '),
        serviceInstanceProfile: { name, ...(index % 4 !== 0 && rest) },
      })
      await post('/api/v1/tenants/footenant/groups/', {
        groupId: `g ${name} ${index}`,
        groupName: name,
      })
      const tenantId = `t ${name} ${index}`
      const type = index % 2 === 0 ? 'Enterprise' : 'ServiceProvider'
      await post('/api/v1/tenants/', { tenantId, type, name, defaultDomain: `d${index}.example` })
    }
  })
  afterAll(() => world.close())

  describe.each(lists)('of $plural', ({ path, plural, fields }) => {
    const names = Object.keys(fields)
    const read = async (query: Record<string, string | number> = {}): Promise<Item[]> => {
      const answer = await ask(path, query)
      expect(answer.status, answer.text).toBe(200)
      return answer.body[plural]
    }

    it('are whole and in the order of their keys', async () => {
      const items = await read()
      expect(items.length).toBeGreaterThanOrEqual(oddNames.length)
      const [, idPath = ''] = Object.entries(fields)[0] ?? []
      const ids = items.map((item) => textOf(item, idPath))
      const keyOf = plural === 'departments' ? (id: string) => id : fold
      expect(ids).toEqual([...ids].sort((a, b) => byBytes(keyOf(a), keyOf(b))))
    })

    it.each(names)('show by each filter on %s just what matches it', async (field) => {
      const items = await read()
      const member = fields[field] ?? ''
      for (const value of needlesOf(items.map((item) => textOf(item, member)))) {
        for (const operator of ['Starts', 'Contains', 'Equals']) {
          const exactly = await read({ [`sensitive${field}${operator}`]: value })
          const expected = items.filter((item) => matches(operator, textOf(item, member), value))
          expect(exactly, `${operator} ${value}`).toEqual(expected)
          const folded = await read({ [`insensitive${field}${operator}`]: value })
          expect(folded, `${operator} ${value}`).toEqual(
            items.filter((item) => matches(operator, fold(textOf(item, member)), fold(value))),
          )
        }
      }
    })

    it.each(names)('are sorted by %s, up and down, with and without case', async (field) => {
      const items = await read()
      const member = fields[field] ?? ''
      for (const sensitivity of ['sensitive', 'insensitive']) {
        const textFor = (item: Item) =>
          sensitivity === 'sensitive' ? textOf(item, member) : fold(textOf(item, member))
        // Sorting is stable, so that equals stay in the order of their keys.
        const up = [...items].sort((a, b) => byBytes(textFor(a), textFor(b)))
        const down = [...items].sort((a, b) => byBytes(textFor(b), textFor(a)))
        expect(await read({ sortOrders: `${sensitivity}Ascending${field}` })).toEqual(up)
        expect(await read({ sortOrders: `${sensitivity}Descending${field}` })).toEqual(down)
      }
    })

    it('come in pages that Link leads through, each item once', async () => {
      const items = await read()
      const sortOrders = `insensitiveDescending${names.at(-1)}, sensitiveAscending${names[0]}`
      const filter = { [`insensitive${names[0]}Contains`]: '' }
      const sorted = await read({ sortOrders })
      const walked: Item[] = []
      let url = `${path}?${new URLSearchParams({ pageSize: '7', sortOrders, ...filter })}`
      for (let pages = 0; url && pages < 100; pages += 1) {
        const answer = await world.ask('system', 'GET', url)
        expect(answer.headers['x-total-count']).toBe(String(items.length))
        expect(answer.body[plural].length).toBeLessThanOrEqual(7)
        walked.push(...answer.body[plural])
        url = /^<([^>]+)>; rel="next"$/.exec(String(answer.headers.link ?? ''))?.[1] ?? ''
      }
      expect(walked).toEqual(sorted)
    })
  })

  const users = `${siblingGroup}users/`

  it('begin where they are told to and tell the total', async () => {
    const all = (await ask(users)).body.users
    const page = await ask(users, { startIndex: 3, pageSize: 2 })
    expect(page.body.users).toEqual(all.slice(2, 4))
    expect(page.headers['x-total-count']).toBe(String(all.length))
    const last = await ask(users, { startIndex: all.length, pageSize: 1 })
    expect(last.body.users).toEqual(all.slice(-1))
    expect(last.headers.link).toBeUndefined()
    const beyond = await ask(users, { startIndex: all.length + 1 })
    expect(beyond.body.users).toEqual([])
    expect(beyond.headers['x-total-count']).toBe(String(all.length))
    expect(beyond.headers.link).toBeUndefined()
  })

  it('show what matches all of several filters', async () => {
    const query = new URLSearchParams([
      ['insensitiveFirstNameContains', 'n'],
      ['insensitiveFirstNameContains', 'a'],
      ['sensitiveFirstNameStarts', 'A'],
    ])
    const { body } = await world.ask('system', 'GET', `${users}?${query}`)
    const found = body.users.map(({ firstName }: Item) => firstName)
    expect(found).toEqual(['Ann', 'ANNA'])
  })

  it('show nothing of other groups, whatever is asked', async () => {
    const { body } = await ask(`${group}users/`, { insensitiveUserIdContains: '' })
    expect(body.users.map(({ userId }: Item) => userId)).toEqual(['agent@sip.netaxis.be'])
    expect((await ask(`${group}users/`, { sensitiveFirstNameEquals: 'Ann' })).body.users).toEqual(
      [],
    )
  })

  it('show by their beginning what goes on with the last of all characters, stored before names refused it', async () => {
    const last = '\u{10ffff}'
    const rename = sql('UPDATE users SET first_name = ?, first_name_key = ? WHERE first_name = ?')
    const values: [string, string][] = [
      [`ANNA${last}${last}`, 'ANNA'],
      [`${last}${last}x`, '100%'],
    ]
    for (const [now, before] of values) {
      await world.database.write((write) => write.run(rename, now, fold(now), before))
    }
    for (const [start, found] of [
      ['anna', 1],
      [`anna${last}`, 1],
      [last, 1],
      [`${last}${last}`, 1],
      [`${last}${last}y`, 0],
    ] as const) {
      const { body } = await ask(users, { insensitiveFirstNameStarts: start })
      expect(body.users, start).toHaveLength(found)
    }
    for (const [now, before] of values) {
      await world.database.write((write) => write.run(rename, before, fold(before), now))
    }
  })

  it('compare composed and decomposed letters as the same', async () => {
    const { body } = await ask(users, { sensitiveFirstNameEquals: 'Zoe\u0308' })
    expect(body.users).toHaveLength(1)
  })

  it.each([
    ['startIndex=0', ['startIndex']],
    ['startIndex=1.5', ['startIndex']],
    ['startIndex=', ['startIndex']],
    ['startIndex=99999999999', ['startIndex']],
    ['pageSize=0', ['pageSize']],
    ['pageSize=1001', ['pageSize']],
    ['pageSize=-1&startIndex=x', ['pageSize', 'startIndex']],
    ['sortOrders=', ['sortOrders']],
    ['sortOrders=Ascending', ['sortOrders']],
    ['sortOrders=FirstName,LastName', ['sortOrders']],
    ['sortOrders=sensitiveAscendingPassword', ['sortOrders']],
    ['sortOrders=sensitiveAscendingFirstName;DROP TABLE users', ['sortOrders']],
    ['firstName=Ann', ['firstName']],
    ['sensitiveFirstNameLike=Ann', ['sensitiveFirstNameLike']],
    ['sensitivePasswordHashStarts=x', ['sensitivePasswordHashStarts']],
    ['sensitiveconstructorEquals=x', ['sensitiveconstructorEquals']],
    ['sensitive__proto__Equals=x', ['sensitive__proto__Equals']],
    ['insensitivefirstNameEquals=x&zzz=1', ['insensitivefirstNameEquals', 'zzz']],
    ['sensitiveFirstNameEquals=a%0Ab', ['sensitiveFirstNameEquals']],
  ])('refuse ?%s by name', async (search, parameters) => {
    const answer = await world.ask('system', 'GET', `${users}?${search}`)
    expect(answer.status).toBe(400)
    expect(parametersOf(answer)).toEqual(parameters)
    expect(answer.body.errors[0].code).toBe(2)
  })

  it('refuse more filters than anybody means, and look for the same but once', async () => {
    const different = (count: number) =>
      Array.from({ length: count }, (_, index) => `sensitiveUserIdContains=${index}`).join('&')
    const refusal = [{ code: 2, message: 'A list takes at most 10 different filters.' }]
    expectRefusal(await world.ask('system', 'GET', `${users}?${different(11)}`), 400, refusal)
    expect((await world.ask('system', 'GET', `${users}?${different(10)}`)).status).toBe(200)
    const { database } = world
    const { all } = database
    let asked = 0
    database.all = (statement, ...values) => {
      asked += statement.text.split('instr(').length - 1
      return all.call(database, statement, ...values) as never
    }
    const same = 'insensitiveDepartmentNameContains=a&'.repeat(300)
    const answer = await world.ask('system', 'GET', `${users}?${same}`)
    database.all = all
    expect(answer.status).toBe(200)
    expect(asked).toBe(1)
    const order = Array(500).fill('sensitiveAscendingFirstName').join(',')
    expect((await ask(users, { sortOrders: order })).status).toBe(200)
  })
})
