import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Registry } from '@prometheus-io/client'
import {
  type Cause,
  type Dialling,
  type Engine,
  EngineFault,
  type EngineListener,
  type LegEnd,
  type Party,
  type Survey,
  type Tone,
} from '../src/engines/engine.ts'
import type { Lease } from '../src/engines/lease.ts'
import type { Post, Station } from '../src/features/calls/live/station.ts'

/** A telephone's way to the exchange. */
export interface Leg {
  id: string
  isAnswered: boolean
  isRinging: boolean
  bridge: string | undefined
  /** What plays to it: addresses, or a tone. */
  plays: Map<string, readonly string[] | Tone>
  /** Of callers. */
  arrival?: { dialled: string; domain: string; caller: Party; peer: string }
  callId?: string
  /** Of telephones that were dialled. */
  dialling?: Dialling
}

/** What a leg was ended with. */
export interface Released {
  leg: string
  cause: Cause
  wasAnswered: boolean
}

/**
 * An engine whose telephones are in the test's hands: it does what engines do, at once and exactly, where no Asterisk is needed
 * to see what the service makes of it.
 */
export class Exchange implements Engine {
  readonly name: string
  isReady = false
  readonly legs = new Map<string, Leg>()
  readonly bridges = new Map<string, Set<string>>()
  /** Legs that we were asked to end. */
  readonly released: Released[] = []
  readonly handedBack: string[] = []
  /** Every command that was given, with what it was about. */
  readonly commands: string[] = []
  /** What the next command of a kind is refused with. */
  readonly faults = new Map<string, EngineFault['kind']>()
  /** Where its calls are counted, if anywhere. */
  registry?: Registry
  #listener: EngineListener | undefined
  #kept: (() => void)[] | undefined
  readonly #configuration: Partial<Station['configuration']>
  #callers = 0

  /** @param configuration what differs from what is usual. */
  constructor(configuration: Partial<Station['configuration']> = {}, name = 'test') {
    this.name = name
    this.#configuration = configuration
  }

  /** The exchange as an engine whose calls may be treated. */
  get post(): Post {
    return { name: this.name, open: (lease) => this.#station(lease) }
  }

  #station(lease: Lease): Station {
    const folder = join(tmpdir(), 'pointsman-exchange-media')
    const configuration = {
      country: 'BE',
      domain: 'sip.netaxis.be',
      peers: undefined,
      headers: {
        alertInfo: {
          'Long-Long': 'Bellcore-dr2',
          'Short-Short-Long': 'Bellcore-dr3',
          'Short-Long-Short': 'Bellcore-dr4',
        },
        callInfo: '<sip:test>;answer-after={seconds}',
      },
      callSecondsMax: 14_400,
      ...this.#configuration,
    }
    return { engine: this, configuration, media: { folder, ourFolder: folder }, lease }
  }

  start(listener: EngineListener): void {
    this.#listener = listener
    void this.survey()
  }

  async close(): Promise<void> {
    this.#listener = undefined
    this.isReady = false
  }

