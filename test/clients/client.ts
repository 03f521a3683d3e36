import createClient from 'openapi-fetch'
import type { components, paths } from './api.d.ts'

// A client as somebody else writes it, with types made of openapi.json alone. The test beside it checks that it is correct
// by them, and runs it against the demo.

const [baseUrl = '', username = '', password = '', file = ''] = process.argv.slice(2)

/** The body of an answer, or a failure that says why there is none. */
function dataOf<Data>(answer: { data?: Data; error?: components['schemas']['Problem'] }): Data {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error))
  return answer.data
}

const visitor = createClient<paths>({ baseUrl })
const signIn = await visitor.POST('/api/v1/login/', { body: { username, password } })
const { profile } = dataOf(signIn)
const cookie = signIn.response.headers.get('set-cookie')?.split(';', 1)[0] ?? ''

const session = createClient<paths>({ baseUrl, headers: { cookie } })
const { token } = dataOf(await session.POST('/api/v1/tokens/', { body: { name: 'client' } }))

const api = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${token}` } })
const group = { tenant_id: 'footenant', group_id: 'foogroup' }
const list = dataOf(
  await api.GET('/api/v1/tenants/{tenant_id}/groups/{group_id}/services/route_points/', {
    params: { path: group, query: { insensitiveNameContains: 'apio', pageSize: 10 } },
  }),
)
const [first] = list.route_points
if (!first) throw new Error('The demo has no route point.')

const change: components['schemas']['OverflowChange'] = { timeoutSeconds: 45 }
const params = { path: { ...group, route_point_user_id: first.serviceUserId } }
const overflow: components['schemas']['Overflow'] = dataOf(
  await api.PUT(
    '/api/v1/tenants/{tenant_id}/groups/{group_id}/services/route_points/{route_point_user_id}/overflow/',
    { params, body: change },
  ),
)

const upload: components['schemas']['AnnouncementCreationForm'] = {
  name: 'Made by a client',
  content: new Blob([Buffer.from(file, 'base64')], { type: 'audio/wav' }),
}
const announcement = dataOf(
  await api.POST('/api/v1/tenants/{tenant_id}/groups/{group_id}/announcements/', {
    params: { path: group, header: { 'Idempotency-Key': crypto.randomUUID() } },
    body: upload,
    bodySerializer(body) {
      const form = new FormData()
      for (const [name, value] of Object.entries(body)) if (value !== null) form.set(name, value)
      return form
    },
  }),
)

const missing = await api.GET('/api/v1/tenants/{tenant_id}/', {
  params: { path: { tenant_id: 'nowhere' } },
})

const answers = {
  level: profile.user_level,
  routePoints: list.route_points.map(({ name }) => name),
  timeoutSeconds: overflow.timeoutSeconds,
  announcement: announcement.name,
  missing: missing.error?.errors[0]?.code,
}
process.stdout.write(JSON.stringify(answers))

// What the types do not allow.
// @ts-expect-error there is no such member
const misspelt: components['schemas']['OverflowChange'] = { timeoutSecond: 45 }
// @ts-expect-error an action is one of three
const unknown: components['schemas']['Overflow']['action'] = 'Explode'
// @ts-expect-error a creation needs its name
const incomplete: components['schemas']['RoutePointCreation'] = { serviceUserId: 'x' }
export const refused = [misspelt, unknown, incomplete]
