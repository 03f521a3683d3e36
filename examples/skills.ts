/**
 * A routing system by skills: a call goes to an agent who serves its DNIS, and to anybody once it has waited for 20 s.
 *
 *   POINTSMAN_TOKEN=… node examples/skills.ts ROUTE_POINT AGENT=DNIS,DNIS…
 *
 * DNIS… are the names of those that an agent serves, the dearest first. Why the rest is as it is says longest-idle.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises'

type Waiting = { waitingSince: string; isBounced: boolean; dnis?: string }
type Call = Waiting & { callId: string; state: string }
type Agent = { agent: string; state: string; since?: string; until?: string }
type Snapshot = { calls: Call[]; agents: Agent[] }
type Event = Partial<Snapshot & Agent & { call: Call; offer: Partial<Agent>; hasLeft: boolean }>
const [routePoint = '', ...wanted] = process.argv.slice(2)
const pairs = wanted.map((text) => text.split('='))
const skills = new Map(pairs.map(([name = '', list = '']) => [name.toLowerCase(), list.split(',')]))
const [, services, id] = /^(https?:.*\/)route_points\/([^/]+)\/$/.exec(routePoint) ?? []
if (!id || skills.size === 0) throw new Error('Call it as its first lines say.')
const stream = `${services}call_events/?routePoint=${id}&routing=true`
const presence = `${services}call_events/presence/?routePoint=${id}`
const authorization = `Bearer ${process.env.POINTSMAN_TOKEN}`
const headers = { authorization, 'content-type': 'application/json' }

/** What the events have told, and until when calls and agents are left alone. */
const calls = new Map<string, Call>()
const agents = new Map<string, Agent>()
const pauses = new Map<string, number>()
let last = ''
let isHearing = false
const say = (what: unknown) => process.stdout.write(`${new Date().toISOString()} ${what}\n`)
const pause = (name: string, seconds: number) => pauses.set(name, performance.now() + 1e3 * seconds)
const isPaused = (name: string) => (pauses.get(name) ?? 0) > performance.now()

async function post(url: string, body: object) {
  const signal = AbortSignal.timeout(5_000)
  const answer = await fetch(url, { method: 'POST', headers, signal, body: JSON.stringify(body) })
  return { answer, text: await answer.text() }
}

async function offer(callId: string, agent: string): Promise<void> {
  for (const name of [callId, agent]) pause(name, 5)
  const { answer, text } = await post(`${routePoint}calls/${callId}/offer/`, { agent })
  say(`${callId} → ${agent}: ${answer.status} ${text}`)
  if (answer.ok) return
  pause(callId, 0.5)
  pause(agent, Number(answer.headers.get('retry-after') ?? (answer.status === 400 ? 30 : 2)))
}
function isFree(name: string): boolean {
  const { state = 'Available', until = '9999' } = agents.get(name) ?? {}
  return (state === 'Available' || until <= new Date().toISOString()) && !isPaused(name)
}
const idleSince = (name: string) => agents.get(name)?.until ?? agents.get(name)?.since ?? ''
const placeOf = (call: Call) => `${call.isBounced ? 0 : 1} ${call.waitingSince} ${call.callId}`

/** How far a call is from what an agent likes best; -1 where it is not for them. */
function distanceOf({ dnis, waitingSince }: Call, name: string): number {
  const index = dnis === undefined ? 0 : (skills.get(name)?.indexOf(dnis) ?? -1)
  return index >= 0 || Date.now() - Date.parse(waitingSince) < 20_000 ? index : 99
}
function route(): void {
  const waiting = [...calls.values()].filter((call) => call.state === 'waiting')
  waiting.sort((one, other) => placeOf(one).localeCompare(placeOf(other)))
  for (const call of waiting.filter(({ callId }) => !isPaused(callId))) {
    const distance = (name: string) => distanceOf(call, name)
    const able = [...skills.keys()].filter((name) => isFree(name) && distance(name) >= 0)
    able.sort((one, other) => idleSince(one).localeCompare(idleSince(other)))
    const [agent] = able.sort((one, other) => distance(one) - distance(other))
    if (agent) offer(call.callId, agent).catch(say)
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
  if (failed?.agent) pause(failed.agent.toLowerCase(), 10)
}

async function listen(signal: AbortSignal, silence: NodeJS.Timeout): Promise<void> {
  const after = last === '' ? headers : { ...headers, 'last-event-id': last }
  const answer = await fetch(stream, { headers: after, signal })
  if (!answer.ok) {
    say(`The events cannot be seen: ${answer.status} ${await answer.text()}`)
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
