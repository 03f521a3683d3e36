import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Permission, permissions } from '../src/http/permissions.ts'
import { wave } from './audio.ts'
import { engines } from './engines.ts'
import { createWorld, group, otherGroup, password, siblingGroup, type World } from './world.ts'

/** Who asks, all of the own group or above it, with their levels. */
const levels = {
  nobody: -1,
  endUser: 0,
  departmentAdmin: 4,
  groupAdmin: 8,
  tenantAdmin: 12,
  system: 16,
} as const
type Asker = keyof typeof levels
const askers = Object.keys(levels) as Asker[]

/** Where they ask. */
const places = {
  own: { tenant_id: 'footenant', group_id: 'foogroup', domain: 'sip.netaxis.be', path: group },
  sibling: {
    tenant_id: 'footenant',
    group_id: 'siblinggroup',
    domain: 'sip.netaxis.be',
    path: siblingGroup,
  },
  other: {
    tenant_id: 'othertenant',
    group_id: 'othergroup',
    domain: 'other.example',
    path: otherGroup,
  },
  absent: {
    tenant_id: 'nosuchtenant',
    group_id: 'nosuchgroup',
    domain: 'absent.example',
    path: '/api/v1/tenants/nosuchtenant/groups/nosuchgroup/',
  },
} as const
type PlaceName = keyof typeof places

interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** With `{parameters}`. */
  path: string
  permission: Permission
}

/** Named alike in every group, so that one path fits all. */
const items = {
  department: 'Matrix department',
  announcement: 'Matrix',
  dnis: 'Matrix DNIS',
  code: '77',
} as const

function itemIn(path: string): string {
  if (path.includes('/departments/')) return items.department
  if (path.includes('/dnis')) return items.dnis
  if (path.includes('disposition_codes')) return items.code
  return items.announcement
}

/** A user, admin or route point of the place; the End User asks about their own record in their own group. */
function userIn(path: string, name: PlaceName): string {
  if (path.startsWith('/api/v1/admins/')) return 'admin'
  const { domain } = places[name]
  if (path.includes('/groups/') && path.includes('/admins/')) return `matrixadmin-${name}@${domain}`
  if (path.includes('/admins/')) return `matrixtenantadmin-${places[name].tenant_id}@${domain}`
  return name === 'own' ? 'agent@sip.netaxis.be' : `matrixuser-${name}@${domain}`
}

function fill(path: string, name: PlaceName): string {
  const { tenant_id, group_id, domain } = places[name]
  const values: Record<string, string> = {
    tenant_id,
    group_id,
    user_id: userIn(path, name),
    route_point_user_id: `matrixrp-${name}@${domain}`,
    instance_name: itemIn(path),
  }
  return path.replaceAll(/\{(\w+)\}/g, (_, parameter) =>
    encodeURIComponent(values[parameter] ?? ''),
  )
}

/** The outcome that design sections 2 and 3 ask for: a refusal, or 'allowed'. */
function expected(route: Route, asker: Asker, name: PlaceName): number {
  const { level, reach } = permissions[route.permission]
  if (asker === 'nobody') return 401
  if (reach === 'installation') return levels[asker] >= level ? 0 : 403
  const sees = {
    own: true,
    sibling: reach === 'tenant' || asker === 'tenantAdmin' || asker === 'system',
    other: asker === 'system',
    absent: false,
  }
  if (!sees[name]) return 404
  return levels[asker] >= level ? 0 : 403
}

/**
 * What an allowed request is answered that must not change anything: a body that no document takes, or a precondition
 * that no state fulfils.
 */
const harmless = {
  GET: { status: 200, body: undefined, headers: {} },
  // With the department in which a Department Admin may create a user.
  POST: {
    status: 400,
    body: { surprise: true, department: { departmentName: 'Sales' } },
    headers: {},
  },
  PUT: { status: 400, body: { surprise: true }, headers: {} },
  DELETE: { status: 412, body: undefined, headers: { 'if-match': '"no such state"' } },
} as const

/** Organization codes live in groups of service providers and in enterprises, nowhere else. */
function isOfOtherTenantType(path: string, name: PlaceName): boolean {
  if (!path.includes('call_centers_properties')) return false
  return path.includes('{group_id}') === (name === 'other')
}

