import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Reader } from '../../../database/database.ts'
import { defineDocument } from '../../../documents/document.ts'
import { fold } from '../../../documents/normalise.ts'
import { named, text } from '../../../documents/vocabulary.ts'
import { causes } from '../../../engines/engine.ts'
import {
  busy,
  type Fault,
  invalid,
  memberPath,
  missing,
  notFound,
  Refusal,
  refuseIfAny,
} from '../../../errors.ts'
import { type Answer, done, representation } from '../../../http/answer.ts'
import { hasPreconditions, judgePreconditions } from '../../../http/conditions.ts'
import { addOperation, fillPath } from '../../../http/operation.ts'
import { groupKeyOf, parametersIn } from '../../../http/place.ts'
import { siteOf } from '../../../resources/resource.ts'
import type { Door } from '../../../writes/door.ts'
import { type Reached, readReached } from '../../agents/states.ts'
import { checkDestination } from '../../numbers/destinations.ts'
import { Destination } from '../../numbers/members.ts'
import { requireRoutePoint, routePointScope } from '../../route-points/route-points.ts'
import { agentOf, type Call, type CallEvent } from '../call.ts'
import { findAgent, type Route, resolveDestination } from '../find.ts'
import { type BackOff, calledBy } from '../live/back-off.ts'
import { command } from '../live/commands.ts'
import type { Switchboard } from '../live/switchboard.ts'
import type { Decision } from '../live/treatment.ts'
import { callIdOf, callPath, callsTag, requireCall } from './calls.ts'

/** What offering needs. */
interface Offering {
  board: Switchboard
  door: Door
  backOff: BackOff
}

const OfferRequest = Type.Object({
  agent: Type.Optional(text(161, { description: 'Id of a user of the group.' })),
  destination: Type.Optional(Destination),
  forceDelivery: Type.Optional(
    Type.Boolean({
      description:
        'The call is to be put through without being accepted; what the route point says unless told.',
    }),
  ),
  ringSeconds: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 120,
      description: 'How long it rings; what the route point says unless told.',
    }),
  ),
})

type OfferRequest = Static<typeof OfferRequest>

const offerDocument = defineDocument({ schema: OfferRequest })

/** @returns a fault (9) where it is not told once to whom. */
function* whomFaults({ agent, destination }: OfferRequest): Iterable<Fault> {
  if ((agent === undefined) !== (destination === undefined)) return
  yield missing('agent', "One of 'agent' and 'destination' must be given.")
}

const OfferAnswer = named(
  'OfferMade',
  Type.Object({
    offerId: Type.String({
      description: 'Its number among those of the call; by it the offer can be withdrawn.',
    }),
  }),
  'An offer that was made.',
)

const offerId = {
  component: 'OfferId',
  description: '`offerId` of the offer.',
  schema: { type: 'string' },
  example: '1',
}

/** What a command finds that cannot be followed. */
export function conflict(message: string): Refusal {
  return new Refusal([{ code: 409, message }])
}

export function stateOf({ phase }: Call): string {
  return phase.name === 'ended' ? 'it is over' : `it is '${phase.name}' now`
}

/** Whom an offer is made to; of a destination that is a user's nothing is told but that it is one. */
interface Wanted {
  agent: string | null
  route: Route
  /** As it was given. */
  destination: string | null
}

/**
 * @param path where the two stand in the body.
 * @param reach as of `resolveDestination()`.
 * @throws Refusal 2 for a user or destination that the group cannot reach.
 */
