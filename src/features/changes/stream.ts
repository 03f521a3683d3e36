import Type from 'typebox'
import type { Api } from '../../api.ts'
import type { Reader } from '../../database/database.ts'
import { named } from '../../documents/vocabulary.ts'
import { inTurn } from '../../http/dear-operations.ts'
import { type EventsAnswer, eventsType } from '../../http/events.ts'
import { addOperation } from '../../http/operation.ts'
import { levels } from '../../http/permissions.ts'
import type { Room } from '../../http/room-for-streams.ts'
import { siteOf } from '../../resources/resource.ts'
import type { Feed } from '../../writes/follow.ts'
import type { KeptChange } from '../../writes/kept-changes.ts'
import { streamOf } from '../../writes/stream.ts'
import { changeExample, changesTag } from './change.ts'
import { type Start, tellChanges } from './events.ts'
import { type Level, type View, viewOf } from './levels.ts'
import { readEnds } from './pages.ts'
import { readAfter, streamParameters } from './query.ts'

const ChangeStream = named(
  'ChangeStream',
  Type.String({
    description:
      'Server-Sent Events without an end: `change` with a `Change` as JSON, `gap`, comments. Ids are positions.',
  }),
)

/**
 * Where a stream begins that shall go on behind a position. There is a gap where what follows is no longer kept, was never the
 * client's to see, or is of another record: one that was brought back from a backup ends before it.
 */
async function startBehind(wanted: number, { lowest }: View, reader: Reader): Promise<Start> {
  const { first, last } = await readEnds(reader)
  if (wanted > last) return { after: undefined, gapAfter: wanted }
  const after = Math.max(wanted, first - 1, lowest - 1)
  // Whoever begins at the beginning knows nothing that could have a gap.
  return after > wanted && wanted > 0 ? { after, gapAfter: wanted } : { after }
}

/** Serves the changes of a level as they come. */
export function addStream(
  { app, database }: Api,
  level: Level,
  { feed, room }: { feed: Feed<KeptChange>; room: Room },
): void {
  addOperation(app, {
    method: 'GET',
    path: `${level.path}stream/`,
    id: `stream${level.name}Changes`,
    summary: `Follow the changes ${level.words}`,
    description:
      'Server-Sent Events: each `change` in the order of positions, at least once, and none left out behind `Last-Event-ID`; `gap` where ' +
      'some can no longer be shown. A comment comes every 15 s. It ends when the right to see it does.',
    tag: changesTag,
    permission: level.permission,
    query: streamParameters,
    produces: eventsType,
    isStream: true,
    answer: ChangeStream,
    answerHeaders: ['X-Accel-Buffering'],
    refusals: [429],
    example: {
      response: `id: ${changeExample.position}\nevent: change\ndata: ${JSON.stringify(changeExample)}\n\n`,
    },
    async handler(request): Promise<EventsAnswer> {
      const { caller } = request
      const wanted = readAfter(request)
      const view = await viewOf(level, database, siteOf(request))
      const endsWith = caller.level < levels.System ? view.scope : undefined
      const start: Start =
        wanted === undefined ? { after: undefined } : await startBehind(wanted, view, database)
      return {
        events(signal) {
          const leave = room.enter(caller)
          if (signal.aborted) leave()
          else signal.addEventListener('abort', leave, { once: true })
          const telling = tellChanges(start, endsWith)
          const listener = { caller, reader: database, signal }
          return streamOf({ after: start.after, telling }, listener, (ending) =>
            feed.follow(start.after, {
              ...(view.scope && { scope: view.scope }),
              signal: ending,
              inTurn: (read) => inTurn(request, read),
            }),
          )
        },
      }
    },
  })
}
