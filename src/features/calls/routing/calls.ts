import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Reader } from '../../../database/database.ts'
import { named } from '../../../documents/vocabulary.ts'
import { notFound, refuseIfAny } from '../../../errors.ts'
import { type Answer, representation } from '../../../http/answer.ts'
import { addOperation, type Tag } from '../../../http/operation.ts'
import { parametersIn } from '../../../http/place.ts'
import { judgeQuery, queryIn } from '../../../http/query.ts'
import { listParameters, pageAnswer, pageSizeMax, readListQuery } from '../../../resources/query.ts'
import { pageOf, type RowSource } from '../../../resources/query-rows.ts'
import { siteOf } from '../../../resources/resource.ts'
import { type RoutePointKey, routePointPath } from '../../route-points/route-point.ts'
import { requireRoutePoint, routePointScope } from '../../route-points/route-points.ts'
import type { Presence } from '../live/presence.ts'
import { readCallsOf } from '../rows.ts'
import { exampleCall, ShownCall, showCalls } from '../shown.ts'

const callsPath = `${routePointPath}calls/`
export const callPath = `${callsPath}:call_id/`

export const callsTag: Tag = {
  name: 'Calls',
  description: 'The calls that there are now, and what a routing system does with them.',
}

/** What a path's `:call_id` names. */
export const callIdParameter = {
  component: 'CallId',
  description: '`callId` of the call.',
  schema: { type: 'string' },
  example: exampleCall.callId,
}

const fields: RowSource<ShownCall>['fields'] = {
  State: ({ state }) => state,
  CallerName: ({ caller }) => caller.name,
  CallerNumber: ({ caller }) => caller.number,
  Dnis: ({ dnis = '' }) => dnis,
  Agent: ({ offer }) => offer?.agent ?? '',
}

const CallList = named(
  'CallList',
  Type.Object({ calls: Type.Array(ShownCall, { description: 'The calls of this page.' }) }),
  'A page of a list.',
)

/** Whether whoever asks routes: its asking shows that it is there. */
export const routing = {
  routing: Type.Enum(['true', 'false'], {
    component: 'Routing',
    description:
      'The client is a routing system: the route point counts as having one for 30 s, so that its failover policy does not apply.',
  }),
}

/** The calls of a route point in the order in which they are shown, each with its place. */
async function readShown(reader: Reader, routePoint: RoutePointKey): Promise<ShownCall[]> {
  return showCalls(await readCallsOf(reader, routePoint))
}

/** The id that a path names. */
export function callIdOf(request: Pick<FastifyRequest, 'params'>): string {
  return parametersIn(request).call_id ?? ''
}

/**
 * The call that a path names, as it is shown.
 *
 * @throws Refusal 404 when there is no such call.
 */
export async function requireCall(reader: Reader, request: FastifyRequest): Promise<ShownCall> {
  const calls = await readShown(reader, routePointScope(request))
  const wanted = callIdOf(request)
  const call = calls.find((one) => one.callId === wanted)
  if (!call) throw notFound()
  return call
}

/** Serves the calls that there are. */
export function addCallViews(
  app: FastifyInstance,
  { reader, presence }: { reader: Reader; presence: Pick<Presence, 'saw'> },
): void {
  const shared = { method: 'GET', tag: callsTag, permission: 'group.administer' } as const
  addOperation(app, {
    ...shared,
    path: callsPath,
    id: 'listCalls',
    summary: 'List the calls of a route point',
    description:
      'Those that wait stand first, by their places; then the others, as they came. A call that has ended is no longer there.',
    query: { ...listParameters(Object.keys(fields), true), ...routing },
    answer: CallList,
    example: { response: { calls: [exampleCall] } },
    async handler(request): Promise<Answer> {
      const { routing: isRouting, ...listed } = queryIn(request)
      refuseIfAny(judgeQuery(isRouting === undefined ? {} : { routing: isRouting }, routing))
      const query = readListQuery(listed, Object.keys(fields), pageSizeMax)
      await requireRoutePoint(reader, siteOf(request))
      const routePoint = routePointScope(request)
      if (isRouting === 'true') presence.saw(routePoint)
      const calls = await readShown(reader, routePoint)
      const places = new Map(calls.map(({ callId: id }, index) => [id, index]))
      const key = ({ callId: id }: ShownCall) => String(places.get(id)).padStart(9, '0')
      const page = pageOf(calls, { fields, key }, query)
      const rows = page.rows.map((call) => JSON.stringify(call))
      return pageAnswer(request, { query, page: { ...page, rows } }, { member: 'calls' })
    },
  })
  addOperation(app, {
    ...shared,
    path: callPath,
    names: callIdParameter,
    id: 'getCall',
    summary: 'Get a call',
    answer: ShownCall,
    example: { response: exampleCall },
    async handler(request): Promise<Answer> {
      await requireRoutePoint(reader, siteOf(request))
      return representation(JSON.stringify(await requireCall(reader, request)))
    },
  })
}
