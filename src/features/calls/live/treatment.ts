import type { FastifyBaseLogger } from 'fastify'
import type { Database } from '../../../database/database.ts'
import { EngineFault } from '../../../engines/engine.ts'
import { DatabaseUnavailable } from '../../../errors.ts'
import type { Media } from '../../media/media.ts'
import type { RoutePointBackend } from '../../route-points/backend.ts'
import type { RoutePointKey } from '../../route-points/route-point.ts'
import type { RoutePointState } from '../../route-points/state.ts'
import type { Action, Call, CallEvent, Told } from '../call.ts'
import { resolveDestination } from '../find.ts'
import type { Queues } from '../queue.ts'
import type { Keeping } from '../records/record.ts'
import { isKept, saveCall } from '../rows.ts'
import { type Step, step } from '../step.ts'
import { type BackOff, calledBy } from './back-off.ts'
import type { Deadlines } from './deadlines.ts'
import type { Line } from './line.ts'
import type { CallMeter } from './meter.ts'
import { type EngineAction, perform } from './perform.ts'
import type { Presence } from './presence.ts'
import type { Station } from './station.ts'

/** What treating calls needs. */
export interface Desk {
  database: Database
  backend: Pick<RoutePointBackend, 'state'>
  media: Media
  queues: Queues
  presence: Presence
  deadlines: Deadlines
  backOff: BackOff
  meter: CallMeter
  keeping: Keeping
  /** Whether an engine takes no new calls. */
  isDraining(engine: string): boolean
  /** Whether a session that holds leases is this node's own. */
  isOwnSession(session: string): boolean
  /** How many calls wait at a route point that other engines carry, which other nodes may treat. */
  waitingElsewhere(routePoint: RoutePointKey): Promise<number>
  logger: Pick<FastifyBaseLogger, 'info' | 'warn' | 'error'>
}

/** A call that is treated here. */
export interface LiveCall {
  call: Call
  readonly station: Station
  readonly line: Line
  /** When something last happened to it, by `performance.now()`: what was seen of the engine before that is no longer so. */
  touchedAt: number
  /** What was decided of it at an event, and may have been kept: the database did not answer. */
  open?: { decision: Decision; event: CallEvent } | undefined
}

/** What an event makes of a call, with all that follows at once. */
export interface Decision {
  before: Call
  call: Call
  actions: readonly EngineAction[]
  told: readonly Told[]
  state: RoutePointState | undefined
  isRefused: boolean
}

/** A damaged route point treats no calls; those that it has end. */
async function readState({ backend, logger }: Desk, { routePoint, dnis }: Call) {
  try {
    return { state: await backend.state(routePoint, dnis ?? undefined), isDamaged: false }
  } catch (error) {
    if (error instanceof DatabaseUnavailable) throw error
    logger.error({ err: error, routePoint }, 'a route point cannot be read')
    return { state: undefined, isDamaged: true }
  }
}

/** The event that answers what an action asks of ourselves. */
async function answerTo(desk: Desk, call: Call, action: Action): Promise<CallEvent | undefined> {
  if (action.do === 'arrive') return { type: 'arrived' }
  if (action.do !== 'resolve') return undefined
  const route = await resolveDestination(desk.database, call.routePoint, action.destination)
  return { type: 'resolved', route }
}

/** What leaves nothing behind to be seen when the engine is next looked through, where it was not done. */
const undoneByItself: ReadonlySet<EngineAction['do']> = new Set(['dial', 'connect', 'stop'])

function isForEngine(action: Action): action is EngineAction {
  return action.do !== 'arrive' && action.do !== 'resolve'
}

/** One step, with what it rests on; the call has its place in the queue from this moment on, so that no other gets it. */
async function stepOnce(desk: Desk, call: Call, event: CallEvent) {
  const { state, isDamaged } = await readState(desk, call)
  const isRouted = desk.presence.isThere(call.routePoint)
  // Only who comes anew needs room in the queue.
  const elsewhere = call.waitingSince === null ? await desk.waitingElsewhere(call.routePoint) : 0
  const waiting = desk.queues.othersOf(call) + elsewhere
  const alike = desk.queues.alike(call)
  const made = step(call, event, { now: Date.now(), state, isDamaged, waiting, alike, isRouted })
  desk.queues.place(made.call)
  return { made, state }
}

/**
 * Decides what becomes of a call. Nothing is kept or done yet but its place in the queue, which whoever does not keep it takes back.
 *
 * @throws DatabaseUnavailable
 */
