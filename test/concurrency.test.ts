import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from './engines.ts'
import { createWorld, expectRefusal, group, password, routePoint, type World } from './world.ts'

const path = `${routePoint}overflow/`
const clients = 50

/** Reads, adds one, and writes only if nobody else did meanwhile; again until that holds. */
async function increment(world: World): Promise<number> {
  for (let attempts = 1; ; attempts += 1) {
    const { body, headers } = await world.ask('groupAdmin', 'GET', path)
    const change = { timeoutSeconds: body.timeoutSeconds + 1 }
    const ifMatch = { 'if-match': String(headers.etag) }
    const { status, text } = await world.ask('groupAdmin', 'PUT', path, change, ifMatch)
    if (status === 200) return attempts
    expect(status, text).toBe(412)
  }
}

const numbers = ['025126780', '02 512-67-80', '0032 2 512 67 80', '+3225126780']

/** A user, a route point or a DNIS with these numbers, by turns. */
function wanting(index: number, wanted: { phoneNumber?: string; extension?: string }) {
  const name = `Client ${index}`
  const requests: [path: string, body: object][] = [
    [`${group}users/`, { userId: `client${index}`, firstName: 'A', lastName: 'B', ...wanted }],
    [
      `${group}services/route_points/`,
      { serviceUserId: `client${index}`, serviceInstanceProfile: { name, ...wanted } },
    ],
    [`${routePoint}dnis/`, { name, ...wanted }],
  ]
  return requests[index % requests.length] ?? ['', {}]
}

/** What many ask for and one can have, and the member of whose taking the others are told. */
const scarce: [what: string, member: RegExp, request: (index: number) => [string, object]][] = [
  ['the name of a DNIS', /^name$/, () => [`${routePoint}dnis/`, { name: 'Wanted' }]],
  ['a disposition code', /^code$/, () => [`${routePoint}disposition_codes/`, { code: 'wanted' }]],
  [
    'a phone number in several notations, for a user, a route point or a DNIS',
    /phoneNumber$/,
    (index) => wanting(index, { phoneNumber: numbers[index % numbers.length] ?? '' }),
  ],
  [
    'an extension, for a user, a route point or a DNIS',
    /extension$/,
    (index) => wanting(index, { extension: '6780' }),
  ],
]

describe.each(engines)('many clients at once on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
  })
  afterAll(() => world.close())

  it('lose no increment when they say which state they change', async () => {
    await world.ask('groupAdmin', 'PUT', path, { timeoutSeconds: 0 })
    const attempts = await Promise.all(Array.from({ length: clients }, () => increment(world)))
    expect((await world.ask('groupAdmin', 'GET', path)).body.timeoutSeconds).toBe(clients)
    // Had they never met, the test would have shown nothing.
    expect(Math.max(...attempts)).toBeGreaterThan(1)
  })

  it.each(scarce)(
    'get %s once, and the others are told that it is taken',
    async (_, member, request) => {
      const answers = await Promise.all(
        Array.from({ length: clients }, (_, index) =>
          world.ask('groupAdmin', 'POST', ...request(index)),
        ),
      )
      const created = answers.filter(({ status }) => status === 201)
      expect(created).toHaveLength(1)
      for (const { status, body } of answers) {
        if (status === 201) continue
        expect({ status, errors: body.errors }).toMatchObject({
          status: 400,
          errors: [{ code: 11 }],
        })
        expect(body.errors[0].parameter).toMatch(member)
      }
      await world.ask('groupAdmin', 'DELETE', String(created[0]?.headers.location))
    },
  )

  it('create nobody whose password was not prepared, as the body had been wrong until then', async () => {
    const { database } = world
    const { write } = database
    const setDomain = (defaultDomain: string) =>
      world.ask('system', 'PUT', group, { defaultDomain })
    expect((await setDomain(`${'long-'.repeat(12)}domain.example`)).status).toBe(200)
    // With the long domain the id has more characters than one may have.
    const body = { userId: 'u'.repeat(100), firstName: 'A', lastName: 'B', password }
    const create = () => world.ask('groupAdmin', 'POST', `${group}users/`, body)
    expectRefusal(await create(), 400, [{ code: 2, parameter: 'userId' }])
    database.write = async (change, guard) => {
      database.write = write
      expect((await setDomain('sip.netaxis.be')).status).toBe(200)
      return write.call(database, change, guard) as never
    }
    const refused = await create()
    expectRefusal(refused, 503)
    expect(refused.headers['retry-after']).toBe('1')
    const user = `${group}users/${body.userId}/`
    expectRefusal(await world.ask('groupAdmin', 'GET', user), 404)
    const created = await create()
    expect(created.status, created.text).toBe(201)
    await world.ask('groupAdmin', 'DELETE', String(created.headers.location))
  })

  it('each change the member that they name and no other', async () => {
    const changes = Array.from({ length: clients }, (_, index) =>
      index % 2 === 0
        ? { timeoutSeconds: 100 + index }
        : { transferPhoneNumber: `50${String(index).padStart(2, '0')}` },
    )
    const answers = await Promise.all(
      changes.map((change) => world.ask('groupAdmin', 'PUT', path, change)),
    )
    for (const [index, { status, body }] of answers.entries()) {
      expect(status).toBe(200)
      expect(body).toMatchObject(changes[index] ?? {})
    }
    const { body } = await world.ask('groupAdmin', 'GET', path)
    expect(body.timeoutSeconds).toBeGreaterThanOrEqual(100)
    expect(body.transferPhoneNumber).toMatch(/^50/)
  })
})
