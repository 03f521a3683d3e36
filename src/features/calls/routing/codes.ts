import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { type Reader, sql } from '../../../database/database.ts'
import { defineDocument } from '../../../documents/document.ts'
import { named } from '../../../documents/vocabulary.ts'
import {
  type Fault,
  invalid,
  itemPath,
  missing,
  notFound,
  Refusal,
  refuseIfAny,
} from '../../../errors.ts'
import { type Answer, representation } from '../../../http/answer.ts'
import { judgePreconditions } from '../../../http/conditions.ts'
import { addOperation } from '../../../http/operation.ts'
import { type Caller, levels } from '../../../http/permissions.ts'
import { siteOf } from '../../../resources/resource.ts'
import type { Door } from '../../../writes/door.ts'
import { intentOf } from '../../../writes/intent.ts'
import { Code, CodeLevel } from '../../disposition-codes/disposition-code.ts'
import type { RoutePointBackend } from '../../route-points/backend.ts'
import type { RoutePointKey } from '../../route-points/route-point.ts'
import { requireRoutePoint, routePointScope } from '../../route-points/route-points.ts'
import type { RoutePointState } from '../../route-points/state.ts'
import type { Call, DispositionCodeReference } from '../call.ts'
import { command } from '../live/commands.ts'
import type { Switchboard } from '../live/switchboard.ts'
import { readRecord, replaceRecordCodes } from '../records/record.ts'
import { findCall } from '../rows.ts'
import { codesDue } from '../treatment/coding.ts'
import { callIdOf, callPath, callsTag } from './calls.ts'
import { conflict, stateOf } from './offers.ts'

/** What giving codes needs. */
interface Coding {
  board: Switchboard
  door: Door
  backend: Pick<RoutePointBackend, 'state'>
}

/** More say nothing of a call. */
const codesMax = 10

/** An agent has at least as long after a call to say what it was about, wrap-up or not. */
const secondsAfterLeast = 60

const Codes = Type.Object({
  dispositionCodes: Type.Array(
    Type.Object({ code: Code, level: CodeLevel }, { additionalProperties: false }),
    { maxItems: codesMax, description: 'All codes of the call.' },
  ),
})

type Codes = Static<typeof Codes>['dispositionCodes']

function isSame(one: DispositionCodeReference, other: DispositionCodeReference): boolean {
  return one.code === other.code && one.level === other.level
}

const codesDocument = defineDocument({
  schema: Codes,
  *rules({ dispositionCodes: codes }) {
    for (const [index, code] of codes.entries()) {
      const isDouble = codes.findIndex((other) => isSame(code, other)) < index
      const path = itemPath('dispositionCodes', index)
      yield isDouble && invalid(path, `The '${path}' field repeats a code.`)
    }
  },
})

/** A call as it is tagged, live or recorded. */
interface Tagged {
  /** Who took it by an offer that named them. */
  agentKey: string | null
  codes: readonly DispositionCodeReference[]
  isOver: boolean
}

function taggedCall({ taken, dispositionCodes: codes = [] }: Call): Tagged {
  const isAgents = taken?.whom?.agent !== undefined
  return { agentKey: isAgents ? taken.agent : null, codes, isOver: false }
}

type Recorded = NonNullable<Awaited<ReturnType<typeof readRecord>>>

function taggedRecord({ record, agentKey }: Recorded): Tagged {
  return { agentKey: agentKey || null, codes: record.dispositionCodes ?? [], isOver: true }
}

/** The call that a path names, be it over or not. */
async function findTagged(
  reader: Reader,
  routePoint: RoutePointKey,
  callId: string,
): Promise<Tagged | undefined> {
  const call = await findCall(reader, routePoint, callId)
  if (call) return taggedCall(call)
  const found = await readRecord(reader, routePoint, callId)
  return found && taggedRecord(found)
}

/** @throws Refusal 404 for everybody but admins and the agent of the call, as if there were none. */
function admit({ level, identityKey }: Caller, tagged: Tagged | undefined): Tagged {
  const isAdmin = level >= levels.GroupAdmin
  if (!tagged || !(isAdmin || tagged.agentKey === identityKey)) throw notFound()
  return tagged
}

function textOf(dispositionCodes: readonly DispositionCodeReference[]): string {
  return JSON.stringify({ dispositionCodes })
}

const selectCode = sql<{ active: number }>(
  `SELECT active FROM usable_disposition_codes
   WHERE tenant_key = ? AND group_key = ? AND route_point_key = ? AND code = ? AND level = ?`,
)

/** Why a call can not be given a code; undefined where it can. */
async function faultOf(
  reader: Reader,
  { code, level }: DispositionCodeReference,
  { key, settings }: RoutePointState,
): Promise<string | undefined> {
  const { includeOrganizationCodes } = settings.disposition_codes_config
  if (level !== 'CallCenter' && !includeOrganizationCodes) {
    return 'is no code of the route point itself, and its calls are given no others'
  }
  const row = await reader.get(selectCode, ...key, code, level)
  if (!row) return 'names a code that there is not'
  return row.active === 1 ? undefined : 'names a code that is not active'
}

/**
 * Judges codes by the settings and the codes that there are at this moment; not those that the call has already.
 *
 * @throws Refusal 9 where calls are given none, 2 naming each that cannot be given.
 */
