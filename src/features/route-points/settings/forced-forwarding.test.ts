import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { engines } from '../../../../test/engines.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  routePoint,
  type World,
} from '../../../../test/world.ts'

const path = `${routePoint}forced_forwarding/`

describe.each(engines)('forced forwarding on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
  })
  afterAll(() => world.close())
  beforeEach(async () => {
    const off = {
      active: false,
      forwardToPhoneNumber: null,
      playAnnouncementBeforeForwarding: false,
    }
    await world.ask('groupAdmin', 'PUT', path, off)
  })

  it.each([
    ['nobody', 401],
    ['endUser', 403],
    ['departmentAdmin', 403],
    ['siblingAdmin', 404],
    ['otherTenantAdmin', 404],
  ] as const)('is closed to %s', async (person, status) => {
    await expectUnchanged(world, async () => {
      expectRefusal(await world.ask(person, 'GET', path), status)
      expectRefusal(await world.ask(person, 'PUT', path, { active: false }), status)
    })
  })

  it.each(['groupAdmin', 'tenantAdmin', 'system'] as const)('is open to %s', async (person) => {
    expect((await world.ask(person, 'GET', path)).status).toBe(200)
    const body = { forwardToPhoneNumber: '+3225126779' }
    expect((await world.ask(person, 'PUT', path, body)).body).toMatchObject(body)
  })

  it('needs a destination to be active, in the words of the reference', async () => {
    await expectUnchanged(world, async () => {
      expectRefusal(await world.ask('groupAdmin', 'PUT', path, { active: true }), 400, [
        {
          code: 9,
          parameter: 'forwardToPhoneNumber',
          message:
            "The 'forwardToPhoneNumber' must be set in order to enable forwarding of the call.",
        },
      ])
    })
  })

  it('tells everything wrong with a body at once and writes nothing', async () => {
    const body = {
      active: 'yes',
      forwardToPhoneNumber: 'call me',
      playAnnouncementBeforeForwarding: null,
      audioMessageSelection: 'Loud',
      audioFileList: [{ name: 'nowhere' }],
      surprise: 1,
    }
    await expectUnchanged(world, async () => {
      const { body: answer } = await world.ask('groupAdmin', 'PUT', path, body)
      expect(answer.errors.map(({ parameter }: { parameter: string }) => parameter).sort()).toEqual(
        [
          'active',
          'audioFileList[0].name',
          'audioMessageSelection',
          'forwardToPhoneNumber',
          'playAnnouncementBeforeForwarding',
          'surprise',
        ],
      )
    })
  })

  it.each([
    ['02 512 67-79', '025126779'],
    ['5001', '5001'],
    ['desk-1 @sip.example.org', undefined],
    ['desk-1@sip.example.org', 'desk-1@sip.example.org'],
    ['sip:desk@sip.example.org', undefined],
    ['+', undefined],
  ])('reads the destination %s as %s', async (given, shown) => {
    const answer = await world.ask('groupAdmin', 'PUT', path, { forwardToPhoneNumber: given })
    expect(answer.body.forwardToPhoneNumber).toBe(shown)
    expect(answer.status).toBe(shown === undefined ? 400 : 200)
  })

  it.each([null, ''])('is cleared by %j once it is not needed', async (clear) => {
    await world.ask('groupAdmin', 'PUT', path, { active: true, forwardToPhoneNumber: '5001' })
    expectRefusal(
      await world.ask('groupAdmin', 'PUT', path, { forwardToPhoneNumber: clear }),
      400,
      [{ code: 9, parameter: 'forwardToPhoneNumber' }],
    )
    const off = { active: false, forwardToPhoneNumber: clear }
    const { body } = await world.ask('groupAdmin', 'PUT', path, off)
    expect(body).not.toHaveProperty('forwardToPhoneNumber')
  })
})
