import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from './engines.ts'
import { type Answer, createWorld, expectRefusal, group, type World } from './world.ts'

const users = `${group}users/`

describe.each(engines)('lists on $name', (engine) => {
  let world: World
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
    'c?d',
  ]

  beforeAll(async () => {
    world = await createWorld(engine)
    for (const [index, name] of names.entries()) {
      const person = { userId: `list${index}`, firstName: name, lastName: `L${index % 3}` }
      expect((await world.ask('groupAdmin', 'POST', users, person)).status).toBe(201)
    }
  })

  afterAll(() => world.close())

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
    ['pageSize=2&pageSize=3', 'pageSize'],
    ['startIndex=1&startIndex=1', 'startIndex'],
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
    expect(sizes).toEqual([3, 3, 3, 2])
    expect(new Set(seen).size).toBe(names.length)
    const lastNames = seen.map((one) => one.slice(0, 2))
    expect(lastNames).toEqual([...lastNames].sort().reverse())
  })

  it('keeps every parameter in the link to the next page', async () => {
    const order = 'sensitiveAscendingFirstName'
    const { headers } = await list(`pageSize=1&sensitiveFirstNameContains=?&sortOrders=${order}`)
    const next = new URL(String(headers.link).slice(1).split('>')[0] ?? '', 'http://localhost')
    expect(Object.fromEntries(next.searchParams)).toEqual({
      pageSize: '1',
      startIndex: '2',
      sensitiveFirstNameContains: '?',
      sortOrders: order,
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

  it('sort by each field once, however often it is named', async () => {
    const once = await list('sortOrders=insensitiveDescendingLastName,insensitiveAscendingUserId')
    const again = Array.from({ length: 200 }, () => 'insensitiveAscendingLastName')
    const many = await list(
      `sortOrders=insensitiveDescendingLastName,insensitiveAscendingUserId,${again}`,
    )
    expect(many.body).toEqual(once.body)
  })

  it('tell at most a hundred of the parameters that they do not know', async () => {
    const unknown = Array.from({ length: 1_000 }, (_, index) => `p${index}`).join('&')
    const { status, body } = await list(unknown)
    expect(status).toBe(400)
    expect(body.errors).toHaveLength(100)
  })
})
