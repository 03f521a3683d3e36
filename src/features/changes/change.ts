import Type from 'typebox'
import { named } from '../../documents/vocabulary.ts'
import type { Tag } from '../../http/operation.ts'
import type { KeptChange } from '../../writes/kept-changes.ts'
import { changeActions } from '../../writes/record.ts'

export const changesTag: Tag = {
  name: 'Changes',
  description: 'The record of who changed what.',
}

const text = (description: string) => Type.String({ description })
const known = (description: string) =>
  Type.Unsafe<string | null>({ type: ['string', 'null'], description })
const state = (description: string) =>
  Type.Unsafe<object | null>({
    type: ['object', 'null'],
    description,
    additionalProperties: true,
  })

/** A change as the API shows it. */
export const Change = named(
  'Change',
  Type.Object({
    position: Type.Integer({
      minimum: 1,
      description: 'Its place in the record: positions rise, and some are left out.',
    }),
    time: Type.String({
      format: 'date-time',
      description: 'By the clock of the node that did it.',
    }),
    actor: text('Id of whoever did it.'),
    address: known('Their address, as the log has it; null where nobody asked.'),
    tokenName: known('Name of the token with which they asked; null for a session.'),
    requestId: known('Id of the request, as in `X-Request-Id` and the log.'),
    action: Type.Enum([...changeActions], { description: 'What was done.' }),
    kind: text(
      "What it was done to, such as `user` or `bounced_call`; '' in the records of older versions.",
    ),
    resource: text('Path of what was changed.'),
    before: state(
      'What GET answered before, without what it reads from elsewhere; null before a creation. It never holds secrets.',
    ),
    after: state(
      'What GET answers since, without what it reads from elsewhere; null after a deletion. It never holds secrets.',
    ),
    because: Type.Optional(
      Type.Object(
        {
          action: Type.Enum([...changeActions], { description: 'What was done.' }),
          resource: text('Path of what was changed.'),
        },
        { description: 'The change of which this one was an effect.' },
      ),
    ),
  }),
  'A change: what was done to one resource.',
)

const example = {
  position: 4711,
  time: '2026-11-28T12:00:00.000Z',
  actor: 'groupadmin@sip.netaxis.be',
  address: '192.0.2.7',
  tokenName: 'provisioning',
  requestId: '8f14e45f-1a',
  action: 'change',
  kind: 'distinctive_ringing',
  resource:
    '/api/v1/tenants/footenant/groups/foogroup/services/route_points/hotline%40sip.netaxis.be/distinctive_ringing/',
  before: { distinctiveRinging: false },
  after: { distinctiveRinging: true },
}

export const changeExample = example

/** A change as JSON; what it keeps of a resource is JSON already. */
export function toText(change: KeptChange): string {
  const { before_value: before, after_value: after, because } = change
  const members = JSON.stringify({
    position: change.position,
    time: new Date(change.changed_at).toISOString(),
    actor: change.changed_by,
    address: change.address,
    tokenName: change.token_name,
    requestId: change.request_id,
    action: change.action,
    kind: change.kind,
    resource: change.target,
  })
  const rest = because === null ? '' : `,"because":${because}`
  return `${members.slice(0, -1)},"before":${before},"after":${after}${rest}}`
}
