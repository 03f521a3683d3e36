import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { wave } from './audio.ts'
import { engines } from './engines.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  routePoint,
  type World,
} from './world.ts'

const codes = `${routePoint}disposition_codes/`

/** Whatever can be changed, by each way in which it is stored, with a change that would be one and a body with a fault. */
const writers: [string, object][] = [
  [`${group}users/agent/`, { firstName: 'Changed' }],
  [`${group}announcements/Welcome/`, { description: 'Changed' }],
  [`${routePoint}overflow/`, { timeoutSeconds: 77 }],
  [`${routePoint}dnis_announcements/Line/`, { mediaOnHoldForQueuedCalls: { audioFileList: [] } }],
  [`${group}users/agent/services/call_centers/`, { makeOutgoingCallsAsCallCenter: true }],
  [`${codes}7/`, { description: 'Changed' }],
]

/** What cannot be deleted now (21), and what can. */
const held = [group, `${group}departments/Sales/`, `${group}announcements/Welcome/`, `${codes}7/`]
const free = [`${group}users/free/`, `${group}departments/Free/`, `${codes}8/`]

describe.each(engines)('preconditions on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
    const person = { firstName: 'A', lastName: 'B' }
    const posts: [string, object][] = [
      [`${group}announcements/`, { name: 'Welcome', content: wave() }],
      [`${group}users/`, { userId: 'free', ...person }],
      [`${group}departments/`, { departmentName: 'Free' }],
      [`${routePoint}dnis/`, { name: 'Line' }],
      [codes, { code: '7' }],
      [codes, { code: '8' }],
    ]
    for (const [url, body] of posts) await ask('POST', url, body)
    const files = { audioMessageSelection: 'File', audioFileList: [{ name: 'Welcome' }] }
    await ask('PUT', `${routePoint}forced_forwarding/`, files)
    const code = { defaultCallDispositionCode: { code: '7', level: 'CallCenter' } }
    await ask('PUT', `${routePoint}disposition_codes_config/`, code)
  })
  afterAll(() => world.close())

  async function ask(method: string, url: string, body?: object): Promise<void> {
    const answer = await world.ask('groupAdmin', method, url, body)
    expect(answer.status, `${url} ${answer.text}`).toBeLessThan(300)
  }

  async function etagOf(url: string): Promise<string> {
    return String((await world.ask('tenantAdmin', 'GET', url)).headers.etag)
  }

  /** If-None-Match headers that exclude the state with this tag. */
  const excluding = (etag: string) => ['*', etag, `W/${etag}`, `"other", ${etag}`, '"other",*']

  describe.each(writers)('of a PUT of %s', (url, change) => {
    it('refuse it in a state that If-None-Match excludes, and nothing is written', async () => {
      for (const header of excluding(await etagOf(url))) {
        await expectUnchanged(world, async () => {
          const headers = { 'if-none-match': header }
          expectRefusal(await world.ask('groupAdmin', 'PUT', url, change, headers), 412)
        })
      }
    })

    it('are judged after every fault of the body', async () => {
      const stale = [{ 'if-none-match': '*' }, { 'if-match': '"other"' }]
      for (const headers of stale) {
        const answer = await world.ask('groupAdmin', 'PUT', url, { surprise: 1 }, headers)
        expectRefusal(answer, 400, [{ code: 2, parameter: 'surprise' }])
      }
    })

    it('let it pass in any other state', async () => {
      for (const header of ['"other"', 'W/"other"', '']) {
        const headers = { 'if-none-match': header }
        const answer = await world.ask('groupAdmin', 'PUT', url, change, headers)
        expect(answer.status, answer.text).toBe(200)
      }
    })
  })

  it.each(held)('of a DELETE are judged after what stands against it: %s', async (url) => {
    await expectUnchanged(world, async () => {
      for (const headers of [{ 'if-match': '"other"' }, { 'if-none-match': '*' }]) {
        const answer = await world.ask('tenantAdmin', 'DELETE', url, undefined, headers)
        expectRefusal(answer, 400, [{ code: 21 }])
      }
    })
  })

  it.each(free)('of a DELETE: %s stays in a state that If-None-Match excludes', async (url) => {
    const etag = await etagOf(url)
    await expectUnchanged(world, async () => {
      for (const header of excluding(etag)) {
        const headers = { 'if-none-match': header }
        expectRefusal(await world.ask('groupAdmin', 'DELETE', url, undefined, headers), 412)
      }
    })
    const headers = { 'if-none-match': '"other"', 'if-match': etag }
    expect((await world.ask('groupAdmin', 'DELETE', url, undefined, headers)).status).toBe(200)
  })

  it('of a creation: no state is there that If-Match could name, and none that If-None-Match could exclude', async () => {
    const url = `${group}departments/`
    const body = { departmentName: 'New' }
    await expectUnchanged(world, async () => {
      for (const header of ['*', '"any"', await etagOf(url)]) {
        const headers = { 'if-match': header }
        expectRefusal(await world.ask('groupAdmin', 'POST', url, body, headers), 412)
        const taken = { departmentName: 'Sales' }
        const answer = await world.ask('groupAdmin', 'POST', url, taken, headers)
        expectRefusal(answer, 400, [{ code: 11 }])
      }
    })
    const headers = { 'if-none-match': '*' }
    expect((await world.ask('groupAdmin', 'POST', url, body, headers)).status).toBe(201)
    const second = await world.ask('groupAdmin', 'POST', url, body, headers)
    expectRefusal(second, 400, [{ code: 11 }])
  })
})
