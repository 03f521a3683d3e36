import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { EngineConfiguration } from '../engines/configuration.ts'
import type { EngineEvent, EngineListener, Survey } from '../engines/engine.ts'
import type { Callers } from './callers.ts'
import type { fetchCommand } from './fetches.ts'
import { type Legs, legOf } from './legs.ts'
import { type Lists, readLists } from './lists.ts'
import type { Requests } from './requests.ts'
import type { AriEvent } from './resources.ts'

/** Milliseconds between two surveys. */
const intervalMilliseconds = 60_000

/** Milliseconds before a survey that failed is tried again, or an engine that did not answer: each time twice as long. */
const again = { least: 1_000, most: 30_000 }

/** What is kept while a survey goes on; where more comes, the next one tells what is missing. */
const keptMax = 50_000

export interface Connected {
  /** Aborted when the connection ends. */
  signal: AbortSignal
  /** Resolves when all events of before have come. */
  proveNow(): Promise<void>
}

export interface SurveyorOptions {
  configuration: EngineConfiguration
  requests: Requests
  callers: Callers
  legs: Legs
  fetches: Pick<ReturnType<typeof fetchCommand>, 'surveyed' | 'forget'>
  log: FastifyBaseLogger
}

/**
 * Compares what the engine has with what the listener knows, at each connection and now and then, and keeps events aside
 * meanwhile. So it knows whether calls can be treated.
 */
export class Surveyor {
  readonly #options: SurveyorOptions
  #listener: EngineListener | undefined
  /** What waits for the survey that goes on. */
  #kept: (() => void)[] | undefined
  /** Channels whose end is among it. */
  readonly #ending = new Set<string>()
  #hasSurveyed = false
  #isDoubted = false
  /** What is asked of channels is not answered. */
  #isSilent = false
  #wake = () => {}

  constructor(options: SurveyorOptions) {
    this.#options = options
  }

  /** Whether what there is has been compared, and the engine has answered ever since. */
  get isReady(): boolean {
    return this.#hasSurveyed && !this.#isDoubted
  }

  begin(listener: EngineListener, connected: Connected): void {
    this.#listener = listener
    this.#kept = []
    void this.#keepSurveying(listener, connected)
  }

  /** The connection is lost. */
  end(): void {
    const listener = this.#listener
    this.#listener = undefined
    this.#kept = undefined
    this.#ending.clear()
    this.#hasSurveyed = false
    this.#options.fetches.forget()
    listener?.lost()
  }

  /** A request about channels was not answered: no new calls until the engine is proven again. */
  doubt(): void {
    this.#isSilent = true
    if (!this.isReady) return
    this.#isDoubted = true
    this.#options.log.warn('the engine does not answer what it is asked of channels')
    this.#wake()
  }

  take(event: AriEvent, handle: (event: AriEvent) => void): void {
    const isEnd = event.type === 'StasisEnd' || event.type === 'ChannelDestroyed'
    const isKept = this.#kept !== undefined && this.#kept.length < keptMax
    if (isKept && isEnd) this.#ending.add(event.channel.id)
    this.#keepOrDo(() => handle(event))
  }

  tell(event: EngineEvent): void {
    this.#keepOrDo(() => {
      // Nothing could be done for them. A survey tells of those who are still there when it can: the dialplan bounds how long they are.
      if (event.type === 'arrived' && this.#isSilent) return
      try {
        this.#listener?.happened(event)
      } catch (error) {
        this.#options.log.error({ err: error }, 'an event was not taken')
      }
    })
  }

  #keepOrDo(action: () => void): void {
    if (!this.#kept) action()
    else if (this.#kept.length < keptMax) this.#kept.push(action)
  }

  #letGo(): void {
    const kept = this.#kept ?? []
    this.#kept = undefined
    this.#ending.clear()
    for (const action of kept) action()
  }

  /** Surveys until it succeeds, and whenever it is time, as long as the connection lasts. */
  async #keepSurveying(listener: EngineListener, connected: Connected): Promise<void> {
    const { signal } = connected
    let pause = again.least
    while (!signal.aborted) {
      this.#kept ??= []
      try {
        await listener.surveyed(await this.#survey(connected))
        if (signal.aborted) return
        this.#hasSurveyed = true
        this.#isDoubted = false
        this.#isSilent = false
        this.#letGo()
        await this.#rest(intervalMilliseconds, signal)
      } catch (error) {
        if (signal.aborted) return
        this.#options.log.warn(
          { err: error },
          'the engine could not be surveyed; it is tried again',
        )
        // Before the first survey no event is told.
        if (this.#hasSurveyed) this.#letGo()
        this.#isDoubted = true
      }
      if (this.#isDoubted) await this.#rest(pause, signal)
      pause = this.#isDoubted ? Math.min(pause * 2, again.most) : again.least
    }
  }

  async #survey({ proveNow }: Connected): Promise<Survey> {
    const { callers, configuration, fetches, legs, requests } = this.#options
    const at = performance.now()
    const lists = await readLists(requests, configuration)
    this.#isSilent = false
    // Now every event has come that happened before the lists were made.
    await proveNow()
    const isEnding = (channel: string) => this.#ending.has(channel)
    const dialled = legs.surveyed(lists.phones, { askedAt: at, isEnding })
    await fetches.surveyed(lists.fetches)
    const known = await callers.surveyed(lists.callers, isEnding)
    const bridgeOf = bridgesByLeg(lists)
    const answered = new Set(
      lists.callers.filter(({ state }) => state === 'Up').map(({ id }) => id),
    )
    return {
      at,
      callers: known.map((caller) => ({
        ...caller,
        isAnswered: answered.has(caller.leg),
        bridge: bridgeOf.get(caller.leg),
      })),
      dialled: dialled.map(({ id, channel }) => ({
        leg: id,
        isAnswered: channel !== undefined,
        bridge: bridgeOf.get(id),
      })),
      bridges: lists.bridges.map(({ id, channels }) => ({
        bridge: id,
        legs: channels.map(legOf),
      })),
    }
  }

  /** Waits, until it is woken at most. */
  async #rest(milliseconds: number, signal: AbortSignal): Promise<void> {
    const waking = new AbortController()
    this.#wake = () => waking.abort()
    const either = AbortSignal.any([signal, waking.signal])
    await delay(milliseconds, undefined, { signal: either }).catch(() => {})
  }
}

function bridgesByLeg({ bridges }: Lists): Map<string, string> {
  return new Map(
    bridges.flatMap(({ id, channels }) => channels.map((channel) => [legOf(channel), id] as const)),
  )
}
