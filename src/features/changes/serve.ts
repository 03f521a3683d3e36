import Type from 'typebox'
import type { Api } from '../../api.ts'
import { named } from '../../documents/vocabulary.ts'
import { type Answer, representation } from '../../http/answer.ts'
import { addOperation } from '../../http/operation.ts'
import { queryIn } from '../../http/query.ts'
import { createRoom, type RoomSize } from '../../http/room-for-streams.ts'
import { countStreams } from '../../metrics/streams.ts'
import { linkToNext } from '../../resources/query.ts'
import { siteOf } from '../../resources/resource.ts'
import { mapInTurns } from '../../resources/turns.ts'
import { openFeed } from '../../writes/follow.ts'
import { changesLog } from '../../writes/kept-changes.ts'
import { Change, changeExample, changesTag, toText } from './change.ts'
import { changesLevels, type Level, viewOf } from './levels.ts'
import { readChangesPage } from './pages.ts'
import { changesParameters, readChangesQuery } from './query.ts'
import { addStream } from './stream.ts'
import { positionsBetween } from './times.ts'

const ChangeList = named(
  'ChangeList',
  Type.Object({
    changes: Type.Array(Change, {
      description:
        'The changes of this page, newest first. It may have fewer than were asked for, or none, and the next one more.',
    }),
  }),
  'A page of the record.',
)

const roomSize: RoomSize = { accountMax: 8, tenantMax: 64, nodeMax: 256 }

function addList({ app, database }: Api, level: Level): void {
  addOperation(app, {
    method: 'GET',
    path: level.path,
    id: `list${level.name}Changes`,
    summary: `List the changes ${level.words}`,
    description:
      'Newest first. A page looks at a bounded part of the record: follow `Link` until there is none.',
    tag: changesTag,
    permission: level.permission,
    query: changesParameters,
    answer: ChangeList,
    example: { response: { changes: [changeExample] } },
    async handler(request): Promise<Answer> {
      const view = await viewOf(level, database, siteOf(request))
      const query = readChangesQuery(queryIn(request))
      const between = await positionsBetween(database, query)
      const { changes, next } = await readChangesPage(database, {
        ...query,
        scope: view.scope,
        lowest: Math.max(view.lowest, between.lowest),
        before: Math.min(query.before, between.before),
      })
      const texts = await mapInTurns(changes, toText)
      const link = next === undefined ? {} : linkToNext(request, { before: String(next) })
      return representation(`{"changes":[${texts.join(',')}]}`, link)
    },
  })
}

/** Serves the record of changes: its lists, and streams of it. */
export function addChanges(api: Api): void {
  const { app, database, config, registry } = api
  const feed = openFeed(database, changesLog)
  app.addHook('onClose', () => feed.close())
  const room = createRoom(config.CONNECTIONS_MAX, roomSize)
  if (registry) countStreams('change', room.open, registry)
  for (const level of changesLevels) {
    addList(api, level)
    addStream(api, level, { feed, room })
  }
}
