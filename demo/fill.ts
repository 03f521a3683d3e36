import { password, people, type Step } from './state.ts'

/** Asks the demo's own API; `headers` show who asks. */
async function ask(
  url: string,
  { method, body, headers }: { method: string; body: object; headers: Record<string, string> },
): Promise<Response> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${method} ${url}: ${await response.text()}`)
  return response
}

/** Signs somebody in and answers a new API token of theirs. */
export async function tokenOf(site: string, username: string): Promise<string> {
  const credentials = { method: 'POST', headers: {}, body: { username, password } }
  const signedIn = await ask(`${site}/api/v1/login/`, credentials)
  const cookie = signedIn.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
  const creation = { method: 'POST', headers: { cookie }, body: { name: 'demo' } }
  const created = await ask(`${site}/api/v1/tokens/`, creation)
  const { token } = (await created.json()) as { token: string }
  return token
}

/** Fills the empty installation at `site`, one step after another. */
export async function fill(site: string, steps: readonly Step[]): Promise<void> {
  const headers = { authorization: `Bearer ${await tokenOf(site, people[0].username)}` }
  for (const [method, path, body] of steps) await ask(`${site}${path}`, { method, body, headers })
}
