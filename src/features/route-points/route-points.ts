import Type, { type Static } from 'typebox'
import type { Reader } from '../../database/database.ts'
import { defineDocument } from '../../documents/document.ts'
import { clearable, fixed, text } from '../../documents/vocabulary.ts'
import { type Fault, faultWithin, missing, notFound } from '../../errors.ts'
import { memberKeyOf } from '../../http/place.ts'
import { digits, foldedId, words } from '../../resources/listed.ts'
import { inMember } from '../../resources/part.ts'
import type { Collection, Resource, Site } from '../../resources/resource.ts'
import { defineTable } from '../../resources/table.ts'
import { DepartmentReference, inDepartment } from '../departments/reference.ts'
import { standsIn } from '../departments/stands-in.ts'
import { defaultDomain, inGroup } from '../groups/groups.ts'
import { keyOfIdentity } from '../identities/identities.ts'
import { SignInId } from '../identities/members.ts'
import { Password } from '../identities/password.ts'
import { signsIn } from '../identities/signs-in.ts'
import { answersTo } from '../numbers/answers-to.ts'
import { Extension, PhoneNumber } from '../numbers/members.ts'
import { whereabouts, whereaboutsRules } from '../tenants/whereabouts.ts'
import { type RoutePointKey, routePointsPath } from './route-point.ts'

const Profile = Type.Object(
  {
    name: text(30, { description: 'Name of the route point for people.' }),
    phoneNumber: clearable(PhoneNumber),
    extension: clearable(Extension),
    department: DepartmentReference,
    cliFirstName: clearable(text(30, { description: 'First name that calls show.' })),
    cliLastName: clearable(text(30, { description: 'Last name that calls show.' })),
    cliPhoneNumber: clearable(PhoneNumber),
    language: clearable(text(40, { description: 'Language of the route point.' })),
    timeZone: whereabouts.timeZone,
    password: Password,
  },
  { description: 'What callers see of the route point, and how it signs in.' },
)

const RoutePoint = Type.Object({
  serviceUserId: fixed(SignInId),
  serviceInstanceProfile: Profile,
  active: Type.Boolean({ description: 'Whether it takes calls.' }),
  queueLength: Type.Integer({ minimum: 0, maximum: 525, description: 'Calls that can wait.' }),
  noAnswerTimeoutRings: Type.Integer({
    minimum: 2,
    maximum: 20,
    description: 'Rings at an agent until the call counts as not answered.',
  }),
  playRingingWhenOfferingCall: Type.Boolean({
    description: 'Callers hear ringing while their call is offered to an agent.',
  }),
  overrideAgentWrapUpTime: Type.Boolean({
    description: '`wrapUpSeconds` holds instead of the agent’s own time.',
  }),
  wrapUpSeconds: Type.Integer({
    minimum: 0,
    maximum: 3_600,
    description: 'Seconds that an agent has after a call to complete it; 0 for none.',
  }),
  enableAutomaticStateChangeForAgents: Type.Boolean({
    description: 'Agents get `agentStateAfterCall` after each call.',
  }),
  agentStateAfterCall: clearable(
    Type.Enum(['Available', 'Unavailable', 'Wrap-Up'], {
      description: 'State of an agent after a call.',
    }),
  ),
  agentUnavailableCode: clearable(
    text(10, {
      description: 'Why the agent is unavailable then; it needs the two members before it.',
    }),
  ),
  forceDeliveryOfCalls: Type.Boolean({
    description: 'Calls are put through to an available agent without being accepted.',
  }),
  forceDeliveryWaitTimeSeconds: clearable(
    Type.Integer({
      minimum: 1,
      maximum: 10,
      description: 'Seconds until a forced call is put through.',
    }),
  ),
  allowCallsToAgentsInWrapUp: Type.Boolean({
    description: 'Calls are offered to agents in wrap-up too.',
  }),
})

export type RoutePoint = Static<typeof RoutePoint>

function* rules(value: RoutePoint, before: RoutePoint | undefined): Iterable<Fault> {
  const { serviceInstanceProfile: profile } = value
  for (const fault of whereaboutsRules(profile, before?.serviceInstanceProfile)) {
    yield faultWithin('serviceInstanceProfile', fault)
  }
  if (value.agentUnavailableCode === undefined) return
  const why = "when 'agentUnavailableCode' is given"
  if (!value.enableAutomaticStateChangeForAgents) {
    const member = 'enableAutomaticStateChangeForAgents'
    yield missing(member, `The '${member}' field must be true ${why}.`)
  }
  if (value.agentStateAfterCall === undefined) {
    yield missing('agentStateAfterCall', `The 'agentStateAfterCall' field must be set ${why}.`)
  }
}

