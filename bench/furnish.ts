export const password = 'correct horse battery'

const group = '/api/v1/tenants/benchtenant/groups/benchgroup/'

/** What a client sends to be let in, and the settings that it reads and writes. */
export interface Furnished {
  cookie: string
  authorization: string
  /** One forced_forwarding for each route point. */
  paths: string[]
}

/** Creates route points over the API and answers how to reach their settings. */
export async function furnish(url: string, routePoints: number): Promise<Furnished> {
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  const post = async (path: string, body: object) => {
    const answer = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`)
    return answer
  }
  const login = await post('/api/v1/login/', { username: 'admin', password })
  const cookie = login.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
  headers.cookie = cookie
  await post('/api/v1/tenants/', {
    tenantId: 'benchtenant',
    type: 'Enterprise',
    defaultDomain: 'bench.example',
  })
  await post('/api/v1/tenants/benchtenant/groups/', { groupId: 'benchgroup' })
  const paths: string[] = []
  for (let index = 0; index < routePoints; index += 1) {
    const serviceUserId = `rp${index}@bench.example`
    const serviceInstanceProfile = { name: `Route point ${index}` }
    await post(`${group}services/route_points/`, { serviceUserId, serviceInstanceProfile })
    paths.push(`${group}services/route_points/${serviceUserId}/forced_forwarding/`)
  }
  const token = (await (await post('/api/v1/tokens/', { name: 'bench' })).json()) as {
    token: string
  }
  return { cookie, authorization: `Bearer ${token.token}`, paths }
}
