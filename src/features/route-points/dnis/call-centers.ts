import Type from 'typebox'
import { clearable } from '../../../documents/vocabulary.ts'
import { notFound } from '../../../errors.ts'
import { memberKeyOf } from '../../../http/place.ts'
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
}

/** A user's choice of the DNIS to call out with. */
export const callCenters = defineSetting({
  name: 'call_centers',
  summary: 'call-centre setting',
  schema: Type.Object({
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
  }),
  default: { makeOutgoingCallsAsCallCenter: false },
  example: { get: example, put: { request: example, response: example } },
})
