import type { Api } from '../../api.ts'
import type { Media } from '../media/media.ts'
import type { RoutePointBackend } from '../route-points/backend.ts'
import { createBackOff } from './live/back-off.ts'
import { meterCalls } from './live/meter.ts'
import { createPresence, watchPresence } from './live/presence.ts'
import type { Station } from './live/station.ts'
import { Switchboard } from './live/switchboard.ts'
import { createQueues } from './queue.ts'
import { addCallAgents } from './routing/agents.ts'
import { addCallViews } from './routing/calls.ts'
import { addCommands } from './routing/offers.ts'
import { addSimulation } from './routing/simulation.ts'

export interface CallsOptions {
  backend: Pick<RoutePointBackend, 'state'>
  media: Media
  /** Whose calls are treated here. */
  stations: readonly Station[]
}

/** Treats the calls of some engines, and serves what routing systems see of them and do with them. */
export function addCalls(api: Api, { backend, media, stations }: CallsOptions): void {
  const { app, config, database, door, registry } = api
  const queues = createQueues()
  const presence = createPresence()
  const backOff = createBackOff()
  const meter = meterCalls(() => queues.waiting().length, registry)
  const board = new Switchboard({
    database,
    backend,
    media,
    queues,
    presence,
    backOff,
    meter,
    keeping: { callerDigitsMasked: config.CALLER_DIGITS_MASKED },
    logger: app.log,
  })
  addCallViews(app, { reader: database, presence })
  addCallAgents(app, { reader: database })
  addCommands(app, { board, door, backOff })
  addSimulation(app, { reader: database, backend })

  app.addHook('onReady', async () => {
    if (stations.length > 0) media.fetchEarly()
    for (const station of stations) board.attach(station)
  })
  const stopWatching = watchPresence(board, presence)
  app.addHook('onClose', async () => {
    stopWatching()
    await Promise.all(stations.map(({ engine }) => engine.close()))
    await board.close()
  })
}
