import { setTimeout as delay } from 'node:timers/promises'
import type { EngineConfiguration } from '../engines/configuration.ts'
import { type Cause, causes, type Dialling, type LegEnd } from '../engines/engine.ts'
import { entering, hangUp } from './channels.ts'
import { contactsIn, dialStringOf, endpointOf } from './dial-strings.ts'
import { type ChannelEnd, endOf, isForAll, mostMeaningful } from './ends.ts'
import { phoneBody, ringSecondsMax } from './phones.ts'
import { isStatus, type Requests, segment } from './requests.ts'
import { type Channel, checker, VariableSchema } from './resources.ts'

/** Q.850's cause by which a telephone knows that a call was not missed. */
const answeredElsewhere = 26

const isVariable = checker(VariableSchema)

export interface LegOffice {
  configuration: EngineConfiguration
  requests: Requests
  onRinging(leg: Leg): void
  onAnswered(leg: Leg): void
  /** Once, and nothing follows. */
  onEnded(leg: Leg, how: LegEnd): void
}

/**
 * A leg that we dialled. It may ring several telephones of one person, each a channel `LEG.1`, `LEG.2` and so on: the
 * first that answers is the leg, and the others are released.
 */
export class Leg {
  readonly id: string
  readonly #office: LegOffice
  /** Channels of the telephones, and how those ended that have. */
  readonly #phones = new Map<string, LegEnd | undefined>()
  #answered: string | undefined
  #isRinging = false
  /** More telephones may come. */
  #isBeingDialled = false
  /** When all that come had come, in milliseconds of `performance`. */
  #dialledAt = Number.NEGATIVE_INFINITY
  #isReleased = false

  constructor(id: string, office: LegOffice) {
    this.id = id
    this.#office = office
  }