async function furnish(world: World, name: Exclude<PlaceName, 'absent'>): Promise<void> {
  const { tenant_id, domain, path } = places[name]
  const person = { firstName: 'Matrix', lastName: 'Person', password }
  const routePointId = `matrixrp-${name}@${domain}`
  const routePoint = `${path}services/route_points/${routePointId}/`
  const tenant = `/api/v1/tenants/${tenant_id}/`
  const code = { code: items.code }
  const posts: [string, object][] = [
    [`${path}departments/`, { departmentName: items.department }],
    [`${path}users/`, { userId: `matrixuser-${name}@${domain}`, ...person }],
    [`${path}admins/`, { userId: `matrixadmin-${name}@${domain}`, ...person }],
    [`${path}announcements/`, { name: items.announcement, content: wave() }],
    [
      `${path}services/route_points/`,
      { serviceUserId: routePointId, serviceInstanceProfile: { name: 'Matrix' } },
    ],
    [`${routePoint}dnis/`, { name: items.dnis }],
    [`${routePoint}disposition_codes/`, code],
  ]
  if (name === 'other')
    posts.push([`${tenant}services/call_centers_properties/disposition_codes/`, code])
  else posts.push([`${path}services/call_centers_properties/disposition_codes/`, code])
  if (name !== 'sibling') {
    posts.push([
      `${tenant}admins/`,
      { userId: `matrixtenantadmin-${tenant_id}@${domain}`, ...person },
    ])
  }
  for (const [url, body] of posts) {
    const answer = await world.ask('system', 'POST', url, body)
    expect(answer.status, `${url} ${answer.text}`).toBe(201)
  }
}

/** Every operation as the OpenAPI document lists it, with the right that its route declares. */
function routesOf(world: World): Route[] {
  const { paths } = world.app.swagger() as unknown as {
    paths: Record<string, Record<string, { 'x-permission': Permission }>>
  }
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase() as Route['method'],
      path,
      permission: operation['x-permission'],
    })),
  )
}

describe.each(engines)('authorization on $name', (engine) => {
  let world: World
  let routes: Route[]
  beforeAll(async () => {
    world = await createWorld(engine)
    for (const name of ['own', 'sibling', 'other'] as const) await furnish(world, name)
    const reaching = ['installation', 'tenant', 'group', 'user']
    routes = routesOf(world).filter(({ permission }) =>
      reaching.includes(permissions[permission].reach),
    )
  })
  afterAll(() => world.close())

  it('every operation answers every level in every place as its right says, and no refusal writes', async () => {
    const before = await world.snapshot()
    const wrong: string[] = []
    let cells = 0
    for (const route of routes) {
      const { status: allowed, body, headers } = harmless[route.method]
      for (const asker of askers) {
        for (const name of Object.keys(places) as PlaceName[]) {
          const url = fill(route.path, name)
          const answer = await world.ask(asker, route.method, url, body, headers)
          const outcome = expected(route, asker, name)
          const wanted =
            outcome !== 0 ? outcome : isOfOtherTenantType(route.path, name) ? 400 : allowed
          cells += 1
          if (answer.status !== wanted) {
            wrong.push(`${asker} ${route.method} ${url}: ${answer.status}, not ${wanted}`)
          }
        }
      }
    }
    expect(wrong).toEqual([])
    expect(cells).toBe(routes.length * askers.length * Object.keys(places).length)
    expect(await world.snapshot()).toBe(before)
  })

  it('an End User finds no other user, word for word as if there were none', async () => {
    const answers = []
    for (const id of [`matrixuser-own@sip.netaxis.be`, 'nobody-at-all@sip.netaxis.be']) {
      for (const path of [`${group}users/${id}/`, `${group}users/${id}/services/call_centers/`]) {
        const { status, body } = await world.ask('endUser', 'GET', path)
        answers.push(JSON.stringify([status, body.errors]))
      }
    }
    expect(new Set(answers)).toEqual(
      new Set([
        JSON.stringify([
          404,
          [{ code: 404, name: 'NOT_FOUND', message: 'There is no such resource.' }],
        ]),
      ]),
    )
  })

  it('nothing tells what lies outside the scope from what does not exist', async () => {
    for (const route of routes.filter(({ path }) => path.includes('{tenant_id}'))) {
      const { body, headers } = harmless[route.method]
      const answers = []
      for (const name of ['other', 'absent'] as const) {
        const answer = await world.ask(
          'groupAdmin',
          route.method,
          fill(route.path, name),
          body,
          headers,
        )
        answers.push([answer.status, answer.body.errors])
      }
      expect(answers[0], `${route.method} ${route.path}`).toEqual(answers[1])
    }
  })
})
