import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Api } from '../../../api.ts'
import type { Database } from '../../../database/database.ts'
import { defineDocument } from '../../../documents/document.ts'
import { named } from '../../../documents/vocabulary.ts'
import { invalid, Refusal, refuseIfAny } from '../../../errors.ts'
import { type Answer, done } from '../../../http/answer.ts'
import { inTurn } from '../../../http/dear-operations.ts'
import { type EventsAnswer, eventsType } from '../../../http/events.ts'
import { addOperation } from '../../../http/operation.ts'
import { groupKeyOf } from '../../../http/place.ts'
import { queryIn } from '../../../http/query.ts'
import { createRoom, type Room, type RoomSize } from '../../../http/room-for-streams.ts'
import { countStreams } from '../../../metrics/streams.ts'
import { siteOf } from '../../../resources/resource.ts'
import { type Feed, openFeed } from '../../../writes/follow.ts'
import { streamOf } from '../../../writes/stream.ts'
import { requireGroup } from '../../groups/groups.ts'
import type { Presence } from '../live/presence.ts'
import { callsTag, routing } from '../routing/calls.ts'
import { AgentEvent, CallEvent, CallSnapshot, exampleEvent } from './event.ts'
import { type Known, readId, type Start, tellEvents } from './events.ts'
import { callEventsLog, isKeptBehind, type KeptEvent } from './kept-events.ts'
import { chosenRoutePoints, readChosen } from './query.ts'

const eventsPath = '/api/v1/tenants/:tenant_id/groups/:group_id/services/call_events/'

/** A routing system has a stream or two for each route point, or one for each of its processes. */
const roomSize: RoomSize = { accountMax: 16, tenantMax: 128, nodeMax: 512 }

const CallEventStream = named(
  'CallEventStream',
  Type.String({
    description:
      'Server-Sent Events without an end: `snapshot` with a `CallSnapshot` as JSON, then an event named like its type with a `CallEvent`, or `CallAgentEvent`, ' +
      'as JSON for each thing that happens; `heartbeat` every 15 s; `reset` where some could not be told.',
    // What stands behind `data:`; OpenAPI 3.1 has no other word for it.
    contentMediaType: 'application/json',
    contentSchema: Type.Union([CallSnapshot, CallEvent, AgentEvent]),
  }),
)

/** @throws Refusal (2) for what is no id of an event. */
function readKnown(request: FastifyRequest): { known: Known; text: string } | undefined {
  const header = request.headers['last-event-id']
  // A browser that never had an id sends none.
  if (header === undefined) return undefined
  const text = String(header)
  const known = readId(text)
  if (known) return { known, text }
  const message = "The 'Last-Event-ID' header must be the id of an event."
  throw new Refusal([invalid('Last-Event-ID', message)])
}

async function startOf(database: Database, request: FastifyRequest): Promise<Start> {
  const wanted = readKnown(request)
  if (!wanted) return { known: undefined }
  const { known, text } = wanted
  return (await isKeptBehind(database, known.position))
    ? { known }
    : { known: undefined, lost: text }
}

/** Notes that a routing system is there for the route points that it has chosen. */
function notePresence(
  presence: Pick<Presence, 'saw'>,
  request: FastifyRequest,
  chosen: ReadonlySet<string> | undefined,
): void {
  const group = groupKeyOf(request.place)
  if (!chosen) presence.saw(group)
  for (const key of chosen ?? []) presence.saw([...group, key])
}

interface Events {
  feed: Feed<KeptEvent>
  room: Room
  presence: Pick<Presence, 'saw'>
}

function addStream({ app, database }: Api, { feed, room, presence }: Events): void {
  addOperation(app, {
    method: 'GET',
    path: eventsPath,
    id: 'streamCallEvents',
    summary: 'Follow what happens to the calls of a group',
    description:
      'Server-Sent Events: a `snapshot` of the calls and agents that there are, then each event once, in order. Behind `Last-Event-ID` none is left ' +
      'out and none told again as long as events are kept; else `reset` and a snapshot. It ends when the right to see it does.',
    tag: callsTag,
    permission: 'group.administer',
    query: { ...chosenRoutePoints, ...routing },
    produces: eventsType,
    isStream: true,
    answer: CallEventStream,
    answerHeaders: ['X-Accel-Buffering'],
    refusals: [429],
    example: {
      response: `id: 4711\nevent: ${exampleEvent.type}\ndata: ${JSON.stringify(exampleEvent)}\n\n`,
    },
    async handler(request): Promise<EventsAnswer> {
      const { caller } = request
      const site = siteOf(request)
      await requireGroup(database, site)
      const start = await startOf(database, request)
      const chosen = await readChosen(database, request)
      if (queryIn(request).routing === 'true') notePresence(presence, request, chosen)
      const [tenantKey, groupKey] = groupKeyOf(request.place)
      const work = <Result>(read: () => Promise<Result>) => inTurn(request, read)
      const audience = { reader: database, group: groupKeyOf(request.place), chosen, inTurn: work }
      return {
        events(signal) {
          const leave = room.enter(caller)
          if (signal.aborted) leave()
          else signal.addEventListener('abort', leave, { once: true })
          const after = start.known?.position
          const listener = {
            caller: {
              async confirm() {
                await caller.confirm(database)
                await requireGroup(database, site)
              },
            },
            reader: database,
            signal,
          }
          return streamOf({ after, telling: tellEvents(start, audience) }, listener, (ending) =>
            feed.follow(after, { scope: { tenantKey, groupKey }, signal: ending, inTurn: work }),
          )
        },
      }
    },
  })
}

const presenceDocument = defineDocument({ schema: Type.Object({}) })

function addPresence({ app, database }: Api, { presence }: Pick<Events, 'presence'>): void {
  addOperation(app, {
    method: 'POST',
    path: `${eventsPath}presence/`,
    id: 'notePresence',
    summary: 'Say that a routing system is there',
    description:
      'The route points count as having one for 30 s, so that their failover policy does not apply. An open stream does not say so by itself: its program may hang.',
    tag: callsTag,
    permission: 'group.administer',
    isFinal: 'nothing is kept that could be tried',
    ignoresRetryKey: true,
    query: chosenRoutePoints,
    body: named(
      'Presence',
      presenceDocument.schemas.documented.forCreation,
      'There is nothing to say.',
    ),
    example: { request: {}, response: {} },
    async handler(request): Promise<Answer> {
      await requireGroup(database, siteOf(request))
      refuseIfAny(presenceDocument.create(request.body).faults)
      notePresence(presence, request, await readChosen(database, request))
      return done
    },
  })
}

/** Serves events of calls, and takes note of who is there to hear them; answers what is followed. */
export function addCallEvents(api: Api, presence: Pick<Presence, 'saw'>): Feed<KeptEvent> {
  const { app, database, config, registry } = api
  const feed = openFeed(database, callEventsLog)
  app.addHook('onClose', () => feed.close())
  const room = createRoom(config.CONNECTIONS_MAX, roomSize)
  if (registry) countStreams('callEvent', room.open, registry)
  addStream(api, { feed, room, presence })
  addPresence(api, { presence })
  return feed
}
