import { setTimeout as delay } from 'node:timers/promises'
import type { ShownCall } from '../../src/features/calls/shown.ts'
import type { Cluster } from './cluster-stage.ts'
import { routePointOf } from './stage.ts'

/** Milliseconds between two looks at a hotline's calls. */
const lookMilliseconds = 200

/** Milliseconds after which an answer is given up. */
const patience = 4_000

/** Milliseconds for which a node that did not answer is not asked, as behind a load balancer. */
const shunned = 5_000

/** What anybody who routes must reckon with, and what an offer that is told `Retry-After` waits. */
const promised = new Set([200, 201, 404, 409, 412, 503])
const retryMilliseconds = 1_000

/** A routing system without agents: it offers each call that waits at once, through whichever node. */
export interface Router {
  /** Offers calls of a hotline from now on, each when it has waited so long. */
  route(hotline: number, afterSeconds?: number): void
  /** Answers that the API does not promise in trouble. */
  readonly surprises: readonly string[]
  stop(): Promise<void>
}

interface Asked {
  method?: string
  hotline: number
  path: string
  body?: object
}

/** With what callers' numbers begin; a digit for their kind follows, and their number among those. */
export const callerPrefix = '+41790'

/** Each caller is connected with somebody whose number tells who called. */
export function calledFor(caller: string): string {
  const [kind = '', ...digits] = caller.slice(callerPrefix.length)
  return `+32471${kind}${digits.join('').padStart(5, '0')}`
}

/** Asks either node, at random among those that have just answered. */
function createAsking({ nodes, token }: Cluster, surprises: string[]) {
  const shunnedUntil = nodes.map(() => 0)
  function pick(): number {
    const fit = [0, 1].filter((index) => (shunnedUntil[index] ?? 0) < Date.now())
    const from = fit.length === 0 ? [0, 1] : fit
    return from[Math.floor(Math.random() * from.length)] ?? 0
  }
  return async ({ method = 'GET', hotline, path, body }: Asked) => {
    const index = pick()
    try {
      const answer = await fetch(`${nodes[index]?.url}${routePointOf(hotline)}calls/${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(patience),
      })
      const text = await answer.text()
      if (!promised.has(answer.status)) surprises.push(`${method} ${answer.status} ${text}`)
      return { status: answer.status, text }
    } catch {
      // What is asked of a call may hang at the other node, to which it was passed on.
      if (method === 'GET') shunnedUntil[index] = Date.now() + shunned
      return undefined
    }
  }
}

export function startRouter(cluster: Cluster): Router {
  const surprises: string[] = []
  const ask = createAsking(cluster, surprises)
  /** Calls that are being offered, and those that are to be left alone for a moment. */
  const busy = new Set<string>()
  let isRunning = true
  const loops: Promise<void>[] = []

  async function calls(hotline: number): Promise<ShownCall[]> {
    const answer = await ask({ hotline, path: '?routing=true' })
    if (answer?.status !== 200) throw new Error(`No list: ${answer?.status} ${answer?.text}`)
    return JSON.parse(answer.text).calls
  }

  async function offer(hotline: number, { callId, caller }: ShownCall): Promise<void> {
    busy.add(callId)
    const path = `${callId}/offer/`
    const body = { destination: calledFor(caller.number) }
    const answer = await ask({ method: 'POST', hotline, path, body })
    if (answer?.status !== 201) await delay(answer?.status === 503 ? retryMilliseconds : 0)
    busy.delete(callId)
  }

  async function look(hotline: number, afterSeconds: number): Promise<void> {
    while (isRunning) {
      const began = Date.now()
      const list = await calls(hotline).catch(() => [])
      for (const call of list) {
        const { callId, state, waitingSince = '' } = call
        const isDue = began - Date.parse(waitingSince) >= afterSeconds * 1_000
        if (state === 'waiting' && isDue && !busy.has(callId)) void offer(hotline, call)
      }
      await delay(Math.max(lookMilliseconds - (Date.now() - began), 10))
    }
  }

  return {
    route(hotline, afterSeconds = 0) {
      loops.push(look(hotline, afterSeconds))
    },
    surprises,
    async stop() {
      isRunning = false
      await Promise.all(loops)
    },
  }
}
