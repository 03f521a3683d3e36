import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { wave } from '../../../../test/audio.ts'
import { engines } from '../../../../test/engines.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  routePoint,
  type World,
} from '../../../../test/world.ts'

const urlsMost = `http://${'a'.repeat(256 - 'http://'.length)}`
const nobody = { name: 'nowhere' }

/** Of each limited member the values at both ends, and those just beyond; a slot's as they stand in a list of one. */
const limits: [setting: string, member: string, within: unknown[], beyond: unknown[]][] = [
  ['overflow', 'action', ['Transfer', 'Ringing', 'Busy'], ['busy', '', null]],
  ['overflow', 'timeoutSeconds', [0, 7_200], [-1, 7_201, 0.5, '30', null]],
  ['overflow', 'transferPhoneNumber', ['1', '1'.repeat(161)], ['1'.repeat(162), '+', 'sip:a@b']],
  ['overflow', 'audioMessageSelection', ['Default'], ['default', 'Url', null]],
  ['bounced_call', 'numberOfRingsBeforeBouncingCall', [1, 20], [0, 21, null]],
  ['bounced_call', 'transferPhoneNumber', ['a@b', null, ''], ['@b', 'a@', 'a b@c', 5001]],
  ['distinctive_ringing', 'ringPatternForRoutePoint', ['Long-Long', 'Normal'], ['Long', null]],
  [
    'distinctive_ringing',
    'forceDeliveryRingPattern',
    ['Short-Short-Long', 'Short-Long-Short'],
    ['short-long-short', ''],
  ],
  ['failover_policy', 'perCallCallFailureTimeoutSeconds', [1, 60], [0, 61, 10.5, '10', null]],
  [
    'failover_policy',
    'failoverPhoneNumber',
    ['1', '1'.repeat(161), null, ''],
    ['1'.repeat(162), 5001],
  ],
  ['failover_policy', 'perCallFailoverPhoneNumber', ['a@b', null, ''], ['@b', 'sip:a@b', 'a b@c']],
  ['forced_forwarding', 'audioFileList', [[], [null, null, null, null]], [Array(5).fill(null)]],
  [
    'forced_forwarding',
    'audioUrlList',
    [['Unmodify']],
    [null, 'Unmodify', [null, null, null, null, null]],
  ],
]

const urls = {
  within: ['http://a', 'https://a.example:8080/b?c=%20#d', urlsMost, 'Unmodify'],
  beyond: [
    '',
    'ftp://a',
    'a.wav',
    'http://',
    'http://?',
    'http://a b/c',
    'http://a/b c',
    `${urlsMost}a`,
  ],
}

describe.each(engines)('settings on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
    const body = { name: 'Welcome', content: wave() }
    await world.ask('groupAdmin', 'POST', `${group}announcements/`, body)
    await put('overflow', { transferPhoneNumber: '5001' })
  })
  afterAll(() => world.close())

  function put(setting: string, change: object) {
    return world.ask('groupAdmin', 'PUT', `${routePoint}${setting}/`, change)
  }

  it.each(limits)('%s: %s takes what is within its limits, and nothing beyond', async (...row) => {
    const [setting, member, within, beyond] = row
    for (const value of within) {
      const { status, text } = await put(setting, { [member]: value })
      expect(status, text).toBe(200)
    }
    await expectUnchanged(world, async () => {
      for (const value of beyond) {
        expectRefusal(await put(setting, { [member]: value }), 400, [
          { code: 2, parameter: member },
        ])
      }
    })
  })

  it.each(urls.within)('%s is a URL to play', async (url) => {
    const { status, text } = await put('overflow', { audioUrlList: [{ url }] })
    expect(status, text).toBe(200)
  })

  it.each(urls.beyond)('%j is no URL to play', async (url) => {
    await expectUnchanged(world, async () => {
      expectRefusal(await put('overflow', { audioUrlList: [{ url }] }), 400, [
        { code: 2, parameter: 'audioUrlList[0].url' },
      ])
    })
  })

  it('a file that the group does not have is refused wherever it stands, whatever is selected', async () => {
    await expectUnchanged(world, async () => {
      const audioFileList = [{ name: 'Welcome' }, null, nobody, nobody]
      expectRefusal(await put('forced_forwarding', { audioFileList }), 400, [
        { code: 2, parameter: 'audioFileList[2].name' },
        { code: 2, parameter: 'audioFileList[3].name' },
      ])
    })
  })
})