  /** A leg that was dialled before we were started. */
  static from(id: string, channels: readonly Channel[], office: LegOffice): Leg {
    const leg = new Leg(id, office)
    for (const channel of channels) leg.#phones.set(channel.id, undefined)
    leg.#isRinging = channels.some(({ state }) => state === 'Ringing')
    leg.#answered = channels.find(({ state }) => state === 'Up')?.id
    if (leg.#answered !== undefined) leg.#hangUpAll(answeredElsewhere, leg.#answered)
    return leg
  }

  /** The channel that is the leg, once somebody has answered. */
  get channel(): string | undefined {
    return this.#answered
  }

  /** Whether what is asked for at a time of `performance` must have all its telephones. */
  wasDialledBefore(time: number): boolean {
    return !this.#isBeingDialled && this.#dialledAt < time
  }

  /** Channels that are, or may become, the leg. */
  get channels(): string[] {
    if (this.#answered !== undefined) return [this.#answered]
    return [...this.#phones].flatMap(([channel, end]) => (end === undefined ? [channel] : []))
  }

  /** @throws EngineFault when the engine does not answer; what there is of the leg is ended then. */
  async dial(dialling: Dialling): Promise<void> {
    this.#isBeingDialled = true
    const dialString = dialStringOf(this.#office.configuration, dialling.to)
    try {
      if (dialString !== undefined) await this.#makeAll(dialling, dialString)
      if (!this.#isReleased) await Promise.all(this.channels.map((one) => this.#ring(one)))
    } catch (error) {
      this.#hangUpAll(causes.normal)
      throw error
    }
    this.#isBeingDialled = false
    this.#dialledAt = performance.now()
    if (this.#isReleased) this.#hangUpAll(causes.normal)
    this.#concludeIfOver()
  }

  async release(cause: Cause): Promise<void> {
    this.#isReleased = true
    const { requests } = this.#office
    await Promise.all(this.channels.map((channel) => hangUp(requests, channel, cause)))
  }

  /** A telephone's channel is in another state. */
  changed(channel: string, state: string): void {
    if (!this.#phones.has(channel)) return
    if (state === 'Ringing' && !this.#isRinging && this.#answered === undefined) {
      this.#isRinging = true
      this.#office.onRinging(this)
    }
    if (state !== 'Up' || this.#answered === channel) return
    if (this.#answered !== undefined || this.#isReleased) {
      this.#hangUpQuietly(channel, answeredElsewhere)
      return
    }
    this.#answered = channel
    this.#hangUpAll(answeredElsewhere, channel)
    this.#office.onAnswered(this)
  }

  /** A telephone's channel has left us; how is told later where it is undefined. */
  ended(channel: string, how: ChannelEnd | undefined): void {
    if (!this.#phones.has(channel)) return
    if (this.#answered === channel) {
      this.#office.onEnded(this, 'hungUp')
      return
    }
    if (how === undefined || this.#phones.get(channel) !== undefined) return
    this.#phones.set(channel, endOf(how))
    if (this.#answered !== undefined) return
    if (isForAll(how)) this.#hangUpAll(causes.normal)
    this.#concludeIfOver()
  }

  /** A channel is not there any more, and nobody told. */
  forget(channel: string): void {
    this.#phones.delete(channel)
  }

  #concludeIfOver(): void {
    if (this.#isBeingDialled || this.channels.length > 0) return
    const ends = [...this.#phones.values()].filter((end) => end !== undefined)
    const how = ends.length === 0 ? 'unreachable' : mostMeaningful(ends)
    this.#office.onEnded(this, this.#isReleased ? 'hungUp' : how)
  }

  /** Makes the channels of all telephones, none of which rings yet. */
  async #makeAll(dialling: Dialling, dialString: string): Promise<void> {
    const first = `${this.id}.1`
    if (!(await this.#make(dialling, first, dialString))) return
    const contacts = await this.#contactsOf(first, dialString)
    if (contacts.length < 2) return
    // The first channel is one contact's, nobody knows whose. It has served to find them all.
    this.#phones.delete(first)
    this.#hangUpQuietly(first, causes.normal)
    const others = contacts.map((contact, index) =>
      this.#make(dialling, `${this.id}.${index + 2}`, contact),
    )
    await Promise.all(others)
  }

  /** Makes a telephone's channel. False where there is no such telephone, or none that is registered. */
  async #make(dialling: Dialling, channel: string, dialString: string): Promise<boolean> {
    const { configuration, requests } = this.#office
    this.#phones.set(channel, undefined)
    const body = phoneBody(configuration, dialling, { channel, dialString })
    try {
      await requests.ask('POST', '/channels/create', { body, isRepeatable: true })
      return true
    } catch (error) {
      // It has been made already.
      if (isStatus(error, 409)) return true
      if (!isStatus(error, 400, 500)) throw error
      // Asterisk's words for it are "Allocation failed".
      this.#phones.set(channel, 'unreachable')
      return false
    }
  }

  /** The dial strings of an endpoint's telephones. */
  async #contactsOf(channel: string, dialString: string): Promise<string[]> {
    const endpoint = endpointOf(dialString)
    if (endpoint === undefined) return []
    const variable = segment(`PJSIP_DIAL_CONTACTS(${endpoint})`)
    const path = `/channels/${segment(channel)}/variable?variable=${variable}`
    try {
      const answer = await this.#office.requests.ask('GET', path)
      return isVariable(answer) ? contactsIn(answer.value) : []
    } catch (error) {
      // It ended meanwhile, which an event tells.
      if (isStatus(error, 404, 409)) return []
      throw error
    }
  }

  async #ring(channel: string): Promise<void> {
    const path = `/channels/${segment(channel)}/dial`
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#office.requests.ask('POST', path, { body: { timeout: ringSecondsMax } })
        return
      } catch (error) {
        // It ended, which an event tells, or rings already.
        if (isStatus(error, 404, 412)) return
        // It is not in our application yet.
        if (!isStatus(error, 409) || tries === entering.tries) throw error
      }
      await delay(entering.pauseMilliseconds)
    }
  }

  /** What cannot be ended now is found by a survey, or ends by its own limit. */
  #hangUpQuietly(channel: string, cause: number): void {
    hangUp(this.#office.requests, channel, cause).catch(() => {})
  }

  #hangUpAll(cause: number, but?: string): void {
    for (const [channel, end] of this.#phones) {
      if (channel !== but && end === undefined) this.#hangUpQuietly(channel, cause)
    }
  }
}
