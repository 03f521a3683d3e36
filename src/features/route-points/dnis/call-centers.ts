import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Database, Transaction } from '../../../database/database.ts'
import { addNews, defineDocument } from '../../../documents/document.ts'
import { clearable } from '../../../documents/vocabulary.ts'
import { notFound, refuseIfAny } from '../../../errors.ts'
import { judgePreconditions, sendText } from '../../../http/etag.ts'
import { addOperation, fillPath } from '../../../http/operation.ts'
import { type MemberKey, memberKeyOf } from '../../../http/place.ts'
import { record } from '../../../writes/record.ts'
import { completeId } from '../../groups/groups.ts'
import { SignInId } from '../../identities/members.ts'
import { admitDepartmentAdmin, findUser } from '../../users/users.ts'
import { DnisName } from './dnis.ts'
import { type CallCenters, findCallCenters, resolveChoice, saveCallCenters } from './selections.ts'

// A user's setting that speaks of DNIS: it stands here because route points know users, and users no route points.

const path = '/api/v1/tenants/:tenant_id/groups/:group_id/users/:user_id/services/call_centers/'

const document = defineDocument({
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
  defaults: { makeOutgoingCallsAsCallCenter: false },
})

const example: CallCenters = {
  outgoingCallDNIS: { serviceUserId: 'APIOTestRP@sip.netaxis.be', name: 'Test DNIS' },
  makeOutgoingCallsAsCallCenter: true,
}

/** The setting that a partial update leaves, complete and judged. */
async function merged(
  transaction: Transaction,
  { place, body }: FastifyRequest,
  { key, before }: { key: MemberKey; before: CallCenters },
): Promise<CallCenters> {
  const { value, faults } = document.change(before, body)
  const { outgoingCallDNIS: given } = value
  if (!given) {
    refuseIfAny(faults)
    return value
  }
  const serviceUserId = await completeId(transaction, place, given.serviceUserId)
  const choice = await resolveChoice(transaction, key, { ...given, serviceUserId })
  refuseIfAny(addNews(faults, choice.faults))
  return document.arrange({ ...value, outgoingCallDNIS: choice.chosen })
}

/** Serves a user's choice of the DNIS to call out with. */
export function addCallCenters(app: FastifyInstance, database: Database): void {
  async function read(request: FastifyRequest, reply: FastifyReply) {
    const found = await findCallCenters(database, memberKeyOf(request.place))
    if (!found) throw notFound()
    return sendText(request, reply, JSON.stringify(found))
  }

  async function change(request: FastifyRequest, reply: FastifyReply) {
    const { caller, place, params } = request
    const key = memberKeyOf(request.place)
    const text = await database.write(async (transaction) => {
      await caller.confirm(transaction)
      const user = await findUser(transaction, key)
      const before = await findCallCenters(transaction, key)
      if (!user || !before) throw notFound()
      await admitDepartmentAdmin(transaction, { caller, place }, user)
      const value = await merged(transaction, request, { key, before })
      const [textBefore, after] = [JSON.stringify(before), JSON.stringify(value)]
      judgePreconditions(request, textBefore)
      if (after === textBefore) return after
      await saveCallCenters(transaction, key, value)
      await record(transaction, {
        tenantKey: key[0],
        by: caller.identityId,
        action: 'change',
        target: fillPath(path, params as Record<string, string>),
        before: textBefore,
        after,
      })
      return after
    })
    return sendText(request, reply, text)
  }

  const { shown, forChange } = document.schemas.documented
  const shared = { path, tag: 'Users', answer: shown } as const
  addOperation(app, {
    ...shared,
    method: 'GET',
    id: 'getCallCenters',
    summary: 'Get a user’s call-centre setting',
    permission: 'user.read',
    example: { response: example },
    handler: read,
  })
  addOperation(app, {
    ...shared,
    method: 'PUT',
    id: 'updateCallCenters',
    summary: 'Change a user’s call-centre setting: absent members stay as they are',
    permission: 'user.write',
    body: forChange,
    example: { request: example, response: example },
    handler: change,
  })
}
