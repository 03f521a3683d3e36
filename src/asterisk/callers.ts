import type { EngineConfiguration } from '../engines/configuration.ts'
import { type Arrival, anonymous, type EngineEvent } from '../engines/engine.ts'
import { userOf } from './request-uri.ts'
import { isStatus, type Requests, segment } from './requests.ts'
import { type Channel, checker, VariableSchema } from './resources.ts'

/** A caller's leg in our application. */
interface Caller {
  /** What is told of it; not before its variables are known. */
  arrival?: Arrival
  /** It ended while they were asked for. */
  hasEnded?: boolean
}

const isVariable = checker(VariableSchema)

/** In which the Request-URI's host stands. */
const domainVariable = 'SIPDOMAIN'

/** In which the dialplan keeps the whole Request-URI. */
const uriVariable = 'DIALLED_URI'

/** In which the dialplan keeps whether the caller may be shown. */
const presentationVariable = 'CALLER_PRESENTATION'

/** Asterisk leaves the escapes of a quoted name as they came (RFC 3261, 25.1), and would escape them once more. */
function unquoted(name: string): string {
  return name.replaceAll(/\\(.)/gs, '$1')
}

/** The endpoint of a channel's name, `PJSIP/trunk-00000001`. */
function peerOf(name: string): string {
  return name.replace(/^[^/]*\//, '').replace(/-[^-]*$/, '')
}

export interface CallersOptions {
  configuration: EngineConfiguration
  requests: Requests
  tell(event: EngineEvent): void
}

/** The callers' legs that Asterisk's dialplan has given to us. */
export class Callers {
  readonly #callers = new Map<string, Caller>()
  readonly #options: CallersOptions

  constructor(options: CallersOptions) {
    this.#options = options
  }

  started(channel: Channel): void {
    if (this.#callers.has(channel.id)) return
    const caller: Caller = {}
    this.#callers.set(channel.id, caller)
    void this.#arrive(channel, caller)
  }

  ended(leg: string): void {
    const caller = this.#callers.get(leg)
    if (caller && !caller.arrival) caller.hasEnded = true
    else this.#conclude(leg)
  }

  /**
   * Puts what there is in the place of what was known, and answers all callers.
   *
   * @param isEnding tells of channels whose end is still to be told.
   * @throws EngineFault when a caller who was not known cannot be asked for.
   */
  async surveyed(
    channels: readonly Channel[],
    isEnding: (channel: string) => boolean,
  ): Promise<Arrival[]> {
    const present = new Set(channels.map(({ id }) => id))
    for (const leg of this.#callers.keys()) {
      if (!present.has(leg) && !isEnding(leg)) this.#callers.delete(leg)
    }
    // Those that are being asked for are asked again: their arrival is told here, and not once more.
    const unknown = channels.filter(({ id }) => !this.#callers.get(id)?.arrival)
    await Promise.all(unknown.map((channel) => this.#adopt(channel)))
    return [...this.#callers.values()].flatMap(({ arrival }) => arrival ?? [])
  }

  /** What cannot be asked for is left out: the call is worth more. */
  async #arrive(channel: Channel, caller: Caller): Promise<void> {
    const arrival = await this.#arrivalOf(channel, (name) =>
      this.#variableOf(channel, name).catch(() => undefined),
    )
    if (this.#callers.get(channel.id) !== caller) return
    caller.arrival = arrival
    this.#options.tell({ type: 'arrived', ...arrival })
    if (caller.hasEnded) this.#conclude(channel.id)
  }

  async #adopt(channel: Channel): Promise<void> {
    const caller: Caller = {}
    this.#callers.set(channel.id, caller)
    caller.arrival = await this.#arrivalOf(channel, (name) => this.#variableOf(channel, name))
  }

  #conclude(leg: string): void {
    if (this.#callers.delete(leg)) this.#options.tell({ type: 'ended', leg, how: 'hungUp' })
  }

  async #arrivalOf(
    channel: Channel,
    ask: (variable: string) => Promise<string | undefined>,
  ): Promise<Arrival> {
    const [domain, uri, presentation] = await Promise.all(
      [domainVariable, uriVariable, presentationVariable].map(ask),
    )
    const { name, number } = channel.caller
    return {
      leg: channel.id,
      // Another dialplan than ours may have none.
      dialled: (uri && userOf(uri)) ?? channel.dialplan.exten,
      domain: domain ?? this.#options.configuration.domain ?? '',
      caller: presentation?.startsWith('prohib') ? anonymous : { name: unquoted(name), number },
      peer: peerOf(channel.name),
    }
  }

  /** @throws EngineFault when it cannot be asked. */
  async #variableOf(channel: Channel, name: string): Promise<string | undefined> {
    const sent = channel.channelvars?.[name]
    // One that it sends empty it does not have.
    if (sent !== undefined) return sent || undefined
    const path = `/channels/${segment(channel.id)}/variable?variable=${segment(name)}`
    try {
      const answer = await this.#options.requests.ask('GET', path)
      return isVariable(answer) && answer.value !== '' ? answer.value : undefined
    } catch (error) {
      // It is the variable that is not there, or the channel: then its end is told.
      if (isStatus(error, 404)) return undefined
      throw error
    }
  }
}
