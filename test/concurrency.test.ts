import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engines } from './engines.ts'
import { createWorld, routePoint, type World } from './world.ts'

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