export async function wantedOf(
  reader: Reader,
  request: FastifyRequest,
  { agent, destination = '' }: { agent?: string | undefined; destination?: string | undefined },
  { path = '', reach }: { path?: string; reach?: 'everywhere' | 'tenant' } = {},
): Promise<Wanted> {
  if (agent !== undefined) {
    const found = await findAgent(reader, groupKeyOf(request.place), agent)
    if (found) return { agent: fold(found.userId), route: found, destination: null }
    const parameter = memberPath(path, 'agent')
    throw new Refusal([invalid(parameter, `The '${parameter}' field names no user of the group.`)])
  }
  const routePoint = routePointScope(request)
  const [, , identityKey] = routePoint
  const holder = { place: request.place, identityKey, dnisName: null }
  const parameter = memberPath(path, 'destination')
  refuseIfAny(await checkDestination(reader, holder, { parameter, destination }))
  const route = await resolveDestination(reader, routePoint, destination, reach)
  return { agent: route.kind === 'agent' ? fold(route.userId) : null, route, destination }
}

/** Judges the body, and answers the event that it asks for. */
async function offerOf(
  { door, backOff }: Offering,
  request: FastifyRequest,
): Promise<CallEvent & { type: 'offered' }> {
  await requireRoutePoint(door.reader, siteOf(request))
  const { value, faults } = offerDocument.create(request.body)
  refuseIfAny(faults)
  refuseIfAny([...whomFaults(value)])
  const wanted = await wantedOf(door.reader, request, value)
  const { agent, route } = wanted
  const isDialled = route.kind !== 'route point' && route.kind !== 'nowhere'
  const seconds = isDialled ? backOff.secondsLeft(calledBy({ agent, to: route })) : 0
  if (seconds > 0) {
    throw new Refusal(
      [
        {
          code: 409,
          message: `The telephone has just failed, or was rung in vain; it can be tried in ${seconds} s.`,
        },
      ],
      { 'retry-after': String(seconds) },
    )
  }
  const { forceDelivery, ringSeconds } = value
  return { type: 'offered', ...wanted, isForced: forceDelivery, ringSeconds }
}

/**
 * Judges a command by what its client has read. The places of all calls are not looked up for those who have not.
 *
 * @throws Refusal 404 for a call that is over, 412
 */
async function judgeAsRead(
  reader: Reader,
  request: FastifyRequest,
  { phase }: Call,
): Promise<void> {
  if (phase.name === 'ended') throw notFound()
  if (!hasPreconditions(request)) return
  judgePreconditions(request, JSON.stringify(await requireCall(reader, request)))
}

/** Why an agent takes no call now; undefined where they do. */
function refusalOf(
  { set: { state, unavailableCode, untilAt }, callId }: Reached,
  { call, state: routePoint }: Pick<Decision, 'call' | 'state'>,
): string | undefined {
  if (callId !== null && callId !== call.id) return 'has another call'
  if (state === 'Unavailable')
    return `is unavailable${unavailableCode ? `: ${unavailableCode}` : ''}`
  if (state === 'Available' || routePoint?.routePoint.allowCallsToAgentsInWrapUp) return undefined
  return `is in wrap-up${untilAt === null ? '' : ` until ${new Date(untilAt).toISOString()}`}`
}

/**
 * Judges whether somebody takes a call now. What this rests on stands in the row of their state, which keeping the call writes.
 *
 * @throws Refusal 409; of whoever is called by a destination nothing is told but that.
 */
async function judgeAgent(
  reader: Reader,
  { destination }: CallEvent & { type: 'offered' },
  decided: Pick<Decision, 'call' | 'state'>,
): Promise<void> {
  const agent = agentOf(decided.call)
  const reached = agent === null ? undefined : await readReached(reader, agent)
  const why = reached && refusalOf(reached, decided)
  if (why === undefined) return
  throw conflict(
    destination === null ? `The agent ${why}.` : 'Who is called there takes no call now.',
  )
}

