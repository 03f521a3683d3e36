import { hostname } from 'node:os'
import type { Api } from '../../api.ts'
import { exposeEngines } from '../../metrics/engines.ts'
import type { Feed } from '../../writes/follow.ts'
import type { Media } from '../media/media.ts'
import type { RoutePointBackend } from '../route-points/backend.ts'
import { addEngines } from './engines.ts'
import type { KeptEvent } from './events/kept-events.ts'
import { addCallEvents } from './events/serve.ts'
import { createBackOff } from './live/back-off.ts'
import { Duty } from './live/leases/duty.ts'
import { meterCalls } from './live/meter.ts'
import { createPresence, watchPresence } from './live/presence.ts'
import type { Post } from './live/station.ts'
import { Switchboard } from './live/switchboard.ts'
import { createQueues } from './queue.ts'
import { addRecords } from './records/serve.ts'
import { addFigures } from './records/serve-figures.ts'
import { addCallAgents } from './routing/agents.ts'
import { addCallViews } from './routing/calls.ts'
import { addCallCodes } from './routing/codes.ts'
import { addCommands } from './routing/offers.ts'
import { addSimulation } from './routing/simulation.ts'

export interface CallsOptions {
  backend: Pick<RoutePointBackend, 'state'>
  media: Media
  /** Whose calls may be treated here; undefined where no engines are configured. */
  posts: readonly Post[] | undefined
}

/**
 * Treats the calls of the engines whose leases it holds, and serves what routing systems see of calls and do with them.
 *
 * @returns what happens to calls, as it happens.
 */
export function addCalls(
  api: Api,
  { backend, media, posts: given }: CallsOptions,
): Feed<KeptEvent> {
  const { app, config, database, door, registry } = api
  const posts = given ?? []
  const queues = createQueues()
  const presence = createPresence({ database, logger: app.log })
  const backOff = createBackOff()
  const meter = meterCalls(() => queues.waiting().length, registry)
  const board: Switchboard = new Switchboard({
    database,
    backend,
    media,
    queues,
    presence,
    backOff,
    meter,
    keeping: { callerDigitsMasked: config.CALLER_DIGITS_MASKED },
    isDraining: (engine) => duty.isDraining(engine),
    isOwnSession: (session) => session === duty.session,
    waitingElsewhere: (routePoint) => duty.waitingElsewhere(routePoint),
    logger: app.log,
  })
  const node = { name: config.NODE ?? `${hostname()}:${config.PORT}`, url: config.NODE_URL }
  const duty = new Duty({ database, board, posts, node, logger: app.log })
  if (registry && given) exposeEngines(registry, () => duty.engines)
  addCallViews(app, { reader: database, presence })
  addCallAgents(app, { reader: database })
  addCallCodes(app, { board, door, backend })
  addCommands(app, { board, door, backOff })
  const events = addCallEvents(api, presence)
  addSimulation(app, { reader: database, backend })
  addEngines(app, { door })
  addRecords(api)
  addFigures(api)

  app.addHook('onReady', async () => {
    if (posts.length > 0) media.fetchEarly()
    await duty.start()
  })
  // Also where nothing is treated yet: whoever takes calls over must know who routes.
  const stopWatching = posts.length > 0 ? watchPresence(board, presence) : () => {}
  app.addHook('onClose', async () => {
    stopWatching()
    await duty.close()
    await board.close()
  })
  return events
}
