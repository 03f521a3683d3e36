import { setTimeout as delay } from 'node:timers/promises'
import type { EngineConfiguration } from '../engines/configuration.ts'
import { createPauses } from './pauses.ts'
import { authorizationOf, type Requests, segment } from './requests.ts'
import { type AriEvent, checker, eventNames, InfoSchema, readEvent } from './resources.ts'
import { openSocket } from './socket.ts'
import type { Connected } from './surveyor.ts'
import { refusalOf } from './version.ts'

/** Milliseconds within which a socket must be open, and give back what proves it. */
const proofMilliseconds = 5_000

/** Milliseconds between the proofs of a socket that may have gone silent without being closed. */
const proofIntervalMilliseconds = 5_000

/** Reasons to leave a connection alone for longer. */
class StepDown extends Error {}

export interface ConnectionOptions {
  configuration: EngineConfiguration
  requests: Requests
  /** An event, but for those of the connection itself. */
  onEvent(event: AriEvent): void
  /** An event that was not understood. */
  onBadEvent(reason: string): void
  /** Events come, from now until `onLost`. It ends when it must, by the signal. */
  onConnected(connected: Connected & { version: string }): void
  onLost(reason: string): void
  /** It could not connect; told when the reason is another than the last time. */
  onFailure(reason: string): void
  /** Tells the lot of one attempt from another, so that many programs do not come back at once. */
  random?: () => number
}

interface Attempt {
  /** When it was proven, in milliseconds of `performance`. */
  connectedAt?: number
}

const isInfo = checker(InfoSchema)

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** A connection for events, proven, and made again for ever whenever it is lost. */
export class Connection {
  readonly #options: ConnectionOptions
  readonly #random: () => number
  readonly #closing = new AbortController()
  /** What waits for its proof to come back, by name. */
  readonly #proofs = new Map<string, () => void>()
  #proofsSoFar = 0
  readonly #kept: Promise<void>

  constructor(options: ConnectionOptions) {
    this.#options = options
    this.#random = options.random ?? Math.random
    this.#kept = this.#keep()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#kept
  }

  async #keep(): Promise<void> {
    const { signal } = this.#closing
    const pauseAfter = createPauses(this.#random)
    let lastFailure: string | undefined
    while (!signal.aborted) {
      const attempt: Attempt = {}
      let isSteppedDown = false
      try {
        await this.#connectOnce(attempt)
      } catch (error) {
        const reason = reasonOf(error)
        const isConnected = attempt.connectedAt !== undefined
        if (isConnected) this.#options.onLost(reason)
        else if (reason !== lastFailure && !signal.aborted) this.#options.onFailure(reason)
        lastFailure = isConnected ? undefined : reason
        isSteppedDown = error instanceof StepDown
      }
      const now = performance.now()
      const heldMilliseconds = now - (attempt.connectedAt ?? now)
      const pause = pauseAfter({ heldMilliseconds, isSteppedDown })
      await delay(pause, undefined, { signal }).catch(() => {})
    }
  }

  /** Connects, and serves until the connection is lost. @throws Error telling why it is. */
  async #connectOnce(attempt: Attempt): Promise<never> {
    const { url, application, username, password } = this.#options.configuration
    const version = await this.#checkVersion()
    const { promise: steppedDown, reject: stepDown } = Promise.withResolvers<never>()
    steppedDown.catch(() => {})
    const socket = await openSocket({
      url: `${url.replace(/^http/, 'ws')}/events?app=${segment(application)}`,
      authorization: authorizationOf(username, password),
      limitMilliseconds: proofMilliseconds,
      signal: this.#closing.signal,
      onText: (text) => this.#take(text, stepDown),
    })
    const ended = socket.ended.then((reason) => {
      throw new Error(reason)
    })
    const lost = Promise.race([ended, steppedDown])
    const leaving = new AbortController()
    try {
      await Promise.race([this.#begin(leaving.signal), lost])
      attempt.connectedAt = performance.now()
      const { signal } = leaving
      this.#options.onConnected({ version, signal, proveNow: () => this.#prove(signal) })
      return await Promise.race([this.#keepProving(signal), lost])
    } finally {
      leaving.abort()
      socket.close()
    }
  }

  /** @throws Error when there is no Asterisk that can be used. */
  async #checkVersion(): Promise<string> {
    const info = await this.#options.requests.ask('GET', '/asterisk/info?only=system')
    if (!isInfo(info)) throw new Error('what answers there is no ARI')
    const { version } = info.system
    const refusal = refusalOf(version)
    if (refusal !== undefined) throw new StepDown(refusal)
    return version
  }

  async #begin(signal: AbortSignal): Promise<void> {
    const { configuration, requests } = this.#options
    // Without the filter every change of a channel's variable would come as an event.
    const body = { allowed: eventNames.map((type) => ({ type })) }
    const path = `/applications/${segment(configuration.application)}/eventFilter`
    await requests.ask('PUT', path, { body, isRepeatable: true })
    await this.#prove(signal)
  }

  async #keepProving(signal: AbortSignal): Promise<never> {
    for (;;) {
      await delay(proofIntervalMilliseconds, undefined, { signal })
      await this.#prove(signal)
    }
  }

  /** @throws Error when what we send to ourselves does not come back, whatever the reason. */
  async #prove(signal: AbortSignal): Promise<void> {
    const { configuration, requests } = this.#options
    this.#proofsSoFar += 1
    // Of another program, and of this one before, none is taken for it.
    const name = `PointsmanProof-${Math.trunc(this.#random() * 2 ** 48)}-${this.#proofsSoFar}`
    const path = `/events/user/${name}?application=${segment(configuration.application)}`
    const { promise: arrived, resolve } = Promise.withResolvers<void>()
    this.#proofs.set(name, resolve)
    const waiting = new AbortController()
    const either = AbortSignal.any([waiting.signal, signal])
    const late = delay(proofMilliseconds, undefined, { signal: either }).then(() => {
      throw new Error('an event that was sent to ourselves did not come back')
    })
    try {
      await Promise.race([requests.ask('POST', path).then(() => arrived), late])
    } finally {
      this.#proofs.delete(name)
      waiting.abort()
    }
  }

  #take(text: string, stepDown: (why: StepDown) => void): void {
    let event: AriEvent | undefined
    try {
      event = readEvent(text)
    } catch (error) {
      this.#options.onBadEvent(reasonOf(error))
      return
    }
    if (event?.type === 'ChannelUserevent') this.#proofs.get(event.eventname)?.()
    else if (event?.type === 'ApplicationReplaced') {
      stepDown(new StepDown('another program has taken the application over'))
    } else if (event) this.#options.onEvent(event)
  }
}
