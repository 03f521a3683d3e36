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
import { sql } from '../../../database/database.ts'

const key = ['footenant', 'foogroup', 'apiotestrp@sip.netaxis.be']
const insertSetting = sql(
  `INSERT INTO route_point_settings (tenant_key, group_key, route_point_key, setting, value)
   VALUES (?, ?, ?, ?, ?)`,
)
const insertFile = sql(
  `INSERT INTO route_point_setting_files
     (tenant_key, group_key, route_point_key, setting, position, announcement_name)
   VALUES (?, ?, ?, ?, ?, ?)`,
)
const updateRoutePoint = sql('UPDATE route_points SET value = ? WHERE route_point_key = ?')

/** What a program would have kept that knew fewer members. */
const older = {
  overflow: '{"action":"Busy","transferPhoneNumber":"5001","timeoutSeconds":7}',
  announcements: '{"mediaOnHoldForQueuedCalls":{"audioUrlList":[{"url":"http://a.example/1"}]}}',
  routePoint:
    '{"serviceUserId":"APIOTestRP@sip.netaxis.be","serviceInstanceProfile":{"name":"Hotline"},"active":false}',
}

describe.each(engines)('a text that an older program kept on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
    await world.database.write(async (transaction) => {
      await transaction.run(insertSetting, ...key, 'overflow', older.overflow)
      await transaction.run(insertSetting, ...key, 'announcements', older.announcements)
      await transaction.run(updateRoutePoint, older.routePoint, key[2] ?? '')
    })
  })
  afterAll(() => world.close())

  it('is answered with the defaults of the members that came since, and changes by its ETag', async () => {
    const path = `${routePoint}overflow/`
    const { body, headers } = await world.ask('groupAdmin', 'GET', path)
    const shown = {
      action: 'Busy',
      transferPhoneNumber: '5001',
      playAnnouncementBeforeOverflowProcessing: false,
      overflowAfterTimeout: false,
      timeoutSeconds: 7,
      audioMessageSelection: 'Default',
    }
    expect(body).toEqual(shown)
    const ifMatch = { 'if-match': String(headers.etag) }
    const change = { timeoutSeconds: 8 }
    const answer = await world.ask('groupAdmin', 'PUT', path, change, ifMatch)
    expect(answer.body).toEqual({ ...shown, ...change })
  })

  it('gets them within its objects as well', async () => {
    const { body } = await world.ask('groupAdmin', 'GET', `${routePoint}announcements/`)
    const audioUrlList = [{ url: 'http://a.example/1' }]
    expect(body.mediaOnHoldForQueuedCalls).toEqual({
      audioMessageSelection: 'Default',
      audioUrlList,
    })
  })

  it('gets them where it is a resource, by itself and after a change', async () => {
    const { body } = await world.ask('groupAdmin', 'GET', routePoint)
    expect(body.routePointInstance).toMatchObject({ active: false, noAnswerTimeoutRings: 5 })
    const changed = await world.ask('groupAdmin', 'PUT', routePoint, { queueLength: 3 })
    expect(changed.body.routePointInstance).toEqual({ ...body.routePointInstance, queueLength: 3 })
    const { body: list } = await world.ask('groupAdmin', 'GET', `${group}services/route_points/`)
    expect(list.route_points[0]).toMatchObject({ name: 'Hotline', active: false })
  })

  it('gets them in the items of a list', async () => {
    await world.database.write((transaction) =>
      transaction.run(
        updateRoutePoint,
        older.routePoint.replace(',"active":false', ''),
        key[2] ?? '',
      ),
    )
    const { body } = await world.ask('groupAdmin', 'GET', `${group}services/route_points/`)
    expect(body.route_points[0]).toMatchObject({ name: 'Hotline', active: true })
  })
})

describe.each(engines)('a setting that only a newer program knows on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
  })
  afterAll(() => world.close())

  it('keeps this one from giving a new name to a file in it, and nothing is changed', async () => {
    const announcement = { name: 'Welcome', content: wave() }
    const path = `${group}announcements/`
    expect((await world.ask('groupAdmin', 'POST', path, announcement)).status).toBe(201)
    const newer = '{"file":{"name":"Welcome"}}'
    await world.database.write(async (transaction) => {
      await transaction.run(insertSetting, ...key, 'night_service', newer)
      await transaction.run(insertFile, ...key, 'night_service', 0, 'Welcome')
    })
    await expectUnchanged(world, async () => {
      const answer = await world.ask('groupAdmin', 'PUT', `${path}Welcome/`, { name: 'Hello' })
      expectRefusal(answer, 503)
    })
  })
})