const table = defineTable<RoutePoint>({
  name: 'route_points',
  key: ['tenant_key', 'group_key', 'route_point_key'],
  listed: {
    ServiceUserId: foldedId('service_user_id', 'route_point_key', (one) => one.serviceUserId),
    Name: words('name', (one) => one.serviceInstanceProfile.name),
    PhoneNumber: digits('phone_number', (one) => one.serviceInstanceProfile.phoneNumber),
    Extension: digits('extension', (one) => one.serviceInstanceProfile.extension),
    DepartmentName: inDepartment((one) => one.serviceInstanceProfile.department),
  },
})

/** The key of what belongs to a route point: its scope. */
export function routePointScope({ place }: Pick<Site, 'place'>): RoutePointKey {
  return memberKeyOf(place)
}

export async function hasRoutePoint(reader: Reader, key: RoutePointKey): Promise<boolean> {
  return (await table.find(reader, key)) !== undefined
}

/** @throws Refusal 404 when there is no such route point. */
export async function requireRoutePoint(reader: Reader, site: Pick<Site, 'place'>): Promise<void> {
  if (!(await hasRoutePoint(reader, routePointScope(site)))) throw notFound()
}

/** A route point's own, such as its DNIS. */
export const inRoutePoint: Collection = { scope: routePointScope, require: requireRoutePoint }

const Item = Type.Object({
  serviceUserId: Type.String({ description: 'Id of the route point.' }),
  name: Type.String({ description: 'Name of the route point for people.' }),
  phoneNumber: Type.String({ description: "'' when there is none." }),
  extension: Type.String({ description: "'' when there is none." }),
  department: Type.Union([DepartmentReference, Type.Literal('')], {
    description: "'' when there is none.",
  }),
  active: Type.Boolean({ description: 'Whether it takes calls.' }),
})

function toItem(stored: RoutePoint): Static<typeof Item> {
  const { name, phoneNumber = '', extension = '', department = '' } = stored.serviceInstanceProfile
  const { serviceUserId, active } = stored
  return { serviceUserId, name, phoneNumber, extension, department, active }
}

const defaults = {
  active: true,
  queueLength: 0,
  noAnswerTimeoutRings: 5,
  playRingingWhenOfferingCall: false,
  overrideAgentWrapUpTime: false,
  wrapUpSeconds: 0,
  enableAutomaticStateChangeForAgents: false,
  forceDeliveryOfCalls: false,
  allowCallsToAgentsInWrapUp: false,
}

const example = {
  serviceUserId: 'APIOTestRP@sip.netaxis.be',
  serviceInstanceProfile: {
    name: 'APIO Test RP',
    phoneNumber: '+3225126777',
    extension: '5100',
    timeZone: 'Europe/Brussels',
  },
  ...defaults,
}

export const routePoints: Resource<RoutePoint> = {
  noun: 'routePoint',
  path: routePointsPath,
  id: { member: 'serviceUserId', parameter: 'route_point_user_id', keyOf: keyOfIdentity },
  permissions: {
    list: 'directory.read',
    read: 'directory.read',
    create: 'group.administer',
    change: 'group.administer',
    remove: 'group.administer',
  },
  document: defineDocument({
    schema: RoutePoint,
    defaults,
    rules,
    wrapper: 'routePointInstance',
  }),
  table,
  collection: { ...inGroup, domain: defaultDomain },
  list: {
    member: 'route_points',
    item: {
      columns: ['value'],
      schema: Item,
      from: ({ value }) => toItem(JSON.parse(String(value))),
    },
  },
  parts: [
    signsIn({ id: 'serviceUserId', level: () => null }),
    inMember('serviceInstanceProfile', standsIn('department')),
    inMember('serviceInstanceProfile', answersTo()),
  ],
  removal: { holdsMany: true },
  documentation: {
    tag: {
      name: 'Route points',
      description: 'Where calls arrive, queue and are handed to agents.',
    },
    examples: {
      list: { response: { route_points: [toItem(example)] } },
      create: {
        request: {
          serviceUserId: 'APIOTestRP',
          serviceInstanceProfile: example.serviceInstanceProfile,
        },
        response: { routePointInstance: example },
      },
      read: { response: { routePointInstance: example } },
      change: {
        request: { queueLength: 25 },
        response: { routePointInstance: { ...example, queueLength: 25 } },
      },
    },
  },
}
