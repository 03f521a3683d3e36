import { setTimeout as delay } from 'node:timers/promises'
import {
  type Arrival,
  type Cause,
  causes,
  type EngineEvent,
  EngineFault,
  ownIdPrefix,
} from '../../../engines/engine.ts'
import { LeaseLost } from '../../../engines/lease.ts'
import { DatabaseUnavailable } from '../../../errors.ts'
import type { RoutePointKey } from '../../route-points/route-point.ts'
import { type Call, type CallEvent, isSameKey, type TimerName } from '../call.ts'
import { findCallee } from '../find.ts'
import { readCallsOfEngine } from '../rows.ts'
import { arrivedCall } from './arrivals.ts'
import { keepDeadlines } from './deadlines.ts'
import { createLine } from './line.ts'
import type { TurnedAway } from './meter.ts'
import type { Station } from './station.ts'
import { compare, endLost } from './survey.ts'
import { type Desk, decideAndKeep, type LiveCall, performAll, takeOpen } from './treatment.ts'

/** Calls whose arrival is being treated at once; more are sent away, before those that wait would suffer. */
export const arrivalsMax = 100

/** Milliseconds between tries while the database is not available. */
const retryMilliseconds = { least: 200, most: 5_000 }

/** Of a caller's leg, among those of all engines, and of the times that an engine was treated here. */
function nameOf({ engine, lease }: Station, leg: string): string {
  return `${engine.name} ${lease.generation} ${leg}`
}

/** Where calls are treated: brings to each what happens to it, one thing after another. */
export class Switchboard {
  readonly desk: Desk
  readonly #calls = new Map<string, LiveCall>()
  /** Ids of calls by their callers' legs, which engines name. */
  readonly #callers = new Map<string, string>()
  readonly #stations = new Set<Station>()
  readonly #closing = new AbortController()
  /** What is still being decided of calls that are treated here no longer. */
  readonly #settling = new Set<Promise<void>>()
  /** Callers' legs of which it is not yet known whom they call, and how each has ended meanwhile. */
  readonly #arriving = new Map<string, CallEvent | undefined>()

