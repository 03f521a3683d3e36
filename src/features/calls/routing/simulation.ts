import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import type { Reader } from '../../../database/database.ts'
import { defineDocument } from '../../../documents/document.ts'
import { named, text } from '../../../documents/vocabulary.ts'
import { callSecondsMaxDefault } from '../../../engines/configuration.ts'
import {
  type Fault,
  invalid,
  itemPath,
  memberPath,
  missing,
  Refusal,
  refuseIfAny,
} from '../../../errors.ts'
import { type Answer, message } from '../../../http/answer.ts'
import { addOperation } from '../../../http/operation.ts'
import { siteOf } from '../../../resources/resource.ts'
import { Destination } from '../../numbers/members.ts'
import type { RoutePointBackend } from '../../route-points/backend.ts'
import { type RoutePointKey, routePointPath } from '../../route-points/route-point.ts'
import { requireRoutePoint, routePointScope } from '../../route-points/route-points.ts'
import type { RoutePointState } from '../../route-points/state.ts'
import { type Action, isSameKey } from '../call.ts'
import { resolveDestination } from '../find.ts'
import { type Imagined, type SimulatedStep, type Surroundings, simulate } from '../simulation.ts'
import type { Sound } from '../sounds.ts'
import { callsTag } from './calls.ts'
import { wantedOf } from './offers.ts'

const eventNames = [
  'wait',
  'offer',
  'answer',
  'refuse',
  'announcementEnds',
  'withdraw',
  'callerHangsUp',
  'otherHangsUp',
  'release',
  'routingSystem',
] as const

const legEnds = [
  'busy',
  'declined',
  'forbidden',
  'unknown',
  'unavailable',
  'redirected',
  'unreachable',
  'failed',
] as const

const Event = Type.Object(
  {
    event: Type.Enum([...eventNames], {
      description:
        'What happens: `wait` lets `seconds` pass, and what is due in them; `answer`, `refuse` and `otherHangsUp` are of the telephone that rings or speaks.',
    }),
    seconds: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: callSecondsMaxDefault,
        description: 'Of `wait`; 0 unless told.',
      }),
    ),
    agent: Type.Optional(text(161, { description: 'Of `offer`: id of a user of the group.' })),
    destination: Type.Optional(Destination),
    forceDelivery: Type.Optional(
      Type.Boolean({ description: 'Of `offer`; what the route point says unless told.' }),
    ),
    ringSeconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 120,
        description: 'Of `offer`; what the route point says unless told.',
      }),
    ),
    how: Type.Optional(
      Type.Enum([...legEnds], { description: 'Of `refuse`; `unavailable` unless told.' }),
    ),
    isConnected: Type.Optional(
      Type.Boolean({ description: 'Of `routingSystem`: it comes, or goes; it goes unless told.' }),
    ),
  },
  { additionalProperties: false },
)

const SimulationRequest = Type.Object({
  dialled: Type.Optional(
    text(161, {
      description:
        'A number or an extension of the route point or one of its DNIS; the route point itself unless told.',
    }),
  ),
  callerName: Type.Optional(text(80, { description: 'Name that the caller shows.' })),
  callerNumber: Type.Optional(text(64, { description: 'Number that the caller shows.' })),
  waitingCalls: Type.Integer({
    minimum: 0,
    maximum: 525,
    description: 'Other calls that wait at the route point.',
  }),
  routingSystem: Type.Boolean({ description: 'Whether a routing system is connected.' }),
  events: Type.Array(Event, { maxItems: 50, description: 'What happens after the call has come.' }),
})

type SimulationRequest = Static<typeof SimulationRequest>

const simulationDocument = defineDocument({
  schema: SimulationRequest,
  defaults: { waitingCalls: 0, routingSystem: true, events: [] },
})

const Because = Type.Object({
  setting: Type.String({
    description: 'As in its path; `route_points` for the route point itself.',
  }),
  member: Type.String({ description: 'The member that decided.' }),
  value: Type.Unknown({ description: 'What it says.' }),
})