function addOffer(app: FastifyInstance, offering: Offering): void {
  const { board, door } = offering
  const path = `${callPath}offer/`
  addOperation(app, {
    method: 'POST',
    path,
    id: 'offerCall',
    summary: 'Offer a waiting call to an agent, or to a destination',
    description:
      'The telephone of the agent rings. One offer of a call at a time, one call of an agent at a time: else 409. Under `If-Match` only while the call is as it was read.',
    tag: callsTag,
    permission: 'group.administer',
    body: named('Offer', offerDocument.schemas.documented.forCreation, 'Whom to offer a call to.'),
    answer: OfferAnswer,
    status: 201,
    refusals: [409, 412],
    example: {
      request: { agent: 'ApioUserTest1@sip.netaxis.be' },
      response: { offerId: offerId.example },
    },
    async handler(request): Promise<Answer> {
      const event = await offerOf(offering, request)
      return command(board, door, {
        routePoint: routePointScope(request),
        callId: callIdOf(request),
        request,
        event,
        async judge({ transaction }, { before, call, state, isRefused }) {
          await judgeAsRead(transaction, request, before)
          if (isRefused) throw conflict(`The call cannot be offered: ${stateOf(before)}.`)
          await judgeAgent(transaction, event, { call, state })
          if (!board.isReady(call)) throw busy('The engine of the call is not connected.', 1)
        },
        answer({ offers }) {
          const offer_id = String(offers)
          const location = fillPath(`${path}:offer_id/`, { ...parametersIn(request), offer_id })
          const text = JSON.stringify({ offerId: offer_id })
          return { ...representation(text, { location }), status: 201 }
        },
      })
    },
  })
}

function addWithdrawal(app: FastifyInstance, { board, door }: Offering): void {
  addOperation(app, {
    method: 'DELETE',
    path: `${callPath}offer/:offer_id/`,
    names: offerId,
    id: 'withdrawOffer',
    summary: 'Withdraw an offer: the call waits on at its place',
    tag: callsTag,
    permission: 'group.administer',
    refusals: [409],
    example: { response: {} },
    async handler(request): Promise<Answer> {
      await requireRoutePoint(door.reader, siteOf(request))
      return command(board, door, {
        routePoint: routePointScope(request),
        callId: callIdOf(request),
        request,
        event: { type: 'withdrawn', offer: parametersIn(request).offer_id ?? '' },
        async judge({ transaction }, { before, isRefused }) {
          await judgeAsRead(transaction, request, before)
          if (isRefused) throw conflict(`There is no such offer to withdraw: ${stateOf(before)}.`)
        },
        answer: () => done,
      })
    },
  })
}

const ReleaseRequest = Type.Object({
  cause: Type.Optional(
    Type.Enum(['normal', 'busy', 'noAnswer', 'rejected', 'congestion'], {
      description: 'What the caller is told where nobody has answered yet.',
    }),
  ),
})

const releaseDocument = defineDocument({ schema: ReleaseRequest })

function addRelease(app: FastifyInstance, { board, door }: Offering): void {
  addOperation(app, {
    method: 'POST',
    path: `${callPath}release/`,
    id: 'releaseCall',
    summary: 'End a call',
    tag: callsTag,
    permission: 'group.administer',
    body: named('Release', releaseDocument.schemas.documented.forCreation, 'How to end a call.'),
    refusals: [409, 412],
    example: { request: { cause: 'normal' }, response: {} },
    async handler(request): Promise<Answer> {
      await requireRoutePoint(door.reader, siteOf(request))
      const { value, faults } = releaseDocument.create(request.body)
      refuseIfAny(faults)
      return command(board, door, {
        routePoint: routePointScope(request),
        callId: callIdOf(request),
        request,
        event: { type: 'released', cause: value.cause && causes[value.cause] },
        async judge({ transaction }, { before, isRefused }) {
          await judgeAsRead(transaction, request, before)
          if (isRefused) throw conflict(`The call cannot be ended: ${stateOf(before)}.`)
        },
        answer: () => done,
      })
    },
  })
}

/** Serves what a routing system does with calls. */
export function addCommands(app: FastifyInstance, offering: Offering): void {
  addOffer(app, offering)
  addWithdrawal(app, offering)
  addRelease(app, offering)
}
