import Type, { type Static } from 'typebox'
import { type Document, defineDocument } from '../../documents/document.ts'
import { clearable, fixed, id, name, readOnly, secret, text } from '../../documents/vocabulary.ts'
import { type Fault, invalid, itemPath } from '../../errors.ts'
import type { Tag } from '../../http/operation.ts'
import { itemPathOf } from '../../resources/resource.ts'
import { eventTypes } from '../calls/events/event.ts'
import { keyOfSecret } from './signature.ts'

/** Route points that a webhook names: as many as anybody tells apart. */
const routePointsMax = 100

/** What signs: 24 random characters are not guessed. */
const Secret = Type.String({
  minLength: 24,
  maxLength: 128,
  pattern: '^[!-~]*$',
  expects: '24 to 128 visible characters of ASCII',
  description:
    'What signs all that is sent; never shown. Used as given; one that begins with `whsec_` is base64 behind it, of 24 to 64 bytes.',
})

const Webhook = Type.Object({
  name: fixed(name(50, { description: 'Unique in the group; compared exactly.' })),
  url: text(512, {
    pattern: '^https?://[^\\s/?#]+(?:[/?#]\\S*)?$',
    expects: 'an http or https URL',
    description: 'Where events are sent: http or https, without user and password.',
  }),
  events: clearable(
    Type.Array(Type.Enum([...eventTypes]), {
      maxItems: eventTypes.length,
      description:
        'The kinds of events that are sent; all of them, also those to come, without it.',
    }),
  ),
  routePoints: clearable(
    Type.Array(id(161, { atDomain: true, refers: true }), {
      maxItems: routePointsMax,
      description: 'Ids of the route points whose events are sent; those of all without it.',
    }),
  ),
  active: Type.Boolean({ description: 'Whether events are noted and sent.' }),
  secret: secret(Secret),
  secondSecret: clearable(secret(Secret)),
  hasSecondSecret: readOnly(
    Type.Boolean({ description: 'Whether a second secret signs beside the first.' }),
  ),
})

export type Webhook = Static<typeof Webhook>

/** What of a list cannot be, each where it stands. */
function* listFaults(member: string, list: readonly string[] | undefined): Iterable<Fault> {
  if (list === undefined) return
  if (list.length === 0) {
    yield invalid(member, `The '${member}' field must name at least one; null is for all.`)
  }
  for (const [index, item] of list.entries()) {
    if (list.indexOf(item) === index) continue
    const path = itemPath(member, index)
    yield invalid(path, `The '${path}' field names what was named before.`)
  }
}

function* secretFaults(value: Webhook): Iterable<Fault | false> {
  for (const member of ['secret', 'secondSecret'] as const) {
    const given = value[member]
    yield given !== undefined &&
      keyOfSecret(given) === undefined &&
      invalid(
        member,
        `The '${member}' field begins with 'whsec_', and is not base64 of 24 to 64 bytes.`,
      )
  }
}

function* rules(value: Webhook): Iterable<Fault | false> {
  yield* listFaults('events', value.events)
  yield* listFaults('routePoints', value.routePoints)
  yield* secretFaults(value)
}

export const webhookDocument: Document<Webhook> = defineDocument({
  schema: Webhook,
  defaults: { active: true },
  rules,
})

export const webhooksPath = '/api/v1/tenants/:tenant_id/groups/:group_id/services/webhooks/'

/** By what a path names one. */
export const webhookId = { member: 'name', parameter: 'instance_name' } as const

/** The path of one. */
export const webhookPath = itemPathOf({ path: webhooksPath, id: webhookId })

/** The columns of its key, and their values. */
export const webhookColumns = ['tenant_key', 'group_key', 'name'] as const
export type WebhookKey = readonly [tenantKey: string, groupKey: string, name: string]

export const webhooksTag: Tag = {
  name: 'Webhooks',
  description: 'Events of calls, sent to where a group wants them.',
}
