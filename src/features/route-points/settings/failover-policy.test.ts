import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { engines } from '../../../../test/engines.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  routePoint,
  type World,
} from '../../../../test/world.ts'

const path = `${routePoint}failover_policy/`

/** Each switch with the number that it needs. */
const supports = [
  ['enableFailoverSupport', 'failoverPhoneNumber'],
  ['perCallEnableFailoverSupport', 'perCallFailoverPhoneNumber'],
] as const

describe.each(engines)('the failover policy on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
  })
  afterAll(() => world.close())
  beforeEach(async () => {
    const off = Object.fromEntries(
      supports.flatMap(([enable, number]) => [
        [enable, false],
        [number, null],
      ]),
    )
    await put(off)
  })

  const put = (body: object) => world.ask('groupAdmin', 'PUT', path, body)

  it.each([
    ['nobody', 401],
    ['endUser', 403],
    ['departmentAdmin', 403],
    ['siblingAdmin', 404],
    ['otherTenantAdmin', 404],
  ] as const)('is closed to %s', async (person, status) => {
    await expectUnchanged(world, async () => {
      expectRefusal(await world.ask(person, 'GET', path), status)
      expectRefusal(await world.ask(person, 'PUT', path, {}), status)
    })
  })

  it('needs the number of each support that is enabled, and tells of both at once', async () => {
    const missing = ([enable, number]: (typeof supports)[number]) => ({
      code: 9,
      parameter: number,
      message: `The '${number}' must be set when '${enable}' is true.`,
    })
    await expectUnchanged(world, async () => {
      for (const support of supports) {
        expectRefusal(await put({ [support[0]]: true }), 400, [missing(support)])
      }
      const both = Object.fromEntries(supports.map(([enable]) => [enable, true]))
      expectRefusal(await put(both), 400, supports.map(missing))
    })
  })

  it.each(supports)('%s keeps %s as long as it is enabled', async (enable, number) => {
    const { body } = await put({ [enable]: true, [number]: '02 512 67 79' })
    expect(body).toMatchObject({ [enable]: true, [number]: '025126779' })
    for (const clear of [null, '']) {
      expectRefusal(await put({ [number]: clear }), 400, [{ code: 9, parameter: number }])
    }
    const answer = await put({ [enable]: false, [number]: null })
    expect(answer.body).not.toHaveProperty(number)
  })
})
