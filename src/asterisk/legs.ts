import type { EngineConfiguration } from '../engines/configuration.ts'
import {
  type Cause,
  type Dialling,
  type EngineEvent,
  EngineFault,
  ownIdPrefix,
} from '../engines/engine.ts'
import type { ChannelEnd } from './ends.ts'
import { Leg, type LegOffice } from './leg.ts'
import type { Requests } from './requests.ts'
import type { Channel } from './resources.ts'

/** Whether a channel or bridge is under an id of ours. */
export const isOwn = (id: string) => id.startsWith(ownIdPrefix)

/** The leg of a channel: a telephone's has a number behind the leg's id, and a caller's is the leg. */
export function legOf(channel: string): string {
  return isOwn(channel) ? channel.replace(/\.\d+$/, '') : channel
}

export interface LegsOptions {
  configuration: EngineConfiguration
  requests: Requests
  tell(event: EngineEvent): void
}

/** How a list of channels stands to what has happened. */
export interface Listing {
  /** When it was asked for, in milliseconds of `performance`. */
  askedAt: number
  /** Whether a channel's end is still to be told. */
  isEnding(channel: string): boolean
}

/** The legs that we dialled. */
export class Legs {
  readonly #legs = new Map<string, Leg>()
  readonly #office: LegOffice

  constructor({ configuration, requests, tell }: LegsOptions) {
    this.#office = {
      configuration,
      requests,
      onRinging: ({ id }) => tell({ type: 'ringing', leg: id }),
      onAnswered: ({ id }) => tell({ type: 'answered', leg: id }),
      onEnded: (leg, how) => {
        // One that was forgotten is not told of.
        if (this.#legs.get(leg.id) !== leg) return
        this.#legs.delete(leg.id)
        tell({ type: 'ended', leg: leg.id, how })
      },
    }
  }

  /** @throws EngineFault when the engine does not answer; nothing of the leg is told then. */
  async dial(id: string, dialling: Dialling): Promise<void> {
    if (this.#legs.has(id)) return
    const leg = new Leg(id, this.#office)
    this.#legs.set(id, leg)
    try {
      await leg.dial(dialling)
    } catch (error) {
      if (this.#legs.get(id) === leg) this.#legs.delete(id)
      throw error
    }
  }

  async release(id: string, cause: Cause): Promise<void> {
    await this.#legs.get(id)?.release(cause)
  }

  /** @throws EngineFault when nobody has answered, or it is gone. */
  channelOf(id: string): string {
    const channel = this.#legs.get(id)?.channel
    if (channel === undefined) throw new EngineFault('gone', `There is no answered leg ${id}`)
    return channel
  }

  changed(channel: string, state: string): void {
    this.#legs.get(legOf(channel))?.changed(channel, state)
  }

  ended(channel: string, how?: ChannelEnd): void {
    this.#legs.get(legOf(channel))?.ended(channel, how)
  }

  /** Puts what there is in the place of what was known, and answers all legs. */
  surveyed(channels: readonly Channel[], { askedAt, isEnding }: Listing): Leg[] {
    const present = new Set(channels.map(({ id }) => id))
    for (const leg of this.#legs.values()) {
      if (!leg.wasDialledBefore(askedAt)) continue
      const gone = leg.channels.filter((channel) => !present.has(channel) && !isEnding(channel))
      if (gone.length === leg.channels.length) this.#legs.delete(leg.id)
      else for (const channel of gone) leg.forget(channel)
    }
    for (const [id, phones] of Map.groupBy(channels, (channel) => legOf(channel.id))) {
      const known = this.#legs.get(id)
      if (!known) this.#legs.set(id, Leg.from(id, phones, this.#office))
      // What became of them while nobody told.
      for (const phone of phones) if (!isEnding(phone.id)) known?.changed(phone.id, phone.state)
    }
    return [...this.#legs.values()]
  }
}
