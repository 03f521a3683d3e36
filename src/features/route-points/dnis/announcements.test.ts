import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { engines } from '../../../../test/engines.ts'
import {
  createWorld,
  expectRefusal,
  expectUnchanged,
  group,
  recorded,
  routePoint,
  siblingGroup,
  type World,
} from '../../../../test/world.ts'
import { sql } from '../../../database/database.ts'

const path = `${routePoint}dnis_announcements/fooDnisName/`
const dnis = `${routePoint}dnis/`
const untouched = { mediaOnHoldForQueuedCalls: { audioMessageSelection: 'Default' } }
/** The reference's own. */
const file = {
  mediaOnHoldForQueuedCalls: {
    audioMessageSelection: 'File',
    audioFileList: [{ name: 'APIO Test Announcement' }],
  },
}

const insertAnnouncement = sql(
  `INSERT INTO announcements
     (tenant_key, group_key, name, name_key, description, description_key, value)
   VALUES (?, ?, 'APIO Test Announcement', 'apio test announcement', '', '', '{}')`,
)

describe.each(engines)('announcements of a DNIS on $name', (engine) => {
  let world: World
  beforeAll(async () => {
    world = await createWorld(engine)
    await world.database.write(async (transaction) => {
      await transaction.run(insertAnnouncement, 'footenant', 'foogroup')
    })
  })
  afterAll(() => world.close())
  beforeEach(async () => {
    const { body } = await world.ask('system', 'GET', dnis)
    for (const { name } of body.dnis) await world.ask('system', 'DELETE', `${dnis}${name}/`)
    await world.ask('system', 'POST', dnis, { name: 'fooDnisName' })
  })

  const get = (url = path) => world.ask('groupAdmin', 'GET', url)
  const put = (body: unknown, url = path) => world.ask('groupAdmin', 'PUT', url, body)

  it.each([
    ['nobody', 401],
    ['endUser', 403],
    ['departmentAdmin', 403],
    ['siblingAdmin', 404],
    ['otherTenantAdmin', 404],
  ] as const)('are closed to %s', async (person, status) => {
    await expectUnchanged(world, async () => {
      expectRefusal(await world.ask(person, 'GET', path), status)
      expectRefusal(await world.ask(person, 'PUT', path, file), status)
    })
  })

  it('of a DNIS that the route point does not have are a bad parameter', async () => {
    const faults = [
      { code: 2, parameter: 'instance_name', message: "The route point has no DNIS 'other'." },
    ]
    const other = `${routePoint}dnis_announcements/other/`
    await expectUnchanged(world, async () => {
      expectRefusal(await get(other), 400, faults)
      expectRefusal(await put(file, other), 400, faults)
      const otherCase = path.replace('fooDnisName', 'foodnisname')
      expectRefusal(await get(otherCase), 400, [{ code: 2, parameter: 'instance_name' }])
    })
  })

  it.each([
    `${group}services/route_points/nobody/`,
    `${group}services/route_points/siblingRP/`,
    `${siblingGroup}services/route_points/APIOTestRP/`,
  ])('of a route point that is not there are 404: %s', async (rp) => {
    await expectUnchanged(world, async () => {
      const url = `${rp}dnis_announcements/fooDnisName/`
      expectRefusal(await world.ask('system', 'GET', url), 404)
      expectRefusal(await world.ask('system', 'PUT', url, file), 404)
    })
  })

  it('must name files of the group, and one when files are selected', async () => {
    const media = (members: object) => ({ mediaOnHoldForQueuedCalls: members })
    await expectUnchanged(world, async () => {
      const list = 'mediaOnHoldForQueuedCalls.audioFileList'
      expectRefusal(await put(media({ audioFileList: [{ name: 'nowhere' }] })), 400, [
        { code: 2, parameter: `${list}[0].name` },
      ])
      expectRefusal(await put(media({ audioMessageSelection: 'File' })), 400, [
        { code: 9, parameter: list },
      ])
      expectRefusal(await put({ surprise: 1 }), 400, [{ code: 2, parameter: 'surprise' }])
    })
  })

  it('are the default until they are changed, and then what was put', async () => {
    expect((await get()).body).toEqual(untouched)
    expect((await put(file)).body).toEqual(file)
    expect((await get()).body).toEqual(file)
    await expectUnchanged(world, async () => {
      expect((await put((await get()).body)).body).toEqual(file)
    })
  })

  it('belong to one DNIS: neither its neighbour nor the route point has them', async () => {
    await world.ask('groupAdmin', 'POST', dnis, { name: 'neighbour' })
    await put(file)
    expect((await get(`${routePoint}dnis_announcements/neighbour/`)).body).toEqual(untouched)
    expect((await get(`${routePoint}announcements/`)).body).toEqual(untouched)
  })

  it('follow a rename, end with the DNIS, and are not those of a later one of its name', async () => {
    await put(file)
    await world.ask('groupAdmin', 'PUT', `${dnis}fooDnisName/`, { name: 'renamed' })
    const renamed = `${routePoint}dnis_announcements/renamed/`
    expect((await get(renamed)).body).toEqual(file)
    expectRefusal(await get(), 400, [{ code: 2, parameter: 'instance_name' }])
    await world.ask('groupAdmin', 'DELETE', `${dnis}renamed/`)
    await world.ask('groupAdmin', 'POST', dnis, { name: 'renamed' })
    expect((await get(renamed)).body).toEqual(untouched)
  })

  it('never lose an edit that the client has not seen, and are recorded', async () => {
    const { etag } = (await get()).headers
    await put(file)
    await expectUnchanged(world, async () => {
      const headers = { 'if-match': String(etag) }
      expectRefusal(await world.ask('groupAdmin', 'PUT', path, untouched, headers), 412)
    })
    const [last] = await world.database.all(
      sql<Record<string, string>>(
        'SELECT target, before_value, after_value FROM changes ORDER BY position DESC LIMIT 1',
      ),
    )
    expect(last).toEqual({
      target: recorded(path),
      before_value: JSON.stringify(untouched),
      after_value: JSON.stringify(file),
    })
  })

  it('do not keep a group from being deleted with all that it holds', async () => {
    const doomed = '/api/v1/tenants/footenant/groups/doomed/'
    const rp = `${doomed}services/route_points/doomedRP/`
    await world.ask('system', 'POST', '/api/v1/tenants/footenant/groups/', { groupId: 'doomed' })
    await world.ask('system', 'POST', `${doomed}services/route_points/`, {
      serviceUserId: 'doomedRP',
      serviceInstanceProfile: { name: 'Doomed' },
    })
    await world.ask('system', 'POST', `${rp}dnis/`, { name: 'x', phoneNumber: '+3225126799' })
    await world.database.write(async (transaction) => {
      await transaction.run(insertAnnouncement, 'footenant', 'doomed')
    })
    expect((await world.ask('system', 'PUT', `${rp}dnis_announcements/x/`, file)).status).toBe(200)
    const answer = await world.ask('system', 'DELETE', `${doomed}?deleteNonEmpty=1`)
    expect([answer.status, answer.text]).toEqual([200, '{}'])
  })
})
