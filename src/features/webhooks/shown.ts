import Type, { type Static } from 'typebox'
import { named } from '../../documents/vocabulary.ts'
import { deliveryStates } from './deliveries.ts'

const time = (description: string) => Type.String({ format: 'date-time', description })

export const Delivery = named(
  'WebhookDelivery',
  Type.Object({
    deliveryId: Type.String({ description: 'The `webhook-id` under which it is sent.' }),
    kind: Type.String({ description: 'Kind of the event, or `ping` of a test.' }),
    state: Type.Enum([...deliveryStates], {
      description:
        '`waiting` is sent at its time, `dead` not any more; what was `delivered` is shown of tests alone.',
    }),
    happenedAt: time('When the event happened.'),
    attempts: Type.Integer({ minimum: 0, description: 'How often it was sent.' }),
    lastAttemptAt: Type.Optional(time('When it was sent last.')),
    failure: Type.Optional(Type.String({ description: 'Why it did not arrive, in words.' })),
    nextAttemptAt: Type.Optional(
      time('When it is sent next; while it is being sent, when that would be done again.'),
    ),
  }),
  'What a webhook is to send, or was.',
)

export type Delivery = Static<typeof Delivery>

/** A row as it is shown. */
export interface DeliveryRow {
  delivery_id: string
  kind: string
  state: Delivery['state']
  happened_at: number
  attempts: number
  attempted_at: number | null
  next_at: number | null
  failure: string | null
}

export const deliveryColumns = [
  ...['delivery_id', 'kind', 'state', 'happened_at'],
  ...['attempts', 'attempted_at', 'next_at', 'failure'],
]

function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}

export function showDelivery(row: DeliveryRow): Delivery {
  const { delivery_id, kind, state, happened_at, attempts, attempted_at, next_at, failure } = row
  return {
    deliveryId: delivery_id,
    kind,
    state,
    happenedAt: timeOf(happened_at),
    attempts,
    ...(attempted_at !== null && { lastAttemptAt: timeOf(attempted_at) }),
    ...(failure !== null && { failure }),
    ...(next_at !== null && { nextAttemptAt: timeOf(next_at) }),
  }
}

export const exampleDelivery: Delivery = {
  deliveryId: '019ac7d2-4b0e-7c31-9a53-0f6d2a8c1e48',
  kind: 'call.queued',
  state: 'waiting',
  happenedAt: '2026-11-29T09:30:00.120Z',
  attempts: 2,
  lastAttemptAt: '2026-11-29T09:30:05.480Z',
  failure: 'It answered 503.',
  nextAttemptAt: '2026-11-29T09:30:33.010Z',
}