  /** Has itself looked through: what happens meanwhile is told afterwards. */
  async survey(): Promise<void> {
    const listener = this.#listener
    if (!listener) return
    this.#kept = []
    try {
      await listener.surveyed(this.#seen())
    } catch (error) {
      // Whoever has left it meanwhile need not hear of it.
      if (this.#listener === listener) throw error
      return
    }
    if (this.#listener !== listener) return
    const kept = this.#kept
    this.#kept = undefined
    this.isReady = true
    for (const tell of kept) tell()
  }

  #seen(): Survey {
    const legs = [...this.legs.values()]
    const callers = legs.flatMap(({ id, arrival, isAnswered, bridge, callId }) =>
      arrival ? [{ leg: id, ...arrival, isAnswered, bridge, callId }] : [],
    )
    const dialled = legs.flatMap(({ id, dialling, isAnswered, bridge }) =>
      dialling ? [{ leg: id, isAnswered, bridge }] : [],
    )
    const bridges = [...this.bridges].map(([bridge, members]) => ({ bridge, legs: [...members] }))
    return { at: performance.now(), callers, dialled, bridges }
  }

  #tell(event: Parameters<EngineListener['happened']>[0]): void {
    const tell = () => this.#listener?.happened(event)
    if (this.#kept) this.#kept.push(tell)
    else tell()
  }

  /** Somebody calls. */
  call(
    dialled: string,
    { domain = '', peer = 'trunk', caller = { name: 'Anna', number: '+3225550100' } } = {},
  ): Leg {
    this.#callers += 1
    const leg: Leg = {
      id: `${this.name}-caller-${this.#callers}`,
      isAnswered: false,
      isRinging: false,
      bridge: undefined,
      plays: new Map(),
      arrival: { dialled, domain, caller, peer },
    }
    this.legs.set(leg.id, leg)
    this.#tell({ type: 'arrived', leg: leg.id, dialled, domain, caller, peer })
    return leg
  }

  /** A telephone that rings is answered. */
  pickUp({ id }: Leg): void {
    const leg = this.#leg(id)
    leg.isAnswered = true
    this.#tell({ type: 'answered', leg: id })
  }

  /** Whoever is at a leg goes away, or does not take the call. */
  hangUp({ id }: Leg, how: LegEnd = 'hungUp'): void {
    this.#end(id)
    this.#tell({ type: 'ended', leg: id, how })
  }

  /** What plays to a leg comes to its end. */
  finishPlays({ id }: Leg, isWhole = true): void {
    const { plays } = this.#leg(id)
    for (const play of plays.keys()) {
      plays.delete(play)
      this.#tell({ type: 'played', play, isWhole })
    }
  }

  /** The telephones that ring. */
  ringing(): Leg[] {
    return [...this.legs.values()].filter(({ dialling, isAnswered }) => dialling && !isAnswered)
  }

  #end(id: string): void {
    const leg = this.legs.get(id)
    this.legs.delete(id)
    if (leg?.bridge !== undefined) this.bridges.get(leg.bridge)?.delete(id)
  }

  #leg(id: string): Leg {
    const leg = this.legs.get(id)
    if (!leg) throw new EngineFault('gone', `There is no leg ${id}.`)
    return leg
  }

  /** @throws EngineFault where the test wants it. */
  #take(command: string, about: string): void {
    this.commands.push(`${command} ${about}`)
    const fault = this.faults.get(command)
    this.faults.delete(command)
    if (fault) throw new EngineFault(fault, 'The test wants it so.')
  }

  async claim(leg: string, { callId }: { callId: string }): Promise<void> {
    this.#take('claim', leg)
    this.#leg(leg).callId = callId
  }

  async answer(leg: string): Promise<void> {
    this.#take('answer', leg)
    this.#leg(leg).isAnswered = true
  }

  async ring(leg: string): Promise<void> {
    this.#take('ring', leg)
    this.#leg(leg).isRinging = true
  }

  async tone(leg: string, play: string, tone: Tone): Promise<void> {
    this.#take('tone', leg)
    this.#leg(leg).plays.set(play, tone)
  }

  async play(leg: string, play: string, addresses: readonly string[]): Promise<void> {
    this.#take('play', leg)
    this.#leg(leg).plays.set(play, addresses)
  }

  async stop(play: string): Promise<void> {
    this.#take('stop', play)
    for (const { plays } of this.legs.values()) plays.delete(play)
  }

  async isPlaying(play: string): Promise<boolean> {
    return [...this.legs.values()].some(({ plays }) => plays.has(play))
  }

  async fetch(address: string): Promise<void> {
    this.#take('fetch', address)
  }

  async dial(leg: string, dialling: Dialling): Promise<void> {
    this.#take('dial', leg)
    const dialled = { isAnswered: false, isRinging: true, bridge: undefined, plays: new Map() }
    this.legs.set(leg, { id: leg, ...dialled, dialling })
  }

  async connect(bridge: string, legs: readonly string[]): Promise<void> {
    this.#take('connect', bridge)
    for (const id of legs) {
      const leg = this.#leg(id)
      if (leg.plays.size > 0) throw new EngineFault('refused', 'Something plays to it still.')
      leg.bridge = bridge
    }
    this.bridges.set(bridge, new Set(legs))
  }

  async dissolve(bridge: string): Promise<void> {
    this.#take('dissolve', bridge)
    this.bridges.delete(bridge)
  }

  async release(id: string, cause: Cause): Promise<void> {
    this.#take('release', id)
    const leg = this.legs.get(id)
    if (!leg) return
    this.released.push({ leg: id, cause, wasAnswered: leg.isAnswered })
    this.#end(id)
    this.#tell({ type: 'ended', leg: id, how: 'hungUp' })
  }

  async handBack(leg: string): Promise<void> {
    this.#take('handBack', leg)
    this.handedBack.push(leg)
    this.#end(leg)
    this.#tell({ type: 'ended', leg, how: 'hungUp' })
  }
}
