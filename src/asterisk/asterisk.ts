import type { FastifyBaseLogger } from 'fastify'
import type { EngineConfiguration } from '../engines/configuration.ts'
import type { Engine, EngineEvent } from '../engines/engine.ts'
import type { Lease } from '../engines/lease.ts'
import type { EngineMeter } from '../engines/meter.ts'
import { bridgeCommands } from './bridges.ts'
import { Callers } from './callers.ts'
import { callerCommands, type Office } from './channels.ts'
import { Connection } from './connection.ts'
import { fetchCommand } from './fetches.ts'
import { isOwn, Legs } from './legs.ts'
import { playCommands } from './plays.ts'
import { createRequests } from './requests.ts'
import type { AriEvent } from './resources.ts'
import { Surveyor } from './surveyor.ts'

/** Milliseconds between two lines about events that were not understood. */
const badEventsMilliseconds = 60_000

export interface AsteriskOptions {
  logger: FastifyBaseLogger
  /** Where it is counted, if anywhere. */
  meter?: EngineMeter
  /** By which it may be commanded; always unless told. */
  lease?: Lease
}

/** What ARI's events are for. */
interface Takers {
  callers: Callers
  legs: Legs
  onPlayed(playback: Extract<AriEvent, { type: 'PlaybackFinished' }>['playback']): void
}

function handle(event: AriEvent, { callers, legs, onPlayed }: Takers): void {
  switch (event.type) {
    case 'StasisStart':
      if (!isOwn(event.channel.id)) callers.started(event.channel)
      break
    case 'StasisEnd':
      if (isOwn(event.channel.id)) legs.ended(event.channel.id)
      else callers.ended(event.channel.id)
      break
    case 'ChannelDestroyed': {
      const { channel, cause, tech_cause } = event
      if (isOwn(channel.id)) legs.ended(channel.id, { cause, status: tech_cause })
      else callers.ended(channel.id)
      break
    }
    case 'ChannelStateChange':
      legs.changed(event.channel.id, event.channel.state)
      break
    case 'Dial':
      // What is heard before the answer comes from the other side, so it has been reached.
      if (event.dialstatus === 'PROGRESS') legs.changed(event.peer.id, 'Ringing')
      break
    case 'PlaybackFinished':
      onPlayed(event.playback)
      break
  }
}

/** Tells of events that were not understood, at most once a minute. */
function complainTo(log: FastifyBaseLogger): (reason: string) => void {
  let events = 0
  let toldAt = Number.NEGATIVE_INFINITY
  return (reason) => {
    events += 1
    if (performance.now() - toldAt < badEventsMilliseconds) return
    toldAt = performance.now()
    log.warn({ reason, events }, 'events of the engine were not understood')
    events = 0
  }
}

/** Opens an Asterisk as an engine, through ARI. Nothing is asked of it before it is started. */
export function openAsterisk(
  configuration: EngineConfiguration,
  { logger, meter, lease }: AsteriskOptions,
): Engine {
  const log = logger.child({ engine: configuration.name })
  const requests = createRequests(configuration, {
    ...(lease && { lease }),
    onOutcome(request) {
      meter?.requested(request)
      if (request.kind === 'channels' && request.outcome === 'unreachable') surveyor.doubt()
    },
  })
  const tell = (event: EngineEvent) => surveyor.tell(event)
  const callers = new Callers({ configuration, requests, tell })
  const legs = new Legs({ configuration, requests, tell })
  const fetches = fetchCommand({ configuration, requests })
  const surveyor = new Surveyor({ configuration, requests, callers, legs, fetches, log })
  const channelOf = (leg: string) => (isOwn(leg) ? legs.channelOf(leg) : leg)
  const office: Office = { configuration, requests, channelOf }
  const { releaseCaller, ...callerOnes } = callerCommands(office)
  const { wasWhole, ...plays } = playCommands(office)
  const takers: Takers = {
    callers,
    legs,
    onPlayed(playback) {
      if (fetches.fetched(playback)) return
      tell({ type: 'played', play: playback.id, isWhole: wasWhole(playback) })
    },
  }
  let connection: Connection | undefined

  return {
    name: configuration.name,
    get isReady() {
      return surveyor.isReady
    },
    start(listener) {
      connection = new Connection({
        configuration,
        requests,
        onEvent: (event) => surveyor.take(event, (taken) => handle(taken, takers)),
        onBadEvent: complainTo(log),
        onConnected({ version, ...connected }) {
          meter?.connected(true)
          log.info({ version }, 'the engine is connected')
          surveyor.begin(listener, connected)
        },
        onLost(reason) {
          meter?.connected(false)
          log.warn({ reason }, 'the connection to the engine is lost')
          surveyor.end()
        },
        onFailure: (reason) =>
          log.warn({ reason }, 'the engine cannot be reached; it is tried again'),
      })
    },
    async close() {
      requests.close()
      await connection?.close()
    },
    ...callerOnes,
    ...plays,
    ...bridgeCommands(office),
    fetch: (address) => fetches.fetch(address),
    dial: (leg, dialling) => legs.dial(leg, dialling),
    release: (leg, cause) => (isOwn(leg) ? legs.release(leg, cause) : releaseCaller(leg, cause)),
  }
}
