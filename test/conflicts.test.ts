import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sql } from '../src/database/database.ts'
import { wave } from './audio.ts'
import { engines } from './engines.ts'
import { createWorld, group, password, type World } from './world.ts'

const routePoints = `${group}services/route_points/`
const pathOf = (index: number) => `${routePoints}rp${index}@sip.netaxis.be/`
const indexes = Array.from({ length: 200 }, (_, index) => index)

describe.each(engines)('writes of many clients at once on $name', (engine) => {
  let world: World
  /** How often the writes were begun. */
  let runs = 0
  let writes = 0

  beforeAll(async () => {
    world = await createWorld(engine)
    for (const index of indexes) {
      const profile = { serviceInstanceProfile: { name: `Hotline ${index}` } }
      await world.ask('groupAdmin', 'POST', routePoints, {
        serviceUserId: `rp${index}`,
        ...profile,
      })
    }
    for (const index of indexes.slice(0, 20)) {
      const names = { firstName: 'A', lastName: 'B', password }
      await world.ask('groupAdmin', 'POST', `${group}users/`, { userId: `user${index}`, ...names })
    }
    const { database } = world
    const { write } = database
    database.write = (change, guard) => {
      writes += 1
      return write.call(
        database,
        (transaction) => {
          runs += 1
          return change(transaction)
        },
        guard,
      ) as ReturnType<typeof change>
    }
  })
  afterAll(() => world.close())

  /** Sends requests together, all of which must succeed at the first run. */
  async function expectNoConflicts(requests: (() => ReturnType<World['ask']>)[]): Promise<void> {
    runs = 0
    writes = 0
    const answers = await Promise.all(requests.map((request) => request()))
    expect(answers.map(({ status, text }) => (status === 200 ? 200 : text))).toEqual(
      requests.map(() => 200),
    )
    expect(writes).toBeGreaterThanOrEqual(requests.length)
    expect(runs - writes, 'writes that were run again').toBe(0)
  }

  const settings: [setting: string, first: object, later: object][] = [
    ['overflow', { timeoutSeconds: 10 }, { timeoutSeconds: 20 }],
    [
      'bounced_call',
      { numberOfRingsBeforeBouncingCall: 7 },
      { numberOfRingsBeforeBouncingCall: 8 },
    ],
    [
      'announcements',
      { mediaOnHoldForQueuedCalls: { audioUrlList: [{ url: 'http://audio.example/one' }] } },
      { mediaOnHoldForQueuedCalls: { audioUrlList: [{ url: 'http://audio.example/two' }] } },
    ],
  ]

  it.each(settings)(
    'to different route points never meet, the first and later ones, when the planner knows of a few rows: %s',
    async (setting, first, later) => {
      const put = (body: object) =>
        indexes.map(
          (index) => () => world.ask('groupAdmin', 'PUT', `${pathOf(index)}${setting}/`, body),
        )
      await expectNoConflicts(put(first))
      await world.test.analyze()
      await expectNoConflicts(put(later))
    },
  )

  it('of people who sign in and out never meet', async () => {
    const credentials = indexes.slice(0, 20).map((index) => ({
      username: `user${index}@sip.netaxis.be`,
      password,
    }))
    const cookies: string[] = []
    await expectNoConflicts(
      credentials.map((body) => async () => {
        const answer = await world.ask('nobody', 'POST', '/api/v1/login/', body)
        cookies.push(String(answer.headers['set-cookie']).split(';', 1)[0] ?? '')
        return answer
      }),
    )
    await expectNoConflicts(
      cookies.map(
        (cookie) => () => world.ask('nobody', 'POST', '/api/v1/logout/', undefined, { cookie }),
      ),
    )
  })

  it('of one setting lose none, and end in what one of them left', async () => {
    const answers = await Promise.all(
      indexes.map((index) =>
        world.ask('groupAdmin', 'PUT', `${pathOf(0)}overflow/`, {
          [index % 2 ? 'timeoutSeconds' : 'transferPhoneNumber']: index % 2 ? index : `50${index}`,
        }),
      ),
    )
    expect(answers.map(({ status }) => status)).toEqual(indexes.map(() => 200))
    const { body } = await world.ask('groupAdmin', 'GET', `${pathOf(0)}overflow/`)
    const last = answers.filter(({ text }) => text === JSON.stringify(body))
    expect(last.length).toBeGreaterThan(0)
  })

  it('that name an announcement agree with those that rename or remove it', async () => {
    const path = `${group}announcements/`
    const itemOf = (name: string) => `${path}${encodeURIComponent(name)}/`
    const files = sql<{ route_point_key: string; announcement_name: string }>(
      'SELECT route_point_key, announcement_name FROM route_point_setting_files',
    )
    for (const round of [1, 2, 3, 4, 5]) {
      const before = `Before ${round}`
      const after = `After ${round}`
      const created = await world.ask('groupAdmin', 'POST', path, { name: before, content: wave() })
      expect(created.status, created.text).toBe(201)
      const chosen = { audioMessageSelection: 'File', audioFileList: [{ name: before }] }
      const uses = indexes
        .slice(0, 20)
        .map((index) =>
          world.ask('groupAdmin', 'PUT', `${pathOf(index)}forced_forwarding/`, chosen),
        )
      const [renamed, removed, ...used] = await Promise.all([
        world.ask('groupAdmin', 'PUT', itemOf(before), { name: after }),
        world.ask('groupAdmin', 'DELETE', itemOf(after)),
        ...uses,
      ])
      expect(renamed.status).toBe(200)
      const kept = await world.database.all(files)
      const named = kept.filter(({ announcement_name: name }) => name === after)
      expect(named).toHaveLength(used.filter(({ status }) => status === 200).length)
      if (named.length > 0) expect(removed.status).not.toBe(200)
      for (const { route_point_key: id, announcement_name: name } of kept) {
        const setting = `${routePoints}${id}/forced_forwarding/`
        const { body } = await world.ask('groupAdmin', 'GET', setting)
        expect(body.audioFileList).toEqual([{ name }])
      }
    }
  })
})