export async function decide(desk: Desk, before: Call, event: CallEvent): Promise<Decision> {
  const actions: EngineAction[] = []
  const told: Told[] = []
  let call = before
  let state: RoutePointState | undefined
  let next: CallEvent | undefined = event
  let isRefused = false
  try {
    while (next) {
      const once: { made: Step; state: RoutePointState | undefined } = await stepOnce(
        desk,
        call,
        next,
      )
      const { made } = once
      state = once.state
      call = made.call
      isRefused ||= made.isRefused
      actions.push(...made.actions.filter(isForEngine))
      told.push(...made.told)
      const question = made.actions.find((action) => !isForEngine(action))
      next = question && (await answerTo(desk, call, question))
    }
  } catch (error) {
    desk.queues.place(before)
    throw error
  }
  return { before, call, actions, told, state, isRefused }
}

/** Remembers how telephones did: an agent's that fails by itself, or whatever was rung in vain, is not to be rung again at once. */
export function noteOffer({ backOff }: Desk, { before, call }: Decision, event: CallEvent): void {
  if (before.phase.name !== 'offered') return
  const { offer } = before.phase
  const called = calledBy(offer)
  if (call.phase.name === 'connected') backOff.succeeded(called)
  else if (event.type === 'withdrawn') backOff.withdrawn(called)
  else if (event.type === 'ended' && event.leg !== before.leg && offer.agent !== null) {
    backOff.failed(called)
  }
}

/** The call has become what was decided and kept. */
export function adopt(
  { deadlines, meter, logger }: Desk,
  live: LiveCall,
  { before, call, told }: Decision,
) {
  live.call = call
  meter.told(told.length)
  live.touchedAt = performance.now()
  deadlines.keep(call)
  const { phase } = call
  if (phase.name !== 'ended' || before.phase.name === 'ended') return
  const { outcome, reason, at } = phase.ending
  meter.ended(outcome)
  const { id, engine, dialled, routePoint, dnis, arrivedAt, taken, offers, hops } = call
  logger.info(
    {
      callId: id,
      engine,
      dialled,
      routePoint,
      dnis,
      outcome,
      reason,
      seconds: (at - arrivedAt) / 1_000,
      secondsToAnswer: taken && (taken.at - arrivedAt) / 1_000,
      agent: taken?.agent,
      offers,
      hops,
    },
    'call ended',
  )
}

/**
 * Has the engine do what was decided, one after another.
 *
 * @returns what the engine did not do, as events of the call.
 */
export async function performAll(
  { media, logger }: Pick<Desk, 'media' | 'logger'>,
  live: LiveCall,
  { call, actions, state }: Decision,
): Promise<CallEvent[]> {
  const undone: CallEvent[] = []
  for (const action of actions) {
    try {
      await perform(action, { station: live.station, media, call, state })
    } catch (error) {
      // Nothing has failed: whoever has the lease next sees how the call stands, and goes on with it.
      if (live.station.lease.leftMilliseconds() <= 0) return []
      const isFault = error instanceof EngineFault
      logger[isFault ? 'warn' : 'error'](
        { err: error, callId: call.id, action: action.do },
        'undone',
      )
      // Whether the others were done will be seen when the engine is next looked through.
      if (isFault && error.kind === 'unreachable' && !undoneByItself.has(action.do)) continue
      undone.push({ type: 'undone', action, isGone: isFault && error.kind === 'gone' })
    }
  }
  live.touchedAt = performance.now()
  return undone
}

/**
 * Finds out whether what was decided of a call was kept though the database did not answer, so that it is done and not decided anew.
 *
 * @returns it, where it was kept: it is to be performed.
 * @throws DatabaseUnavailable
 */
export async function takeOpen(desk: Desk, live: LiveCall): Promise<LiveCall['open']> {
  const { open } = live
  if (!open) return undefined
  const hasBeenKept = await isKept(desk.database, open.decision)
  live.open = undefined
  if (!hasBeenKept) return undefined
  adopt(desk, live, open.decision)
  noteOffer(desk, open.decision, open.event)
  desk.queues.place(live.call)
  return open
}

/**
 * Decides what an event makes of a call, and keeps it before the engine hears of it.
 *
 * @param isNew the call has no row yet.
 * @throws DatabaseUnavailable: what was decided is open. LeaseLost: nothing has changed.
 */
export async function decideAndKeep(
  desk: Desk,
  live: LiveCall,
  { event, isNew }: { event: CallEvent; isNew: boolean },
): Promise<Decision> {
  const since = performance.now()
  const before = live.call
  const decision = await decide(desk, before, event)
  if (isNew || decision.call !== before) {
    try {
      await desk.database.write(
        (transaction) =>
          saveCall(
            transaction,
            {
              ...decision,
              before: isNew ? undefined : before,
              generation: live.station.lease.generation,
            },
            desk.keeping,
          ),
        'keys',
      )
    } catch (error) {
      desk.queues.place(before)
      if (error instanceof DatabaseUnavailable) live.open = { decision, event }
      throw error
    }
    adopt(desk, live, decision)
    noteOffer(desk, decision, event)
  }
  desk.meter.decided((performance.now() - since) / 1_000)
  return decision
}