  constructor(known: Omit<Desk, 'deadlines'>) {
    const deadlines = keepDeadlines((callId, timer, at) => this.#due(callId, { timer, at }))
    this.desk = { ...known, deadlines }
  }

  /** Treats the calls of an engine from now on. */
  attach(station: Station): void {
    this.#stations.add(station)
    station.engine.start({
      surveyed: (survey) => compare(this, station, survey),
      happened: (event) => this.#happened(station, event),
      // What was asked of it fails by itself, and the next survey tells how its calls stand.
      lost: () => {},
    })
  }

  /** Treats the calls of an engine no longer: they stay as they are, for whoever takes them over. */
  async detach(station: Station): Promise<void> {
    this.#stations.delete(station)
    // At once: whoever takes the engine again, maybe this node, takes its calls over anew.
    const calls = [...this.#calls.values()].filter((live) => live.station === station)
    for (const live of calls) this.#remove(live)
    const settled = this.#settle(calls).finally(() => this.#settling.delete(settled))
    this.#settling.add(settled)
    await station.engine.close()
  }

  /** Waits for what is being decided of calls that are treated here no longer: it is not kept, and has no place. */
  async #settle(calls: readonly LiveCall[]): Promise<void> {
    await Promise.all(calls.map(({ line }) => line.run(async () => {}).catch(() => {})))
    for (const { call } of calls) if (!this.#calls.has(call.id)) this.#forget(call)
  }

  /** Ends the calls of an engine that nobody treats. */
  async end(engine: string, generation: number): Promise<void> {
    const { calls, damaged } = await readCallsOfEngine(this.desk.database, engine)
    const why = `Its engine '${engine}' is not configured any more.`
    const lost = calls.map((call) => ({ ...call, call, why, generation }))
    await endLost(this.desk, [...damaged, ...lost])
  }

  /** @throws EngineFault where the calls of an engine are no longer treated here. */
  requireAttached(station: Station): void {
    if (this.#stations.has(station)) return
    throw new EngineFault('gone', 'The calls of the engine are no longer treated here.')
  }

  /** Calls that are treated here. */
  get calls(): Iterable<LiveCall> {
    return this.#calls.values()
  }

  /** Names of the engines whose calls are treated here. */
  get engines(): readonly string[] {
    return [...this.#stations].map(({ engine }) => engine.name)
  }

  /** Whether what is asked of a call's engine now is done. */
  isReady({ id }: Call): boolean {
    return this.#calls.get(id)?.station.engine.isReady === true
  }

  /** Calls that wait. */
  get waiting(): readonly Call[] {
    return this.desk.queues.waiting()
  }

  find(callId: string): LiveCall | undefined {
    return this.#calls.get(callId)
  }

  /** The call on an engine that has given a leg, a play or a bridge its id. */
  findByOwn(station: Station, id: string): LiveCall | undefined {
    if (!id.startsWith(ownIdPrefix)) return undefined
    const live = this.find(id.slice(ownIdPrefix.length, id.lastIndexOf('-')))
    return live?.station === station ? live : undefined
  }

  findByCaller(station: Station, leg: string): LiveCall | undefined {
    const callId = this.#callers.get(nameOf(station, leg))
    return callId === undefined ? undefined : this.#calls.get(callId)
  }

  /**
   * Treats a call from now on; its deadlines are kept when first something has happened to it.
   *
   * @param touchedAt when something last happened to it here, by `performance.now()`.
   */
  add(station: Station, call: Call, touchedAt: number): LiveCall {
    const live: LiveCall = { call, station, line: createLine(), touchedAt }
    this.#calls.set(call.id, live)
    this.#callers.set(nameOf(station, call.leg), call.id)
    this.desk.queues.place(call)
    return live
  }

  /** Not where it was taken over anew meanwhile. */
  #remove(live: LiveCall): void {
    const { call, station } = live
    if (this.#calls.get(call.id) !== live) return
    this.#calls.delete(call.id)
    this.#callers.delete(nameOf(station, call.leg))
    this.#forget(call)
  }

  #forget(call: Call): void {
    this.desk.queues.forget(call)
    this.desk.deadlines.forget(call.id)
  }

  /**
   * Lets something happen to a call. Never throws: what cannot be treated is logged, and a survey tells how the call stands.
   *
   * @param event or what says, when its turn has come, whether it happens.
   */
  async tell(live: LiveCall, event: CallEvent | (() => CallEvent | undefined)): Promise<void> {
    try {
      await live.line.run(async () => {
        const happening = typeof event === 'function' ? event() : event
        if (happening) await this.#treatPatiently(live, happening)
      })
    } catch (error) {
      // Whoever treats the call now will see what happened to it.
      if (error instanceof LeaseLost) return
      this.desk.logger.error({ err: error, callId: live.call.id }, 'an event was not treated')
    }
  }

  /** Waits for the database as long as it takes: the call goes on meanwhile. */
  async #treatPatiently(live: LiveCall, event: CallEvent): Promise<void> {
    const { signal } = this.#closing
    let wait = retryMilliseconds.least
    while (!signal.aborted && this.#stations.has(live.station)) {
      try {
        const done = await this.finish(live)
        if (done === event) return
        const decision = await decideAndKeep(this.desk, live, { event, isNew: false })
        this.settle(live, await performAll(this.desk, live, decision))
        return
      } catch (error) {
        if (!(error instanceof DatabaseUnavailable)) throw error
        await delay(wait, undefined, { signal }).catch(() => {})
        wait = Math.min(2 * wait, retryMilliseconds.most)
      }
    }
  }

  /**
   * Does what was decided of a call and kept though the database did not answer.
   *
   * @returns the event that it follows from, if there was any.
   * @throws DatabaseUnavailable
   */
  async finish(live: LiveCall): Promise<CallEvent | undefined> {
    const open = await takeOpen(this.desk, live)
    if (!open) return undefined
    this.settle(live, await performAll(this.desk, live, open.decision))
    return open.event
  }

  /** What follows once an event was treated. */
  settle(live: LiveCall, undone: readonly CallEvent[]): void {
    const { phase } = live.call
    if (phase.name === 'ended' && phase.ending.isGone) this.#remove(live)
    for (const event of undone) void this.tell(live, event)
  }

  #due(callId: string, { timer, at }: { timer: TimerName; at: number }): void {
    const live = this.#calls.get(callId)
    if (!live) return
    // What else happened meanwhile may have set it anew, or made an end of it.
    const isStill = () => this.#calls.has(callId) && live.call.timers[timer] === at
    const event = () => (isStill() ? ({ type: 'due', timer } as const) : undefined)
    void this.tell(live, event).then(() => {
      if (isStill()) this.desk.deadlines.keep(live.call, retryMilliseconds.most)
    })
  }

  #happened(station: Station, event: EngineEvent): void {
    if (!this.#stations.has(station)) return
    if (event.type === 'arrived') {
      void this.arrive(station, event)
      return
    }
    if (event.type === 'ringing') return
    const id = event.type === 'played' ? event.play : event.leg
    const live = this.findByOwn(station, id) ?? this.findByCaller(station, id)
    const name = nameOf(station, id)
    if (live) void this.tell(live, event)
    else if (this.#arriving.has(name)) this.#arriving.set(name, event)
    else if (event.type === 'answered') this.#letGo(station, event.leg, causes.normal)
  }

  /** Ends a leg that nobody treats. */
  #letGo(station: Station, leg: string, cause: Cause): void {
    station.engine.release(leg, cause).catch((error) => {
      this.desk.logger.warn({ err: error, leg }, 'a leg was not released')
    })
  }

  #turnAway(station: Station, { leg, dialled }: Arrival, why: TurnedAway): void {
    this.desk.meter.turnedAway(why)
    const cause = causesOf[why]
    const { engine } = station
    if (why !== 'shed') {
      this.desk.logger.info(
        { engine: engine.name, dialled: dialled.slice(0, 200), why },
        'call turned away',
      )
    }
    if (cause !== undefined) this.#letGo(station, leg, cause)
    else engine.handBack(leg).catch(() => this.#letGo(station, leg, causes.congestion))
  }

  /** A caller has come. */
  async arrive(station: Station, arrival: Arrival): Promise<void> {
    const name = nameOf(station, arrival.leg)
    if (this.findByCaller(station, arrival.leg) || this.#arriving.has(name)) return
    const { peers } = station.configuration
    if (this.#arriving.size >= arrivalsMax) this.#turnAway(station, arrival, 'shed')
    else if (peers && !peers.includes(arrival.peer)) this.#turnAway(station, arrival, 'peer')
    else if (this.desk.isDraining(station.engine.name)) this.#turnAway(station, arrival, 'draining')
    else {
      this.#arriving.set(name, undefined)
      try {
        await this.#receive(station, arrival)
      } catch (error) {
        // Whoever treats the engine's calls now finds the caller there.
        if (error instanceof LeaseLost || !this.#stations.has(station)) return
        this.desk.logger.error(
          { err: error, engine: station.engine.name },
          'a call cannot be treated',
        )
        const isAway = error instanceof DatabaseUnavailable
        this.#turnAway(station, arrival, isAway ? 'unavailable' : 'failed')
      } finally {
        this.#arriving.delete(name)
      }
    }
  }

  /** Ends when the call is kept: what the engine then does with it may last. */
  async #receive(station: Station, arrival: Arrival): Promise<void> {
    const { country, domain } = station.configuration
    const dialled = { user: arrival.dialled, domain: arrival.domain || (domain ?? ''), country }
    const callee = await findCallee(this.desk.database, dialled)
    if (!callee) {
      this.#turnAway(station, arrival, 'unknown')
      return
    }
    this.requireAttached(station)
    const call = arrivedCall(station, arrival, { callee, now: Date.now() })
    const live = this.add(station, call, performance.now())
    const keeping = live.line.run(async () => {
      await this.#claim(live)
      return decideAndKeep(this.desk, live, { event: { type: 'arrived' }, isNew: true })
    })
    const doing = live.line.run(async () =>
      this.settle(live, await performAll(this.desk, live, await keeping)),
    )
    // What was not kept is told below.
    doing.catch(() => {})
    try {
      await keeping
    } catch (error) {
      this.#remove(live)
      throw error
    }
    const end = this.#arriving.get(nameOf(station, arrival.leg))
    if (end) void this.tell(live, end)
  }

  /**
   * The engine bounds how long a call can last that nobody treats: one that we treat lasts longer. Before anything else is
   * asked of it, since an engine may keep this waiting as long as it plays.
   *
   * @throws EngineFault
   */
  async #claim({ call, station }: LiveCall): Promise<void> {
    const { engine, configuration } = station
    try {
      await engine.claim(call.leg, { callId: call.id, secondsMax: configuration.callSecondsMax })
    } catch (error) {
      // Whoever has hung up already is recorded so when their call is treated.
      if (!(error instanceof EngineFault && error.kind === 'gone')) throw error
    }
  }

  /** Tells calls that wait that a routing system has come or gone. */
  routingChanged(routePoint: RoutePointKey): void {
    for (const { id, routePoint: at } of this.desk.queues.waiting()) {
      const live = isSameKey(at, routePoint) ? this.#calls.get(id) : undefined
      if (live) void this.tell(live, { type: 'routing' })
    }
  }

  /** Leaves all calls as they are: whoever takes them over goes on with them. */
  async close(): Promise<void> {
    this.#closing.abort()
    this.desk.deadlines.close()
    await Promise.all([...this.#calls.values()].map(({ line }) => line.run(async () => {})))
    await Promise.all(this.#settling)
  }
}

/** What callers are told who are turned away; undefined where the engine's own fallback has them. */
const causesOf: Record<TurnedAway, Cause | undefined> = {
  unknown: causes.unknownNumber,
  peer: causes.rejected,
  shed: causes.congestion,
  unavailable: undefined,
  draining: undefined,
  failed: causes.failure,
}
