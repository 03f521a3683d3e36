/**
 * A routing system in one file: it offers the call that has waited longest to the agent who has been idle longest.
 *
 *   POINTSMAN_TOKEN=… node examples/longest-idle.ts ROUTE_POINT AGENT…
 *
 * ROUTE_POINT is the address of a route point, from http:// to the slash at its end; AGENT… are the whole ids of users of
 * its group. The token is one of an admin of the group: POST /api/v1/tokens/ gives it. Ctrl-C ends it; calls go on.
 */
import { setTimeout as sleep } from 'node:timers/promises'

/** What matters here of a call, as the API shows it. */
interface Call {
  callId: string
  state: string
  caller: { name: string; number: string }
  offer?: { agent?: string }
}

/** Each look shows the service for 30 s that somebody routes; without one its failover policy would apply. */
const lookMilliseconds = 1_000

/** Who lets a call ring, or whose phone refuses it, is left alone for so long. */
const restMilliseconds = 15_000

const [routePoint = '', ...agents] = process.argv.slice(2)
const authorization = `Bearer ${process.env.POINTSMAN_TOKEN}`

/** Since when each agent is idle; a time to come for those who are not. They begin in the order of the command line. */
const idleSince = new Map(agents.map((agent, index) => [agent, index]))

const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stopping.abort())

function say(text: string): void {
  process.stdout.write(`${new Date().toISOString()} ${text}\n`)
}

/** Waits 10 s at most: the next look must come before the service takes us for gone. */
function ask(path: string, body?: object): Promise<Response> {
  const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(10_000)])
  const headers = { authorization, 'content-type': 'application/json' }
  const post = body && { method: 'POST', body: JSON.stringify(body) }
  return fetch(`${routePoint}calls/${path}`, { signal, headers, ...post })
}

/** The calls that there are: first those that wait, by their places. None while the service cannot tell. */
async function look(): Promise<Call[]> {
  const answer = await ask('?routing=true')
  const text = await answer.text()
  if (answer.ok) return JSON.parse(text).calls
  say(`The calls cannot be seen: ${answer.status} ${text}`)
  // A wrong token or address does not mend by itself; whoever watches over this program learns it by its end.
  if (answer.status < 500) process.exit(1)
  return []
}

/** Who speaks may be idle when we look again; whose phone rings is, if they take the call, at a later look. */
function noteAgents(calls: readonly Call[]): void {
  for (const { state, offer } of calls) {
    if (offer?.agent === undefined || !idleSince.has(offer.agent)) continue
    const milliseconds = state === 'connected' ? lookMilliseconds : restMilliseconds
    idleSince.set(offer.agent, Date.now() + milliseconds)
  }
}

function longestIdle(): string | undefined {
  const idle = [...idleSince].filter(([, since]) => since <= Date.now())
  return idle.sort(([, one], [, other]) => one - other)[0]?.[0]
}

/** Anything can have happened since we looked, so a refusal is no failure: the next look tells how things are. */
async function offer({ callId, caller }: Call, agent: string): Promise<void> {
  const answer = await ask(`${callId}/offer/`, { agent })
  say(`${caller.name} ${caller.number} → ${agent}: ${answer.status} ${await answer.text()}`)
  // The call has gone or changed: that is not the agent's doing.
  if (answer.status === 404 || answer.status === 412) return
  // 409: the call or the agent is taken, or their phone has just failed. 503: the service cannot, for the moment.
  const seconds = Number(answer.headers.get('retry-after') ?? 1)
  idleSince.set(agent, Date.now() + (answer.ok ? restMilliseconds : seconds * 1_000))
}

while (!stopping.signal.aborted) {
  try {
    const calls = await look()
    noteAgents(calls)
    for (const call of calls.filter(({ state }) => state === 'waiting')) {
      const agent = longestIdle()
      if (agent !== undefined) await offer(call, agent)
    }
  } catch (error) {
    // The service or the network is away, or we are to stop: we go on looking until we are.
    if (!stopping.signal.aborted) say(`No answer: ${error}`)
  }
  await sleep(lookMilliseconds, undefined, { signal: stopping.signal }).catch(() => {})
}