const Step = Type.Object({
  at: Type.Number({ description: 'Seconds since the call came.' }),
  event: Type.String({ description: 'What happened: an event of the request, or what follows.' }),
  state: Type.String({
    description: 'What the call does then, as in `Call`; `ended` where it is over.',
  }),
  actions: Type.Array(Type.String(), { description: 'What is done, in words.' }),
  because: Type.Array(Because, { description: 'The members of settings that decided.' }),
  isIgnored: Type.Boolean({ description: 'The event is none for a call in this state.' }),
})

const SimulationAnswer = named(
  'SimulatedCall',
  Type.Object({
    steps: Type.Array(Step, { description: 'What happens, in order.' }),
    outcome: Type.Optional(Type.String({ description: 'How the call ends, where it does.' })),
    reason: Type.Optional(Type.String({ description: 'Why, in words.' })),
  }),
  'A call in thought.',
)

/** The events that are meant, with whom they name. */
async function imaginedOf(
  reader: Reader,
  request: FastifyRequest,
  { events }: SimulationRequest,
): Promise<Imagined[]> {
  const faults: Fault[] = []
  const imagined: Imagined[] = []
  for (const [index, event] of events.entries()) {
    const path = itemPath('events', index)
    if (event.event !== 'offer') {
      imagined.push(plainEvent(event))
      continue
    }
    const { agent, destination, forceDelivery, ringSeconds } = event
    if ((agent === undefined) === (destination === undefined)) {
      const parameter = memberPath(path, 'agent')
      faults.push(missing(parameter, `One of '${parameter}' and 'destination' must be given.`))
      continue
    }
    const wanted = await wantedOf(
      reader,
      request,
      { agent, destination },
      { path, reach: 'tenant' },
    )
    imagined.push({ event: 'offer', ...wanted, forceDelivery, ringSeconds })
  }
  refuseIfAny(faults)
  return imagined
}

function plainEvent(given: Static<typeof Event>): Exclude<Imagined, { event: 'offer' }> {
  const { event, seconds = 0, how = 'unavailable', isConnected = false } = given
  if (event === 'wait') return { event, seconds }
  if (event === 'refuse') return { event, how }
  if (event === 'routingSystem') return { event, isConnected }
  if (event === 'offer') throw new Error('An offer names somebody.')
  return { event }
}

function soundWords({ kind, media }: Sound): string {
  if (media.length === 0)
    return kind === 'music' ? 'the music of Pointsman' : 'the chime of Pointsman'
  return media.map((one) => ('file' in one ? `'${one.file}'` : one.url)).join(', ')
}

/** What an engine would do, in words. */
function wordsOf(action: Action): string {
  switch (action.do) {
    case 'resolve':
      return `goes to ${action.destination}`
    case 'arrive':
      return 'comes to another route point'
    case 'answer':
      return 'is answered'
    case 'ring':
      return 'hears ringing'
    case 'tone':
      return action.tone === 'busy' ? 'hears the busy tone' : 'hears the ringing tone'
    case 'play':
      return `hears ${soundWords(action.sound)}`
    case 'stop':
      return 'hears that no longer'
    case 'dial': {
      const { name, number } = action.from
      const shown = [name && `'${name}'`, number].filter((part) => part !== '').join(' ')
      const pattern = action.pattern === 'Normal' ? '' : `, ringing ${action.pattern}`
      const after = action.answerAfterSeconds
      const answers = after === undefined ? '' : `, and is to answer by itself after ${after} s`
      return `rings at the ${action.to.kind}, which shows ${shown || 'no caller'}${pattern}${answers}`
    }
    case 'connect':
      return 'speaks with whom it rang at'
    case 'hang up':
      return 'rings or speaks there no longer'
    case 'dissolve':
      return 'the conversation is over'
    case 'release':
      return `is let go with cause ${action.cause}`
  }
}

function show({ at, event, state, actions, reasons, isIgnored, isElsewhere }: SimulatedStep) {
  const elsewhere = isElsewhere ? ['goes on at a route point of another group'] : []
  return {
    at,
    event,
    state,
    actions: [...actions.map(wordsOf), ...elsewhere],
    because: reasons,
    isIgnored,
  }
}

