/**
 * A routing system in one file: it offers the call that has waited longest to the agent who has been idle longest.
 *
 *   POINTSMAN_TOKEN=… node examples/longest-idle.ts ROUTE_POINT AGENT…
 *
 * ROUTE_POINT is the address of a route point, from http:// to the slash at its end; AGENT… are the whole ids of users
 * of its group. The token is one of an admin of the group: POST /api/v1/tokens/ gives it. Ctrl-C ends it; calls go on.
 */
import { setTimeout as sleep } from 'node:timers/promises'

type Call = { callId: string; state: string; isBounced: boolean; waitingSince?: string }
type Agent = { agent: string; state: string; since?: string; until?: string }
type Snapshot = { calls: Call[]; agents: Agent[] }
type Event = Partial<Snapshot & Agent & { call: Call; offer: Partial<Agent>; hasLeft: boolean }>
const [routePoint = '', ...wanted] = process.argv.slice(2)
const names = wanted.map((name) => name.toLowerCase())
const [, services, id] = /^(https?:.*\/)route_points\/([^/]+)\/$/.exec(routePoint) ?? []
if (!id || names.length === 0) throw new Error('Call it as its first lines say.')
const stream = `${services}call_events/?routePoint=${id}&routing=true`
const presence = `${services}call_events/presence/?routePoint=${id}`
const authorization = `Bearer ${process.env.POINTSMAN_TOKEN}`
const headers = { authorization, 'content-type': 'application/json' }

/** What the events have told: the calls that there are, and agents. Of whom nothing was told is free. */
const calls = new Map<string, Call>()
const agents = new Map<string, Agent>()
/** Until when calls and agents are left alone, on a clock that nobody sets. */
const pauses = new Map<string, number>()
/** The id of the last event: behind it the next stream goes on. */
let last = ''
/** Who hears no events knows nothing: then nothing is offered, and the service is not told that somebody routes. */
let isHearing = false
const say = (what: unknown) => process.stdout.write(`${new Date().toISOString()} ${what}\n`)
const pause = (name: string, seconds: number) => pauses.set(name, performance.now() + 1e3 * seconds)
const isPaused = (name: string) => (pauses.get(name) ?? 0) > performance.now()

async function post(url: string, body: object) {
  const signal = AbortSignal.timeout(5_000)
  const answer = await fetch(url, { method: 'POST', headers, signal, body: JSON.stringify(body) })
  return { answer, text: await answer.text() }
}

/** The call and the agent are left alone until the events tell what follows from it. */
async function offer(callId: string, agent: string): Promise<void> {
  for (const name of [callId, agent]) pause(name, 5)
  const { answer, text } = await post(`${routePoint}calls/${callId}/offer/`, { agent })
  say(`${callId} → ${agent}: ${answer.status} ${text}`)
  if (answer.ok) return
  // 404: the call is over. 409: it or the agent is taken, or a telephone has just failed. 400: there is no such agent.
  pause(callId, 0.5)
  pause(agent, Number(answer.headers.get('retry-after') ?? (answer.status === 400 ? 30 : 2)))
}

/** A wrap-up ends by itself, without an event. */
function isFree(name: string): boolean {
  const { state = 'Available', until = '9999' } = agents.get(name) ?? {}
  return (state === 'Available' || until <= new Date().toISOString()) && !isPaused(name)
}
const idleSince = (name: string) => agents.get(name)?.until ?? agents.get(name)?.since ?? ''
const placeOf = (call: Call) => `${call.isBounced ? 0 : 1} ${call.waitingSince} ${call.callId}`
/** Offers what waits, in the order of the queue, as long as somebody is free. */
function route(): void {
  const waiting = [...calls.values()].filter((call) => call.state === 'waiting')
  waiting.sort((one, other) => placeOf(one).localeCompare(placeOf(other)))
  for (const { callId } of waiting.filter((call) => !isPaused(call.callId))) {
    const free = names.filter(isFree)
    const [agent] = free.sort((one, other) => idleSince(one).localeCompare(idleSince(other)))
    if (agent) offer(callId, agent).catch(say)
  }
}

function note(type: string, event: Event): void {
  const { calls: standing = [], agents: changed = [], call, hasLeft, offer: failed } = event
  if (type === 'snapshot') calls.clear()
  if (type === 'agent.changed') changed.push(event as Agent)
  for (const one of changed) agents.set(one.agent.toLowerCase(), one)
  for (const one of call ? [call] : standing) calls.set(one.callId, one)
  if (call && (type === 'call.ended' || hasLeft)) calls.delete(call.callId)
  if (call && call.state !== 'waiting') pauses.delete(call.callId)
  // Who did not take a call may be away: their telephone has a rest.
  if (failed?.agent) pause(failed.agent.toLowerCase(), 10)
}

async function listen(signal: AbortSignal, silence: NodeJS.Timeout): Promise<void> {
  const after = last === '' ? headers : { ...headers, 'last-event-id': last }
  const answer = await fetch(stream, { headers: after, signal })
  if (!answer.ok) {
    say(`The events cannot be seen: ${answer.status} ${await answer.text()}`)
    // A wrong token or address does not mend by itself; whoever watches over this program learns it by its end.
    if (answer.status < 500 && answer.status !== 429) process.exit(1)
    return sleep(1e3 * Number(answer.headers.get('retry-after') ?? 1))
  }
  let text = ''
  for await (const piece of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    silence.refresh()
    const blocks = (text + piece).split('\n\n')
    text = blocks.pop() ?? ''
    for (const block of blocks) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1]
      note(field('event') ?? '', JSON.parse(field('data') ?? '{}'))
      last = field('id') ?? last
    }
    isHearing = true
    route()
  }
}

for (const name of ['SIGINT', 'SIGTERM']) process.once(name, () => process.exit(0))
// Time brings calls and agents back too; and an open stream alone does not show the service that somebody routes.
setInterval(() => isHearing && route(), 1_000)
setInterval(() => isHearing && post(presence, {}).catch(say), 10_000)
for (;;) {
  const broken = new AbortController()
  const silence = setTimeout(() => broken.abort('No event, not even a heartbeat, for 45 s.'), 45e3)
  await listen(broken.signal, silence).catch(say)
  clearTimeout(silence)
  isHearing = false
  await sleep(1_000)
}
