import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { wave } from './audio.ts'
import { engines } from './engines.ts'
import { quietWebhook } from './every-write.ts'
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
  absentItem: {
    tenant_id: 'footenant',
    group_id: 'foogroup',
    domain: 'sip.netaxis.be',
    path: group,
  },
  absentGroup: {
    tenant_id: 'footenant',
    group_id: 'nosuchgroup',
    domain: 'sip.netaxis.be',
    path: '/api/v1/tenants/footenant/groups/nosuchgroup/',
  },
  absent: {
    tenant_id: 'nosuchtenant',
    group_id: 'nosuchgroup',
    domain: 'absent.example',
    path: '/api/v1/tenants/nosuchtenant/groups/nosuchgroup/',
  },
} as const
type PlaceName = keyof typeof places

type Reach = 'installation' | 'tenant' | 'group' | 'user'

interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** With `{parameters}`. */
  path: string
  /** The request that the documentation shows. */
  example: unknown
}

const tenantPath = '/api/v1/tenants/{tenant_id}/'
const groupPath = `${tenantPath}groups/{group_id}/`
const userPath = `${groupPath}users/{user_id}/`
const routePointPath = `${groupPath}services/route_points/{route_point_user_id}/`

/**
 * The right column of the design's tables, told a second time and on purpose without the product's declarations: methods
 * and path (`**` for whatever follows), the least level, and whom the path speaks of. The first line that fits holds.
 */
const rights: readonly [methods: string, path: string, level: number, reach: Reach][] = [
  ['GET POST PUT DELETE', '/api/v1/admins/**', 16, 'installation'],
  ['GET', '/api/v1/changes/**', 16, 'installation'],
  ['GET PUT', '/api/v1/engines/**', 16, 'installation'],
  ['GET POST', '/api/v1/tenants/', 16, 'installation'],
  ['GET', tenantPath, 0, 'tenant'],
  ['PUT DELETE', tenantPath, 16, 'tenant'],
  ['GET', groupPath, 0, 'group'],
  ['PUT DELETE', groupPath, 12, 'group'],
  ['GET', `${groupPath}departments/**`, 4, 'group'],
  ['GET POST', `${groupPath}users/`, 4, 'group'],
  ['GET', userPath, 0, 'user'],
  ['PUT DELETE', userPath, 4, 'user'],
  ['GET PUT', `${userPath}services/call_centers/`, 0, 'user'],
  ['GET', `${groupPath}services/route_points/`, 4, 'group'],
  ['GET', routePointPath, 4, 'group'],
  ['GET', `${routePointPath}disposition_codes/**`, 0, 'group'],
  ['GET PUT', `${routePointPath}calls/{call_id}/disposition_codes/`, 0, 'group'],
  ['GET POST PUT DELETE', `${groupPath}**`, 8, 'group'],
  ['GET POST PUT DELETE', `${tenantPath}**`, 12, 'tenant'],
]

/** Operations of nobody in particular or of oneself, whose tests stand beside them. */
const unbounded = ['/healthz', '/readyz', '/api/v1/login/', '/api/v1/logout/', '/api/v1/password/']
const ownTokens = '/api/v1/tokens/'
/** Whoever knows what a file was made of may have it. */
const mediaFiles = '/media/'

function isBounded({ path }: Route): boolean {
  const isElsewhere = path.startsWith(ownTokens) || path.startsWith(mediaFiles)
  return !unbounded.includes(path) && !isElsewhere
}

function rightOf({ method, path }: Route): { level: number; reach: Reach } {
  for (const [methods, pattern, level, reach] of rights) {
    const isIt = pattern.endsWith('**') ? path.startsWith(pattern.slice(0, -2)) : path === pattern
    if (isIt && methods.split(' ').includes(method)) return { level, reach }
  }
  throw new Error(`The design says nothing of who may ${method} ${path}.`)
}

/** Named alike in every group, so that one path fits all. */
const items = {
  department: 'Matrix department',
  announcement: 'Matrix',
  dnis: 'Matrix DNIS',
  code: '77',
} as const

function itemIn(path: string, name: PlaceName): string {
  if (name === 'absentItem') return 'no such'
  if (path.includes('/departments/')) return items.department
  if (path.includes('/dnis')) return items.dnis
  if (path.includes('disposition_codes')) return items.code
  return items.announcement
}