/** The name of the DNIS that is dialled; null for the route point itself. */
async function dnisOf(
  reader: Reader,
  routePoint: RoutePointKey,
  dialled: string | undefined,
): Promise<string | null> {
  if (dialled === undefined) return null
  const route = await resolveDestination(reader, routePoint, dialled)
  if (route.kind === 'route point' && isSameKey(route.routePoint, routePoint)) return route.dnisName
  const message = `The 'dialled' field must be a number, extension or id of the route point or one of its DNIS.`
  throw new Refusal([invalid('dialled', message)])
}

/** How things are, read once; of other groups nothing. */
function surroundingsOf(
  reader: Reader,
  backend: Pick<RoutePointBackend, 'state'>,
  home: RoutePointKey,
): Surroundings {
  const states = new Map<string, Promise<RoutePointState | undefined>>()
  return {
    async state(routePoint, dnis) {
      if (!isSameKey(routePoint.slice(0, 2), home.slice(0, 2))) return undefined
      const name = JSON.stringify([routePoint, dnis])
      const state = states.get(name) ?? backend.state(routePoint, dnis ?? undefined)
      states.set(name, state)
      return state
    },
    resolve: (routePoint, destination) =>
      resolveDestination(reader, routePoint, destination, 'tenant'),
  }
}

const example = {
  request: { waitingCalls: 20, events: [] },
  response: {
    steps: [
      {
        at: 0,
        event: 'arrives',
        state: 'ended',
        actions: ['is let go with cause 17'],
        because: [
          { setting: 'route_points', member: 'active', value: true },
          { setting: 'forced_forwarding', member: 'active', value: false },
          { setting: 'route_points', member: 'queueLength', value: 20 },
          { setting: 'overflow', member: 'playAnnouncementBeforeOverflowProcessing', value: false },
          { setting: 'overflow', member: 'action', value: 'Busy' },
        ],
        isIgnored: false,
      },
    ],
    outcome: 'overflowed',
    reason: 'The queue is full.',
  },
}

/** Serves calls in thought: what would happen, and which member of which setting decides it. */
export function addSimulation(
  app: FastifyInstance,
  { reader, backend }: { reader: Reader; backend: Pick<RoutePointBackend, 'state'> },
): void {
  addOperation(app, {
    method: 'POST',
    path: `${routePointPath}simulation/`,
    id: 'simulateCall',
    summary: 'Try in thought what becomes of a call',
    description:
      'What treats calls treats this one, step by step, with the settings as they are. Nothing is stored, and nobody is called.',
    tag: callsTag,
    permission: 'group.administer',
    isFinal: 'nothing is done that could be tried',
    ignoresRetryKey: true,
    isDear: true,
    body: named(
      'Simulation',
      simulationDocument.schemas.documented.forCreation,
      'An imagined call.',
    ),
    answer: SimulationAnswer,
    example,
    async handler(request): Promise<Answer> {
      await requireRoutePoint(reader, siteOf(request))
      const { value, faults } = simulationDocument.create(request.body)
      refuseIfAny(faults)
      const routePoint = routePointScope(request)
      const { dialled, callerName = '', callerNumber = '', waitingCalls, routingSystem } = value
      const dnis = await dnisOf(reader, routePoint, dialled)
      const scene = {
        routePoint,
        dnis,
        dialled: dialled ?? '',
        caller: { name: callerName, number: callerNumber },
        waitingCalls,
        isRouted: routingSystem,
        events: await imaginedOf(reader, request, value),
      }
      const steps = await simulate(scene, surroundingsOf(reader, backend, routePoint))
      const { phase } = steps.at(-1)?.call ?? {}
      const ending = phase?.name === 'ended' ? phase.ending : undefined
      return message({
        steps: steps.map(show),
        ...(ending && { outcome: ending.outcome, reason: ending.reason }),
      })
    },
  })
}