async function judgeCodes(
  reader: Reader,
  { wanted, had }: { wanted: Codes; had: Tagged['codes'] },
  state: RoutePointState,
): Promise<void> {
  if (!state.settings.disposition_codes_config.enableCallDispositionCodes) {
    const message = `The 'enableCallDispositionCodes' of the route point must be true for its calls to be given codes.`
    throw new Refusal([missing('dispositionCodes', message)])
  }
  const faults: Fault[] = []
  for (const [index, code] of wanted.entries()) {
    if (had.some((one) => isSame(one, code))) continue
    const why = await faultOf(reader, code, state)
    const path = itemPath('dispositionCodes', index)
    if (why !== undefined) faults.push(invalid(path, `The '${path}' field ${why}.`))
  }
  refuseIfAny(faults)
}

/** Whether a call that was there no longer is. */
function isGone(error: unknown): boolean {
  return error instanceof Refusal && error.status === 404
}

function codeCall(
  { board, door }: Coding,
  request: FastifyRequest,
  wanted: Codes,
): Promise<Answer> {
  return command(board, door, {
    routePoint: routePointScope(request),
    callId: callIdOf(request),
    request,
    event: { type: 'coded', codes: wanted },
    async judge({ transaction, caller }, { before, state, isRefused }) {
      if (before.phase.name === 'ended') throw notFound()
      const { codes: had } = admit(caller, taggedCall(before))
      if (isRefused) throw conflict(`The call can be given no codes: ${stateOf(before)}.`)
      if (!state) throw notFound()
      await judgeCodes(transaction, { wanted, had }, state)
      judgePreconditions(request, textOf(had))
    },
    answer: ({ dispositionCodes = [] }) => representation(textOf(dispositionCodes)),
  })
}

/** @throws Refusal 409 where the time is over. */
function requireTime(endedAt: number, { routePoint }: RoutePointState): void {
  const seconds = Math.max(secondsAfterLeast, routePoint.wrapUpSeconds)
  const until = endedAt + seconds * 1_000
  if (Date.now() <= until) return
  throw conflict(
    `The call is over; it could be given codes until ${new Date(until).toISOString()}.`,
  )
}

function codeRecord(
  { door, backend }: Coding,
  request: FastifyRequest,
  wanted: Codes,
): Promise<Answer> {
  const routePoint = routePointScope(request)
  const callId = callIdOf(request)
  return door.write(intentOf(request), {
    guard: 'keys',
    prepare: () => backend.state(routePoint),
    async act({ transaction, caller }, state) {
      const found = await readRecord(transaction, routePoint, callId)
      const { codes: had } = admit(caller, found && taggedRecord(found))
      if (!found || !state) throw notFound()
      const { endedAt, outcome, answeredAt = null } = found.record
      if (answeredAt === null) throw conflict('Nobody had taken the call.')
      requireTime(endedAt, state)
      await judgeCodes(transaction, { wanted, had }, state)
      judgePreconditions(request, textOf(had))
      const config = state.settings.disposition_codes_config
      const dispositionCodes = codesDue({ outcome, given: wanted }, config)
      const kept = { callId, dispositionCodes }
      if (!(await replaceRecordCodes(transaction, routePoint, kept))) {
        throw conflict('The call has been counted already.')
      }
      return representation(textOf(dispositionCodes))
    },
  })
}

async function giveCodes(coding: Coding, request: FastifyRequest): Promise<Answer> {
  const { reader } = coding.door
  const find = () => findTagged(reader, routePointScope(request), callIdOf(request))
  const tagged = admit(request.caller, await find())
  const { value, faults } = codesDocument.create(request.body)
  refuseIfAny(faults)
  const { dispositionCodes: wanted } = value
  if (tagged.isOver) return codeRecord(coding, request, wanted)
  try {
    return await codeCall(coding, request, wanted)
  } catch (error) {
    // It has ended since it was looked for: what is wanted of it is wanted of its record.
    if (!isGone(error) || !(await find())?.isOver) throw error
    return codeRecord(coding, request, wanted)
  }
}

const example = { dispositionCodes: [{ code: '123456', level: 'CallCenter' }] }

/** Serves the codes by which an agent, or an admin, says what a call was about. */
export function addCallCodes(app: FastifyInstance, coding: Coding): void {
  const { reader } = coding.door
  const shared = {
    path: `${callPath}disposition_codes/`,
    tag: callsTag,
    permission: 'call.tag',
    answer: named('CallCodes', codesDocument.schemas.documented.shown, 'The codes of a call.'),
  } as const
  addOperation(app, {
    ...shared,
    method: 'GET',
    id: 'getCallCodes',
    summary: 'Get the disposition codes of a call',
    description: 'Also of one that is over, to Group Admins and to the agent who took it.',
    example: { response: example },
    async handler(request): Promise<Answer> {
      await requireRoutePoint(reader, siteOf(request))
      const found = await findTagged(reader, routePointScope(request), callIdOf(request))
      return representation(textOf(admit(request.caller, found).codes))
    },
  })
  addOperation(app, {
    ...shared,
    method: 'PUT',
    id: 'updateCallCodes',
    summary: 'Give a call its disposition codes, in place of those that it has',
    description:
      'While somebody speaks, and after that as long as `wrapUpSeconds` of the route point say, 60 s at least; then 409. Group Admins do it, and the agent who took the call by an offer that named them.',
    body: named(
      'CallCodesChange',
      codesDocument.schemas.documented.forCreation,
      'All codes of a call.',
    ),
    refusals: [409],
    example: { request: example, response: example },
    async handler(request): Promise<Answer> {
      await requireRoutePoint(reader, siteOf(request))
      return giveCodes(coding, request)
    },
  })
}
