import type { ShownCall } from '../../src/features/calls/shown.ts'
import { openStage, type Stage, until } from './stage.ts'

/** What became of the calls of a node that was ended and started again; `lost`, `doubled`, `stuck` and `wronglyRecorded` must be 0. */
export interface CallVerdict {
  waiting: number
  ringing: number
  connected: number
  /** Callers and agents who hung up while no node was there. */
  left: number
  /** Calls that ended though nobody hung up, or stood otherwise than before. */
  lost: number
  /** Records beyond one a call. */
  doubled: number
  /** Calls without a record, channels, bridges and rows that are there when all is over. */
  stuck: number
  wronglyRecorded: number
  /** From the death of the node to its being started again. */
  secondsAway: number
  /** From then on until a caller who waited speaks with somebody. */
  secondsUntilTreated: number
}

export function isGood({ lost, doubled, stuck, wronglyRecorded }: CallVerdict): boolean {
  return lost + doubled + stuck + wronglyRecorded === 0
}

type State = ShownCall['state']

const inState = (calls: readonly ShownCall[], wanted: State) =>
  calls.filter(({ state }) => state === wanted)

const statesOf = (calls: readonly ShownCall[]) =>
  new Map(calls.map(({ callId, state }) => [callId, state]))

/** Brings so many calls about: two of five speak, one of five rings at an agent, the others wait. */
async function begin(stage: Stage, count: number): Promise<ShownCall[]> {
  await stage.callers(count)
  await until('all wait', async () => inState(await stage.calls(), 'waiting').length === count)
  const calls = await stage.calls()
  const connected = Math.floor((count * 2) / 5)
  const ringing = Math.floor(count / 5)
  for (const { callId } of calls.slice(0, connected)) await stage.connect(callId)
  for (const [agent, { callId }] of calls.slice(connected, connected + ringing).entries()) {
    await stage.offer(callId, agent)
  }
  await until('some speak', async () => {
    const now = await stage.calls()
    return (
      inState(now, 'connected').length === connected && inState(now, 'offered').length === ringing
    )
  })
  return stage.calls()
}

/** Somebody hangs up: the caller, where no other side is wanted. */
async function hangUp({ asterisk }: Stage, callId: string, side: 'caller' | 'other') {
  for (const { id } of await asterisk.channels()) {
    const path = `/channels/${encodeURIComponent(id)}`
    const answer = await asterisk.ask('GET', `${path}/variable?variable=POINTSMAN_CALL`)
    const isOfCall = answer.ok && ((await answer.json()) as { value: string }).value === callId
    const isOther = id.includes(callId)
    if (isOfCall && isOther === (side === 'other')) await asterisk.ask('DELETE', path)
  }
}

/** A caller who waits hangs up, one who rings at an agent, one who speaks, and one who is spoken with. */
async function someLeave(stage: Stage, calls: readonly ShownCall[]): Promise<string[]> {
  const [first, second] = inState(calls, 'connected')
  const leaving = [first, inState(calls, 'waiting')[0], inState(calls, 'offered')[0]]
  const ids = leaving.flatMap((call) => (call ? [call.callId] : []))
  for (const callId of ids) await hangUp(stage, callId, 'caller')
  if (!second) return ids
  await hangUp(stage, second.callId, 'other')
  return [...ids, second.callId]
}

/** The first caller who waits speaks with somebody. */
async function treatOne(stage: Stage): Promise<void> {
  await until('a call is treated', async () => {
    const [call] = inState(await stage.calls().catch(() => []), 'waiting')
    // The engine is not there yet.
    if (!call || (await stage.connect(call.callId)) !== 201) return false
    await until('it speaks', async () => {
      const now = await stage.calls()
      return now.some(({ callId, state }) => callId === call.callId && state === 'connected')
    })
    return true
  })
}

/** Treats all that is left to its end, and waits until nothing of it is there. @returns what is there still. */
async function finish(stage: Stage): Promise<number> {
  for (const call of inState(await stage.calls(), 'offered')) await stage.withdraw(call)
  for (const { callId } of inState(await stage.calls(), 'waiting')) await stage.connect(callId)
  await until('all speak', async () =>
    (await stage.calls()).every(({ state }) => state === 'connected'),
  )
  for (const { callId } of await stage.calls()) await stage.release(callId)
  const left = async () =>
    (await stage.asterisk.channels()).length +
    (await stage.asterisk.bridges()).length +
    (await stage.calls()).length
  await until('nothing is left', async () => (await left()) === 0).catch(() => {})
  return left()
}

/** What a call that ended so early is recorded as, by what it did: of one that did not speak nobody saw its caller go. */
const outcomesOfLeft: Partial<Record<State, string>> = {
  connected: 'answered',
  waiting: 'failed',
  offered: 'failed',
}

/**
 * Ends a node, by SIGKILL or properly, while calls wait, ring and speak, lets some of them end meanwhile, and starts it again.
 *
 * @param count calls, at least 10.
 */
export async function playRestart(count: number, way: 'kill' | 'stop'): Promise<CallVerdict> {
  const stage = await openStage({ agents: Math.floor(count / 5) })
  try {
    const before = await begin(stage, count)
    const killed = performance.now()
    await stage.node[way]()
    const left = await someLeave(stage, before)
    const started = performance.now()
    await stage.node.start()
    await treatOne(stage)
    const treated = performance.now()
    const states = statesOf(await stage.calls())
    const kept = before.filter(({ callId }) => !left.includes(callId))
    const lost = kept.filter(({ callId, state }) => {
      const now = states.get(callId)
      return now !== state && !(state === 'waiting' && now === 'connected')
    })
    const stuck = await finish(stage)
    const outcomes = await stage.outcomes()
    const wronglyRecorded = before.filter(({ callId, state }) => {
      const wanted = left.includes(callId) ? outcomesOfLeft[state] : 'answered'
      return outcomes.has(callId) && outcomes.get(callId) !== wanted
    })
    return {
      waiting: inState(before, 'waiting').length,
      ringing: inState(before, 'offered').length,
      connected: inState(before, 'connected').length,
      left: left.length,
      lost: lost.length,
      doubled: Math.max(0, outcomes.size - count),
      stuck: stuck + before.filter(({ callId }) => !outcomes.has(callId)).length,
      wronglyRecorded: wronglyRecorded.length,
      secondsAway: Math.round(started - killed) / 1_000,
      secondsUntilTreated: Math.round(treated - started) / 1_000,
    }
  } finally {
    await stage.close()
  }
}
