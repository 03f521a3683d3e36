import Type, { type Static } from 'typebox'
import { clearable, readOnly, text } from '../../../documents/vocabulary.ts'
import { type Fault, invalid, missing, notFound } from '../../../errors.ts'
import { memberKeyOf } from '../../../http/place.ts'
import { agentStates, settableStates, unavailableCodeMax } from '../../agents/states.ts'
import { defaultDomain } from '../../groups/groups.ts'
import { SignInId } from '../../identities/members.ts'
import { admitDepartmentAdmin, findUser, usersTag } from '../../users/users.ts'
import { callCentersPath } from '../route-point.ts'
import { defineSetting } from '../settings/define.ts'
import type { OwnerKind } from '../settings/owners.ts'
import { DnisName } from './dnis.ts'

// A user's setting that speaks of DNIS: it stands here because route points know users, and users no route points.

/** Users as owners of settings. */
export const userOwners: OwnerKind = {
  noun: 'user',
  tag: usersTag,
  permissions: { read: 'user.read', write: 'user.write' },
  pathOf: () => callCentersPath,
  keyOf: ({ place }) => memberKeyOf(place),
  domain: defaultDomain,
  async admit(reader, site) {
    const user = await findUser(reader, memberKeyOf(site.place))
    if (!user) throw notFound()
    await admitDepartmentAdmin(reader, site, user)
  },
}

const example = {
  outgoingCallDNIS: { serviceUserId: 'APIOTestRP@sip.netaxis.be', name: 'Test DNIS' },
  makeOutgoingCallsAsCallCenter: true,
  agentState: 'Unavailable',
  agentUnavailableCode: 'LUNCH',
  agentStateSince: '2026-11-29T11:30:00.000Z',
} as const

const { agentStateSince: _, ...exampleChange } = example

const schema = Type.Object({
  outgoingCallDNIS: clearable(
    Type.Object(
      { serviceUserId: SignInId, name: DnisName },
      {
        whole: true,
        additionalProperties: false,
        description:
          'The DNIS of the group, one that has `allowOutgoingACDCall`, to call out with.',
      },
    ),
  ),
  makeOutgoingCallsAsCallCenter: Type.Boolean({
    description: 'Outgoing calls show the chosen DNIS.',
  }),
  agentState: Type.Enum([...agentStates], {
    description:
      'Whether calls can be offered to the user as an agent. `On-Call` cannot be set: a call rings at them, or they speak in it.',
  }),
  agentNextState: readOnly(
    Type.Enum([...settableStates], {
      description:
        'Of `On-Call`: what is set for when the call is over. A PUT of `agentState` during a call changes this.',
    }),
  ),
  agentUnavailableCode: clearable(
    text(unavailableCodeMax, {
      description: 'Why the agent is unavailable. It goes with that state.',
    }),
  ),
  agentStateSince: readOnly(
    Type.String({
      format: 'date-time',
      description: 'Since when `agentState` is so; absent where it was never set and no call came.',
    }),
  ),
  agentStateUntil: readOnly(
    Type.String({
      format: 'date-time',
      description: 'When a wrap-up ends by itself; absent where it does not.',
    }),
  ),
})

type Value = Static<typeof schema>

/** What is set of the agent by a change, who may be on a call. */
export function setStateOf({
  agentState,
  agentNextState = 'Available',
}: Pick<Value, 'agentState' | 'agentNextState'>) {
  return agentState === 'On-Call' ? agentNextState : agentState
}

function* rules(value: Value, before: Value | undefined): Iterable<Fault> {
  const { agentState, agentUnavailableCode: code } = value
  if (agentState === 'On-Call' && before?.agentState !== 'On-Call') {
    const message = `The 'agentState' field cannot be set to 'On-Call': the agent has no call.`
    yield invalid('agentState', message)
  } else if (
    code !== undefined &&
    code !== before?.agentUnavailableCode &&
    setStateOf(value) !== 'Unavailable'
  ) {
    const message = `The 'agentState' field must be 'Unavailable' when 'agentUnavailableCode' is given.`
    yield missing('agentState', message)
  }
}

/** A user's choice of the DNIS to call out with, and their state as an agent. */
export const callCenters = defineSetting({
  name: 'call_centers',
  summary: 'call-centre setting',
  schema,
  default: { makeOutgoingCallsAsCallCenter: false, agentState: 'Available' },
  rules,
  example: { get: example, put: { request: exampleChange, response: example } },
})
