import { setTimeout as delay } from 'node:timers/promises'
import { password } from './node.ts'

const group = '/api/v1/tenants/footenant/groups/foogroup/'

/** Milliseconds after which a client gives a request up; the service's own limits are shorter. */
const patience = 30_000

/** Milliseconds that a client waits before it turns to the next node. */
const pause = 20

/** One write of a client. */
export interface Attempt {
  /** A change of a setting, or a creation under an id that the service chooses, which would stand there twice. */
  kind: 'change' | 'creation'
  acknowledged: boolean
  /** Of what was created, as its client was told. */
  path?: string
  routePoint: number
  order: number
}

export interface Load {
  /** Every value that a client sent, and what became of it. */
  readonly values: ReadonlyMap<string, Attempt>
  acknowledged(): number
  /** Answers that are neither a success nor one that the API promises in trouble. */
  readonly surprises: readonly string[]
  /** Longest time in seconds in which no write was acknowledged. */
  secondsWithoutService(): number
  /** Longest time in seconds that a client waited for an answer. */
  slowestAnswerSeconds(): number
  stop(): Promise<void>
}

export async function send(
  url: string,
  token: string,
  method: string,
  body?: object,
): Promise<Response> {
  const json = body === undefined ? {} : { body: JSON.stringify(body) }
  return fetch(url, {
    method,
    ...json,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    signal: AbortSignal.timeout(patience),
  })
}

function routePointPath(index: number): string {
  return `${group}services/route_points/load${index}@sip.example.org/`
}

/** Signs in, and creates a route point for each client. */
export async function furnish(url: string, clients: number): Promise<string> {
  const credentials = { username: 'admin', password }
  const login = await send(`${url}/api/v1/login/`, '', 'POST', credentials)
  const cookie = login.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
  const answer = await fetch(`${url}/api/v1/tokens/`, {
    method: 'POST',
    headers: { cookie, 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'load' }),
  })
  const { token } = (await answer.json()) as { token: string }
  const posts: [string, object][] = [
    [
      '/api/v1/tenants/',
      { tenantId: 'footenant', type: 'ServiceProvider', defaultDomain: 'sip.example.org' },
    ],
    ['/api/v1/tenants/footenant/groups/', { groupId: 'foogroup' }],
    ...Array.from({ length: clients }, (_, index): [string, object] => [
      `${group}services/route_points/`,
      { serviceUserId: `load${index}`, serviceInstanceProfile: { name: `Load ${index}` } },
    ]),
  ]
  for (const [path, body] of posts) {
    const created = await send(url + path, token, 'POST', body)
    if (created.status !== 201) throw new Error(`${path}: ${await created.text()}`)
  }
  return token
}

/**
 * Lets clients change, create and read until they are stopped, each its own route point and never the same value twice. A client
 * whose request fails goes on with the next value at the next node, as behind a load balancer.
 */
export function startLoad(urls: readonly string[], token: string, clients: number): Load {
  const values = new Map<string, Attempt>()
  const surprises: string[] = []
  let acknowledged = 0
  let isRunning = true
  let lastSuccess = performance.now()
  let longestGap = 0
  let slowestAnswer = 0

  /** The answer; undefined when there is none: what became of a write is for the database to say. */
  async function ask(url: string, method: string, body?: object) {
    const start = performance.now()
    try {
      const answer = await send(url, token, method, body)
      const text = await answer.text()
      slowestAnswer = Math.max(slowestAnswer, performance.now() - start)
      const { status, headers } = answer
      const isInTrouble = status === 503 && headers.has('retry-after')
      // The answer to an earlier deletion was lost.
      const isGone = method === 'DELETE' && status === 404
      const isPromised = status === 200 || status === 201 || isInTrouble || isGone
      if (!isPromised) surprises.push(`${method} ${status} ${text}`)
      return { status, text }
    } catch (error) {
      const isTimeout = error instanceof Error && error.name === 'TimeoutError'
      if (isTimeout) surprises.push(`${method}: no answer in ${patience / 1_000} s`)
      return undefined
    }
  }

  function noteSuccess(): void {
    const now = performance.now()
    longestGap = Math.max(longestGap, now - lastSuccess)
    lastSuccess = now
  }

  /** An account has only so many tokens, so what was created goes again; the record of its creation stays. */
  async function removeTokens(url: string, tokenIds: Set<string>): Promise<void> {
    for (const tokenId of tokenIds) {
      const answer = await ask(`${url}/api/v1/tokens/${tokenId}/`, 'DELETE')
      if (answer?.status !== 200 && answer?.status !== 404) return
      tokenIds.delete(tokenId)
    }
  }

  async function writeOnce(
    url: string,
    { routePoint, order, created }: { routePoint: number; order: number; created: Set<string> },
  ): Promise<boolean> {
    const value = `${100_000 + routePoint}${String(order).padStart(6, '0')}`
    const kind = order % 2 === 0 ? 'change' : 'creation'
    const state: Attempt = { kind, acknowledged: false, routePoint, order }
    values.set(value, state)
    const overflow = `${url}${routePointPath(routePoint)}overflow/`
    const answer =
      kind === 'change'
        ? await ask(overflow, 'PUT', { transferPhoneNumber: value })
        : await ask(`${url}/api/v1/tokens/`, 'POST', { name: value })
    if (answer?.status !== 200 && answer?.status !== 201) return false
    state.acknowledged = true
    acknowledged += 1
    noteSuccess()
    if (kind === 'creation') {
      const { tokenId } = JSON.parse(answer.text)
      state.path = `/api/v1/tokens/${tokenId}/`
      created.add(tokenId)
    }
    return true
  }

  async function client(routePoint: number): Promise<void> {
    let node = routePoint % urls.length
    const created = new Set<string>()
    for (let order = 0; isRunning; order += 1) {
      const url = urls[node] ?? ''
      const succeeded = await writeOnce(url, { routePoint, order, created })
      if (succeeded) {
        await ask(`${url}${routePointPath(routePoint)}overflow/`, 'GET')
        await removeTokens(url, created)
      } else {
        node = (node + 1) % urls.length
        await delay(pause)
      }
    }
  }

  const running = Promise.all(Array.from({ length: clients }, (_, index) => client(index)))
  return {
    values,
    surprises,
    acknowledged: () => acknowledged,
    secondsWithoutService: () =>
      Math.round(Math.max(longestGap, isRunning ? performance.now() - lastSuccess : 0)) / 1_000,
    slowestAnswerSeconds: () => Math.round(slowestAnswer) / 1_000,
    async stop() {
      isRunning = false
      await running
    },
  }
}