/** A user, admin or route point of the place; the End User asks about their own record in their own group. */
function userIn(path: string, name: PlaceName): string {
  if (path.startsWith('/api/v1/admins/')) return name === 'absentItem' ? 'no such' : 'admin'
  const { domain } = places[name]
  if (name === 'absentItem') return `no-such@${domain}`
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
    instance_name: itemIn(path, name),
    call_id: 'no-such-call',
    engine_name: 'test',
    offer_id: '1',
    delivery_id: 'no-such-delivery',
  }
  return path.replaceAll(/\{(\w+)\}/g, (_, parameter) =>
    encodeURIComponent(values[parameter] ?? ''),
  )
}

/** The status with which the design's sections 2 and 3 ask to refuse; undefined where the request is allowed. */
function refusal(route: Route, asker: Asker, name: PlaceName): number | undefined {
  const { level, reach } = rightOf(route)
  if (asker === 'nobody') return 401
  const isAllowed = levels[asker] >= level
  if (reach === 'installation') return isAllowed ? undefined : 403
  const isAbove = asker === 'tenantAdmin' || asker === 'system'
  const sees = {
    own: true,
    // An End User sees no other user, whether there is one or not.
    absentItem: reach !== 'user' || asker !== 'endUser',
    sibling: reach === 'tenant' || isAbove,
    absentGroup: reach === 'tenant' || isAbove,
    other: asker === 'system',
    absent: false,
  }
  if (!sees[name]) return 404
  return isAllowed ? undefined : 403
}

/** Whether what an allowed request names is not there. */
function isMissing({ method, path }: Route, name: PlaceName): boolean {
  // There are no calls and deliveries; what is asked of one is judged before it is looked for.
  if (/\{(?:call|delivery)_id\}/.test(path) && method !== 'POST') return true
  // Nor are there engines.
  if (path.includes('{engine_name}')) return true
  if (name === 'absentGroup') return path.includes('{group_id}')
  return name === 'absentItem' && /\{(?:user_id|route_point_user_id|instance_name)\}/.test(path)
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

/** What holds something, or is the last of its kind, is told so (21) before any precondition is looked at. */
function isHeld({ method, path }: Route): boolean {
  const held = /(?:\{tenant_id\}|\{group_id\}|^\/api\/v1\/admins\/\{user_id\})\/$/
  return method === 'DELETE' && held.test(path)
}

/** Organization codes live in groups of service providers and in enterprises, nowhere else. */
function isOfOtherTenantType(path: string, name: PlaceName): boolean {
  if (!path.includes('call_centers_properties')) return false
  if (name === 'absentGroup' && path.includes('{group_id}')) return false
  return path.includes('{group_id}') === (name === 'other')
}

async function furnish(world: World, name: 'own' | 'sibling' | 'other'): Promise<void> {
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
    [`${path}services/webhooks/`, { ...quietWebhook, name: items.announcement }],
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

/** A path that old clients use and that the document leaves out. */
const alias: Route = {
  method: 'PUT',
  path: `${groupPath}route_points/call_centers/{route_point_user_id}/disposition_codes_config/`,
  example: { enableCallDispositionCodes: true },
}

/** Every operation as the OpenAPI document lists it. */
function routesOf(world: World): Route[] {
  const { paths } = world.app.openapi()
  const documented = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { requestBody }]) => ({
      method: method.toUpperCase() as Route['method'],
      path,
      example: requestBody?.content['application/json']?.example,
    })),
  )
  return [...documented, alias]
}

describe.each(engines)('authorization on $name', (engine) => {
  let world: World
  let routes: Route[]
  beforeAll(async () => {
    world = await createWorld(engine)
    for (const name of ['own', 'sibling', 'other'] as const) await furnish(world, name)
    routes = routesOf(world).filter(isBounded)
  })
  afterAll(() => world.close())

  it('every operation that writes has a request to refuse', () => {
    const silent = routes.filter(
      ({ method, example }) => ['POST', 'PUT'].includes(method) && example === undefined,
    )
    expect(silent).toEqual([])
  })

  it('every operation answers every level in every place as its right says, and no refusal writes', async () => {
    const before = await world.snapshot()
    const wrong: string[] = []
    let cells = 0
    for (const route of routes) {
      const allowed = harmless[route.method]
      for (const asker of askers) {
        for (const name of Object.keys(places) as PlaceName[]) {
          const url = fill(route.path, name)
          const refused = refusal(route, asker, name)
          // Whoever is refused asks for what others would be given.
          const { body, headers } = refused ? { body: route.example, headers: {} } : allowed
          const answer = await world.ask(asker, route.method, url, body, headers)
          const isOfOtherType = isOfOtherTenantType(route.path, name)
          const unfit = isOfOtherType ? 400 : isMissing(route, name) ? 404 : undefined
          const wanted = refused ?? unfit ?? (isHeld(route) ? 400 : allowed.status)
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
