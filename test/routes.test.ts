import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { permissions } from '../src/http/permissions.ts'
import { wave } from './audio.ts'
import { engines } from './engines.ts'
import { exampleCalls, exampleDelivery } from './every-write.ts'
import { hotlineKey, keepRecords } from './kept-records.ts'
import { createObservedWorld, type ObservedWorld, type Route } from './observed-world.ts'
import {
  type Answer,
  expectRefusal,
  expectUnchanged,
  group,
  password,
  routePoint,
  type World,
} from './world.ts'

/** What departments, announcements, DNIS, codes and webhooks are all called here. */
const itemName = 'Item'

async function furnish(world: World): Promise<string> {
  const code = { code: itemName }
  const enterprise = '/api/v1/tenants/othertenant/services/call_centers_properties/'
  const posts: [string, object][] = [
    [`${group}departments/`, { departmentName: itemName }],
    [`${group}announcements/`, { name: itemName, content: wave() }],
    [`${group}services/call_centers_properties/disposition_codes/`, code],
    [`${enterprise}disposition_codes/`, code],
    [`${routePoint}disposition_codes/`, code],
    [`${routePoint}dnis/`, { name: itemName }],
  ]
  for (const [url, body] of posts) {
    const answer = await world.ask('system', 'POST', url, body)
    expect(answer.status, `${url} ${answer.text}`).toBe(201)
  }
  const { body } = await world.ask('system', 'POST', '/api/v1/tokens/', { name: 'walked' })
  return body.tokenId
}

function userIn(url: string): string {
  if (url.startsWith('/api/v1/admins/')) return 'admin'
  if (!url.includes('/admins/')) return 'agent'
  return url.includes('/groups/') ? 'groupadmin' : 'tenantadmin'
}

