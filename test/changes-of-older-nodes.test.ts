import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { sql } from '../src/database/database.ts'
import { engines } from './engines.ts'
import { listenTo } from './listener.ts'
import { asOlderNode, writeBefore } from './older-node.ts'
import { createWorld, password, type World } from './world.ts'

// SQLite has one node at a time.
const several = engines.filter(({ name }) => name !== 'SQLite')

const tenants = '/api/v1/tenants/'
const groups = `${tenants}footenant/groups/`

type Node = 'older' | 'newer'
const nodes: Node[] = ['older', 'newer']
const lives = nodes.flatMap((creator) =>
  nodes.flatMap((remover) => nodes.map((recreator) => ({ creator, remover, recreator }))),
)

const select = sql<object>(
  `SELECT group_key, route_point_key, kind FROM changes WHERE target = ? ORDER BY position DESC LIMIT 1`,
)

describe.each(several)('what nodes before schema 8 write beside newer ones on $name', (engine) => {
  let world: World
  let olderApp: FastifyInstance
  let token: string
  beforeAll(async () => {
    world = await createWorld(engine)
    const database = asOlderNode(world.database)
    const logger = pino({ level: 'silent' })
    olderApp = await buildApp({ config: readConfig({}), database, logger })
    token = (await world.ask('system', 'POST', '/api/v1/tokens/', { name: 'x' })).body.token
  })
  afterAll(async () => {
    await olderApp.close()
    await world.close()
  })

  async function write(node: Node, method: 'POST' | 'PUT' | 'DELETE', url: string, body?: object) {
    const { statusCode, payload } = await (node === 'older' ? olderApp : world.app).inject({
      method,
      url,
      headers: { authorization: `Bearer ${token}` },
      ...(body && { payload: body }),
    })
    expect(statusCode, `${node} ${method} ${url} ${payload}`).toBeLessThan(300)
  }

  async function list(url: string, headers?: Record<string, string>) {
    const who = headers ? 'nobody' : 'tenantAdmin'
    const { status, body, text } = await world.ask(who, 'GET', `${url}changes/`, undefined, headers)
    expect(status, text).toBe(200)
    return body.changes
  }

  const group = `${tenants}FooTenant/groups/FooGroup/`
  const routePoint = `${group}services/route_points/`
  it.each([
    [`${tenants}FooTenant/`, '', '', 'tenant'],
    [`${tenants}F%C3%B2o/`, '', '', 'tenant'],
    [`${tenants}FooTenant/admins/a/`, '', '', ''],
    [`${tenants}FooTenant/admins/groups/`, '', '', ''],
    [`${tenants}groups/groups/groups/`, 'groups', '', 'group'],
    [group, 'foogroup', '', 'group'],
    [`${group}users/a%40b/`, 'foogroup', '', ''],
    [`${group}services/call_centers_properties/disposition_codes/a/`, 'foogroup', '', ''],
    [`${routePoint}RP%40sip.example/`, 'foogroup', 'rp@sip.example', 'routePoint'],
    [`${routePoint}RP%40sip.example/overflow/`, 'foogroup', 'rp@sip.example', ''],
    [`${routePoint}RP/overflow/`, 'foogroup', 'rp@sip.netaxis.be', ''],
    [`${tenants}FooTenant/groups/A%20%26%25%2F%2B_%5C'(b)!~*/`, "a &%/+_\\'(b)!~*", '', 'group'],
    [`${tenants}FooTenant/groups/%C3%89T%C3%89/`, 'été', '', 'group'],
    [`${tenants}FooTenant/groups/E%CC%81te%CC%81/`, 'été', '', 'group'],
    [`${tenants}FooTenant/groups/%CE%A3%CE%9F%CE%A3/`, 'σοσ', '', 'group'],
    [`${tenants}FooTenant/groups/%C4%B0%E2%84%AA%F0%9F%98%80/`, 'i̇k😀', '', 'group'],
    ['/api/v1/tokens/7/', 'foogroup', '', ''],
    ['/api/v1/password/', 'foogroup', '', ''],
  ])(
    'is, of the path %s, of the group %j, the route point %j and the kind %j',
    async (target, group_key, route_point_key, kind) => {
      const by = 'GroupAdmin@sip.netaxis.be'
      await writeBefore(world.database, { tenantKey: 'footenant', target, by })
      const found = await world.database.get(select, target)
      expect(found).toEqual({ group_key, route_point_key, kind })
    },
  )

  it('is nobody’s but the installation’s where it has no tenant', async () => {
    await writeBefore(world.database, { tenantKey: '', target: group })
    const found = await world.database.get(select, group)
    expect(found).toEqual({ group_key: '', route_point_key: '', kind: '' })
  })

  describe.each(['again', 'Été & Σος %41'])('to the id %j', (id) => {
    const name = encodeURIComponent(id)
    it.each(lives)(
      'shows nothing of a namesake, created by the $creator, deleted by the $remover and created again by the $recreator node',
      async ({ creator, remover, recreator }) => {
        const tenant = `${tenants}${name}/`
        const ofTenant = async () => {
          const admin = { userId: 'tester', firstName: 'A', lastName: 'B', password }
          await write(recreator, 'POST', `${tenant}admins/`, admin)
          const username = 'tester@again.example'
          const { headers } = await world.ask('nobody', 'POST', '/api/v1/login/', {
            username,
            password,
          })
          return list(tenant, { cookie: String(headers['set-cookie']).split(';', 1)[0] ?? '' })
        }
        const ofTenantBody = { tenantId: id, type: 'Enterprise', defaultDomain: 'again.example' }
        await write(creator, 'POST', tenants, { ...ofTenantBody, name: 'First' })
        await write(remover, 'DELETE', `${tenant}?deleteNonEmpty=1`)
        await write(recreator, 'POST', tenants, { ...ofTenantBody, name: 'Second' })
        const seen = await ofTenant()
        expect(JSON.stringify(seen)).not.toContain('First')
        expect(seen.at(-1)).toMatchObject({ action: 'create', kind: 'tenant' })
        await write(remover, 'DELETE', `${tenant}?deleteNonEmpty=1`)

        const group = `${groups}${name}/`
        await write(creator, 'POST', groups, { groupId: id, groupName: 'First' })
        await write(remover, 'DELETE', group)
        await write(recreator, 'POST', groups, { groupId: id, groupName: 'Second' })
        await write(creator, 'PUT', group, { groupName: 'Third' })
        expect(await list(group)).toMatchObject([
          { action: 'change', after: { groupName: 'Third' } },
          { action: 'create', kind: 'group', after: { groupName: 'Second' } },
        ])

        const points = `${group}services/route_points/`
        const own = { serviceUserId: id.replaceAll(/[ &%]/g, '') }
        const point = `${points}${encodeURIComponent(own.serviceUserId)}/`
        await write(creator, 'POST', points, { ...own, serviceInstanceProfile: { name: 'First' } })
        await write(remover, 'DELETE', point)
        await write(recreator, 'POST', points, {
          ...own,
          serviceInstanceProfile: { name: 'Second' },
        })
        await write(creator, 'PUT', `${point}overflow/`, { timeoutSeconds: 33 })
        const ofPoint = await list(point)
        expect(ofPoint).toMatchObject([
          { action: 'change', after: { timeoutSeconds: 33 } },
          {
            action: 'create',
            kind: 'routePoint',
            after: { routePointInstance: { serviceInstanceProfile: { name: 'Second' } } },
          },
        ])
        expect((await list(group)).slice(0, 2)).toEqual(ofPoint)
        await write(remover, 'DELETE', `${group}?deleteNonEmpty=1`)
      },
    )
  })

  it('comes in streams, which end with the deletion of what they are of', async () => {
    await world.app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = world.app.server.address() as AddressInfo
    const { body } = await world.ask('tenantAdmin', 'POST', '/api/v1/tokens/', { name: 'x' })
    await write('older', 'POST', groups, { groupId: 'heard', groupName: 'First' })
    const [{ position }] = await list(`${groups}heard/`)
    const stream = await listenTo(
      `http://127.0.0.1:${port}${groups}heard/changes/stream/?after=${position}`,
      { authorization: `Bearer ${body.token}` },
    )
    await write('older', 'PUT', `${groups}heard/`, { groupName: 'Other' })
    await write('older', 'DELETE', `${groups}heard/`)
    await write('older', 'POST', groups, { groupId: 'heard' })
    const heard = await Array.fromAsync(stream.heard)
    expect(heard.flatMap(({ data }) => data?.action ?? [])).toEqual(['change', 'delete'])
  })
})
