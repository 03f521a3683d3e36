import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Api } from '../../../api.ts'
import { named } from '../../../documents/vocabulary.ts'
import { notFound } from '../../../errors.ts'
import { type Answer, representation } from '../../../http/answer.ts'
import { inTurn } from '../../../http/dear-operations.ts'
import type { TextsAnswer } from '../../../http/events.ts'
import { addOperation, type Tag } from '../../../http/operation.ts'
import { queryIn } from '../../../http/query.ts'
import { linkToNext } from '../../../resources/query.ts'
import { siteOf } from '../../../resources/resource.ts'
import { mapInTurns } from '../../../resources/turns.ts'
import { routePointPath } from '../../route-points/route-point.ts'
import { requireRoutePoint, routePointScope } from '../../route-points/route-points.ts'
import { callIdOf, callIdParameter } from '../routing/calls.ts'
import { csvHead, csvLine } from './csv.ts'
import { readRecordsPage, type Search } from './pages.ts'
import {
  filterParameters,
  listParameters,
  placeText,
  readExportQuery,
  readRecordsQuery,
} from './query.ts'
import { readRecord } from './record.ts'
import { CallRecord, exampleRecord, showRecord } from './shown.ts'

export const recordsTag: Tag = {
  name: 'Call records',
  description: 'The calls that there were, and figures of them.',
}

const recordsPath = `${routePointPath}call_records/`

/** Records that are read at a time for CSV. */
const csvPageSize = 500

const CallRecordList = named(
  'CallRecordList',
  Type.Object({
    callRecords: Type.Array(CallRecord, {
      description:
        'The records of this page, newest first. It may have fewer than were asked for, or none, and the next one more.',
    }),
  }),
  'A page of a list.',
)

const shared = { method: 'GET', tag: recordsTag, permission: 'group.administer' } as const

function addList({ app, database }: Api): void {
  addOperation(app, {
    ...shared,
    path: recordsPath,
    id: 'listCallRecords',
    summary: 'List the calls that have ended at a route point',
    description:
      'Newest first. A page looks at a bounded part of the records: follow `Link` until there is none.',
    query: listParameters,
    answer: CallRecordList,
    example: { response: { callRecords: [exampleRecord] } },
    async handler(request): Promise<Answer> {
      await requireRoutePoint(database, siteOf(request))
      const query = readRecordsQuery(queryIn(request))
      const routePoint = routePointScope(request)
      const { records, next } = await readRecordsPage(database, { routePoint, ...query })
      const texts = await mapInTurns(records, (record) => JSON.stringify(showRecord(record)))
      const link = next === undefined ? {} : linkToNext(request, { before: placeText(next) })
      return representation(`{"callRecords":[${texts.join(',')}]}`, link)
    },
  })
}

function addOne({ app, database }: Api): void {
  addOperation(app, {
    ...shared,
    path: `${recordsPath}:call_id/`,
    names: callIdParameter,
    id: 'getCallRecord',
    summary: 'Get the record of a call',
    answer: CallRecord,
    example: { response: exampleRecord },
    async handler(request): Promise<Answer> {
      await requireRoutePoint(database, siteOf(request))
      const found = await readRecord(database, routePointScope(request), callIdOf(request))
      if (!found) throw notFound()
      return representation(JSON.stringify(showRecord(found.record)))
    },
  })
}

/**
 * The lines of all records that are looked for, as their client takes them. What is not all of them must not look as if it were, so
 * that it fails where the server stops or the right is lost.
 *
 * @throws Refusal, DatabaseUnavailable, and what `signal` aborts with.
 */
async function* linesOf(
  { database }: Pick<Api, 'database'>,
  request: FastifyRequest,
  { search, signal }: { search: Omit<Search, 'before' | 'pageSize'>; signal: AbortSignal },
): AsyncGenerator<string, void> {
  yield csvHead
  let before: Search['before']
  do {
    const page = await inTurn(request, async () => {
      signal.throwIfAborted()
      await request.caller.confirm(database)
      return readRecordsPage(database, { ...search, before, pageSize: csvPageSize })
    })
    if (page.records.length > 0) yield page.records.map(csvLine).join('')
    before = page.next
  } while (before)
}

function addCsv(api: Api): void {
  addOperation(api.app, {
    ...shared,
    path: `${recordsPath}csv/`,
    id: 'exportCallRecords',
    summary: 'Export the calls that have ended at a route point as CSV',
    description:
      "All records that the filters let through in one file (RFC 4180, UTF-8, a line of names first), newest first. A text that a spreadsheet would take for a formula has a `'` before it. When it cannot be finished the connection is broken.",
    query: filterParameters,
    produces: 'text/csv',
    isStream: true,
    answer: named(
      'CallRecordsCsv',
      Type.String({ description: 'A line of names, and one for each call.' }),
    ),
    answerHeaders: ['Content-Disposition'],
    example: { response: csvHead },
    async handler(request): Promise<TextsAnswer> {
      await requireRoutePoint(api.database, siteOf(request))
      const filters = readExportQuery(queryIn(request))
      const search = { routePoint: routePointScope(request), filters }
      return {
        headers: {
          'content-type': 'text/csv; charset=utf-8; header=present',
          'content-disposition': 'attachment; filename="call-records.csv"',
          'cache-control': 'no-store',
        },
        texts: (signal) => linesOf(api, request, { search, signal }),
      }
    },
  })
}

/** Serves the records of calls. */
export function addRecords(api: Api): void {
  addList(api)
  addCsv(api)
  addOne(api)
}