/** Everything but the request's own id, which differs from one answer to the next. */
function comparable({ status, headers, text }: Answer) {
  const { etag, allow, 'content-type': type } = headers
  return { status, etag, allow, type, text: text.replace(/"requestId":"[^"]*"/, '') }
}

describe.each(engines)('every route on $name', (engine) => {
  let world: ObservedWorld
  let tokenId: string
  let callId: string
  let deliveryId: string
  beforeAll(async () => {
    world = await createObservedWorld(engine)
    tokenId = await furnish(world)
    callId = (await exampleCalls(world)).offeredCall ?? ''
    // Under the same id, so that the paths of both lead to something.
    await keepRecords(world.database, hotlineKey, [{ callId, endedAt: Date.now() }])
    deliveryId = await exampleDelivery(world, { name: itemName })
  })
  afterAll(() => world.close())

  function fill(url: string): string {
    const isEnterprise = url.includes('call_centers_properties') && !url.includes('/groups/')
    const values: Record<string, string> = {
      tenant_id: isEnterprise ? 'othertenant' : 'footenant',
      group_id: 'foogroup',
      route_point_user_id: 'APIOTestRP',
      user_id: userIn(url),
      token_id: tokenId,
      instance_name: itemName,
      call_id: callId,
      engine_name: 'test',
      offer_id: '1',
      delivery_id: deliveryId,
    }
    return url.replaceAll(/:(\w+)/g, (_, name) => values[name] ?? name)
  }

  /** The routes of the API: with a body where they read one. */
  function apiRoutes(...methods: string[]): Route[] {
    return world.routes.filter(
      ({ url, method }) => url.startsWith('/api/') && methods.includes(method),
    )
  }

  const health = { method: 'GET', url: '/healthz' }

  function isRead({ method, url }: Route): boolean {
    return world.app.operations.some(
      (one) => one.method === method && [one.path, one.alias].includes(url) && one.body,
    )
  }

  it('is known to this test: the walk is not empty', () => {
    const { paths } = world.app.openapi()
    const urls = new Set(world.routes.map(({ url }) => url.replaceAll(/:(\w+)/g, '{$1}')))
    expect(Object.keys(paths).length).toBeGreaterThan(40)
    for (const path of Object.keys(paths)) expect(urls.has(path), path).toBe(true)
  })

  it('declares one right of the closed list', () => {
    const undeclared = world.routes.filter(({ options }) => {
      const permission = options.config?.permission
      return permission === undefined || !Object.hasOwn(permissions, permission)
    })
    expect(undeclared.map(({ method, url }) => `${method} ${url}`)).toEqual([])
  })

  it('is open to nobody unless it is public', async () => {
    const publicRoutes = new Set<string>()
    for (const { method, url, options } of world.routes) {
      if (options.config?.permission === 'public') publicRoutes.add(url)
      else if (method !== 'HEAD') expectRefusal(await world.ask('nobody', method, fill(url)), 401)
    }
    expect([...publicRoutes].filter((url) => url.startsWith('/api/'))).toEqual([
      '/api/v1/login/',
      '/api/v1/logout/',
    ])
  })

  it('names an unknown member of the body that it reads, and writes nothing', async () => {
    await expectUnchanged(world, async () => {
      for (const route of apiRoutes('POST', 'PUT').filter(isRead)) {
        const { method, url } = route
        const answer = await world.ask('system', method, fill(url), { surprise: 1 })
        expect(answer.status, `${method} ${url}`).toBe(400)
        const unknown = {
          code: 2,
          parameter: 'surprise',
          message: "The 'surprise' field is unknown.",
        }
        expect(answer.body.errors, `${method} ${url}`).toContainEqual({
          ...unknown,
          name: 'INVALID_PARAMETERS',
        })
      }
    })
  })

  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE']

  it('names each query parameter that it does not know, and writes nothing', async () => {
    await expectUnchanged(world, async () => {
      for (const { method, url } of [...apiRoutes(...methods), health]) {
        const path = `${fill(url)}?DryRun=true&surprise&_=1732800000000&constructor=x`
        const answer = await world.ask('system', method, path)
        expect(answer.status, `${method} ${path}`).toBe(400)
        if (method === 'HEAD') continue
        const unknown = ['DryRun', 'surprise', 'constructor'].map((parameter) => ({
          code: 2,
          parameter,
          message: `The '${parameter}' parameter is unknown here.`,
        }))
        expectRefusal(answer, 400, unknown)
      }
    })
  })

  it('tells nobody of parameters who may not ask at all', async () => {
    for (const { method, url, options } of apiRoutes('GET', 'POST', 'PUT', 'DELETE')) {
      if (options.config?.permission === 'public') continue
      expectRefusal(await world.ask('nobody', method, `${fill(url)}?surprise`), 401)
    }
  })

  it('passes over the cache buster of browser libraries', async () => {
    for (const { method, url } of [...apiRoutes('GET'), health]) {
      const [plain, busted] = [fill(url), `${fill(url)}?_=1732800000000`]
      const answers = [plain, busted].map((path) => world.ask('system', method, path))
      const [one, other] = await Promise.all(answers)
      if (!one || !other) throw new Error('Both were asked.')
      expect(one.status, url).toBe(200)
      expect(comparable(other), url).toEqual(comparable(one))
    }
  })

  it.each(['[]', '"x"', 'null', '5', 'true', '', ' '])('refuses the body %j', async (body) => {
    await expectUnchanged(world, async () => {
      for (const { method, url } of apiRoutes('POST', 'PUT').filter(isRead)) {
        const answer = await world.ask('system', method, fill(url), body)
        const { status, body: refusal } = answer
        expect({ method, url, status, errors: refusal.errors }).toEqual({
          method,
          url,
          status: 400,
          errors: [
            { code: 2, name: 'INVALID_PARAMETERS', message: 'The body must be a JSON object.' },
          ],
        })
      }
    })
  })

  it('answers the same without its trailing slash', async () => {
    const bodies: Record<string, unknown> = { POST: { surprise: 1 }, PUT: { surprise: 1 } }
    await expectUnchanged(world, async () => {
      for (const { method, url } of apiRoutes('GET', 'POST', 'PUT', 'DELETE')) {
        if (url === '/api/v1/logout/') continue
        expect(url).toMatch(/\/$/)
        const path = fill(url)
        const headers = method === 'DELETE' ? { 'if-match': '"no such state"' } : {}
        const [one, other] = await Promise.all(
          [path, path.replace(/\/$/, '')].map((at) =>
            world.ask('system', method, at, bodies[method], headers),
          ),
        )
        if (!one || !other) throw new Error('Both were asked.')
        expect(comparable(other), `${method} ${path}`).toEqual(comparable(one))
        // What stands against a deletion is told before its precondition.
        const statuses = { GET: [200], DELETE: [400, 412] }[method] ?? [400]
        expect(statuses, `${method} ${path} ${one.text}`).toContain(one.status)
      }
    })
  })

  it('tells its methods when it is asked for another', async () => {
    const methodsOf = Map.groupBy(
      apiRoutes('GET', 'HEAD', 'POST', 'PUT', 'DELETE'),
      ({ url }) => url,
    )
    for (const [url, those] of methodsOf) {
      const allow = those
        .map(({ method }) => method)
        .sort()
        .join(', ')
      for (const method of ['PATCH', 'OPTIONS', 'DELETE', 'PUT', 'POST', 'GET']) {
        if (those.some((one) => one.method === method)) continue
        for (const path of [fill(url), fill(url).replace(/\/$/, '')]) {
          const answer = await world.ask(
            'system',
            method,
            path,
            method === 'GET' ? undefined : '{}',
          )
          expectRefusal(answer, 405)
          expect(answer.headers.allow, `${method} ${path}`).toBe(allow)
        }
      }
    }
  })

  it('has a path that is no other', async () => {
    for (const { url } of apiRoutes('GET')) {
      expectRefusal(await world.ask('system', 'GET', `${fill(url)}nowhere/at/all/`), 404)
    }
    expectRefusal(await world.ask('nobody', 'POST', '/nowhere', 'a=b'), 404)
  })

  it('keeps passwords out of its answers', async () => {
    for (const { url } of apiRoutes('GET')) {
      const { text } = await world.ask('system', 'GET', fill(url))
      expect(text, url).not.toMatch(/password|argon2/i)
      expect(text, url).not.toContain(password)
    }
  })
})
