import type { FastifyInstance, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { type Reader, sql } from '../../database/database.ts'
import { defineDocument } from '../../documents/document.ts'
import { named } from '../../documents/vocabulary.ts'
import { notFound, Refusal, refuseIfAny } from '../../errors.ts'
import { type Answer, done, representation } from '../../http/answer.ts'
import { emptyObject } from '../../http/openapi/answers.ts'
import { addOperation, fillPath } from '../../http/operation.ts'
import { groupKeyOf, nameKeyOf, parametersIn } from '../../http/place.ts'
import { queryIn } from '../../http/query.ts'
import { listParameters, pageAnswer, pageSizeMax, readListQuery } from '../../resources/query.ts'
import { type ListFields, readPage } from '../../resources/query-sql.ts'
import { mapInTurns } from '../../resources/turns.ts'
import type { Door } from '../../writes/door.ts'
import { intentOf } from '../../writes/intent.ts'
import { addDeliveries, dropOldest, keptMax, readCounts, whereWebhook } from './deliveries.ts'
import { pingFor } from './ping.ts'
import type { Sender } from './sender.ts'
import {
  Delivery,
  type DeliveryRow,
  deliveryColumns,
  exampleDelivery,
  showDelivery,
} from './shown.ts'
import { type WebhookKey, webhookPath, webhooksTag } from './webhook.ts'

const deliveriesPath = `${webhookPath}deliveries/`
const deliveryPath = `${deliveriesPath}:delivery_id/`

const deliveryId = {
  component: 'DeliveryId',
  description: '`deliveryId` of the delivery.',
  schema: { type: 'string' },
  example: exampleDelivery.deliveryId,
}

/** Both are words of ASCII, of which the database knows the small letters. */
const fields: ListFields = {
  State: { column: 'state', folded: 'state' },
  Kind: { column: 'kind', folded: 'lower(kind)' },
}

const count = (description: string) => Type.Integer({ minimum: 0, description })

const DeliveryList = named(
  'WebhookDeliveryList',
  Type.Object({
    deliveries: Type.Array(Delivery, { description: 'The deliveries of this page, oldest first.' }),
    waiting: count('How many wait, whatever was asked for.'),
    dead: count('How many were given up and are kept.'),
    dropped: count('How many went unsent, or are no longer kept, since there were too many.'),
  }),
  'A page of a list.',
)

const selectDelivery = sql<DeliveryRow>(
  `SELECT ${deliveryColumns.join(', ')} FROM webhook_deliveries WHERE ${whereWebhook} AND delivery_id = ?`,
)
const selectIsActive = sql<{ is_active: number }>(
  'SELECT is_active FROM webhooks WHERE tenant_key = ? AND group_key = ? AND name = ?',
)
const sendAgain = sql(
  `UPDATE webhook_deliveries SET state = 'waiting', attempts = 0, next_at = ?
   WHERE ${whereWebhook} AND delivery_id = ?`,
)

function webhookKeyOf(request: FastifyRequest): WebhookKey {
  return [...groupKeyOf(request.place), nameKeyOf(request)]
}

/** @throws Refusal 404 when there is no such delivery. */
async function requireDelivery(reader: Reader, request: FastifyRequest): Promise<DeliveryRow> {
  const { delivery_id: id = '' } = parametersIn(request)
  const row = await reader.get(selectDelivery, ...webhookKeyOf(request), id)
  if (!row) throw notFound()
  return row
}

/** @throws Refusal 404 when there is no such webhook, 409 when it sends nothing. */
async function requireActive(reader: Reader, webhook: WebhookKey): Promise<void> {
  const row = await reader.get(selectIsActive, ...webhook)
  if (!row) throw notFound()
  if (row.is_active === 1) return
  throw new Refusal([{ code: 409, message: 'The webhook is not active, so it sends nothing.' }])
}

const nothing = defineDocument({ schema: Type.Object({}) })

const Nothing = named('Nothing', nothing.schemas.documented.forCreation, 'Nothing is to be said.')

/**
 * Judges the body of what takes none.
 *
 * @throws Refusal 404 when there is no such webhook, 2 for whatever the body has.
 */
async function requireNothing(reader: Reader, request: FastifyRequest): Promise<void> {
  if (!(await reader.get(selectIsActive, ...webhookKeyOf(request)))) throw notFound()
  refuseIfAny(nothing.create(request.body).faults)
}

const shared = { tag: webhooksTag, permission: 'group.administer' } as const

function addViews(app: FastifyInstance, reader: Reader): void {
  addOperation(app, {
    ...shared,
    method: 'GET',
    path: deliveriesPath,
    id: 'listWebhookDeliveries',
    summary: 'List what a webhook is to send, and what was given up',
    description: 'What has arrived is not there any more, but for tests.',
    query: listParameters(Object.keys(fields), true),
    answer: DeliveryList,
    example: {
      response: { deliveries: [exampleDelivery], waiting: 1, dead: 0, dropped: 0 },
    },
    async handler(request): Promise<Answer> {
      const webhook = webhookKeyOf(request)
      const totals = await readCounts(reader, webhook)
      if (!totals) throw notFound()
      const query = readListQuery(queryIn(request), Object.keys(fields), pageSizeMax)
      const [tenant_key, group_key, webhook_name] = webhook
      const source = {
        from: 'webhook_deliveries',
        columns: deliveryColumns,
        fields,
        scope: { tenant_key, group_key, webhook_name },
        key: 'delivery_id',
      }
      const page = await readPage<DeliveryRow>(reader, source, query)
      const rows = await mapInTurns(page.rows, (row) => JSON.stringify(showDelivery(row)))
      const { waiting, dead, dropped } = totals
      const beside = { member: 'deliveries', totals: { waiting, dead, dropped } }
      return pageAnswer(request, { query, page: { ...page, rows } }, beside)
    },
  })
  addOperation(app, {
    ...shared,
    method: 'GET',
    path: deliveryPath,
    names: deliveryId,
    id: 'getWebhookDelivery',
    summary: 'Get a delivery of a webhook',
    answer: Delivery,
    example: { response: exampleDelivery },
    async handler(request): Promise<Answer> {
      return representation(JSON.stringify(showDelivery(await requireDelivery(reader, request))))
    },
  })
}

function addSending(app: FastifyInstance, door: Door, sender: Pick<Sender, 'wake'>): void {
  addOperation(app, {
    ...shared,
    method: 'POST',
    path: `${deliveryPath}send/`,
    id: 'sendWebhookDelivery',
    summary: 'Send a delivery again now, and where that fails as often as a new one',
    body: Nothing,
    refusals: [409],
    answer: emptyObject,
    example: { request: {}, response: {} },
    async handler(request): Promise<Answer> {
      await requireNothing(door.reader, request)
      const webhook = webhookKeyOf(request)
      const answer = await door.write(intentOf(request), {
        guard: 'keys',
        async act({ transaction }) {
          const { state, delivery_id } = await requireDelivery(transaction, request)
          await requireActive(transaction, webhook)
          if (state === 'delivered') {
            throw new Refusal([{ code: 409, message: 'The delivery has arrived.' }])
          }
          await transaction.run(sendAgain, Date.now(), ...webhook, delivery_id)
          return done
        },
      })
      sender.wake()
      return answer
    },
  })
}

const TestSent = named(
  'WebhookTest',
  Type.Object({
    state: Type.Literal('waiting', {
      description: '`Location` has the delivery with its outcome.',
    }),
  }),
  'A test that is being sent.',
)

function addTest(app: FastifyInstance, door: Door, sender: Pick<Sender, 'wake'>): void {
  addOperation(app, {
    ...shared,
    method: 'POST',
    path: `${webhookPath}test/`,
    id: 'testWebhook',
    summary: 'Send a `ping`, once, whatever events the webhook has',
    body: Nothing,
    refusals: [409],
    answer: TestSent,
    status: 201,
    example: { request: {}, response: { state: 'waiting' } },
    async handler(request): Promise<Answer> {
      await requireNothing(door.reader, request)
      const webhook = webhookKeyOf(request)
      const answer = await door.write(intentOf(request), {
        guard: 'keys',
        async act({ transaction }) {
          await requireActive(transaction, webhook)
          const ping = pingFor(webhook)
          await addDeliveries(transaction, [ping])
          await dropOldest(transaction, webhook, { of: 'waiting', most: keptMax.waiting })
          const parameters = { ...parametersIn(request), delivery_id: ping.id }
          const location = fillPath(deliveryPath, parameters)
          const text = JSON.stringify({ state: 'waiting' })
          return { ...representation(text, { location }), status: 201 }
        },
      })
      sender.wake()
      return answer
    },
  })
}

/** Serves what becomes of what webhooks send, and sends it by hand. */
export function addDeliveryOperations(
  app: FastifyInstance,
  { door, sender }: { door: Door; sender: Pick<Sender, 'wake'> },
): void {
  addViews(app, door.reader)
  addSending(app, door, sender)
  addTest(app, door, sender)
}
