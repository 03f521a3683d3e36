import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Content, sendBytes } from './bytes.ts'
import { etagOf, namesWeakly, sendNotModified } from './conditions.ts'
import { type EventsAnswer, sendEvents, sendTexts, type TextsAnswer } from './events.ts'

/** The success of an operation, whole before anything of it is sent: so it can be undone, kept, and sent again. */
export interface Answer {
  status: 200 | 201
  headers: Readonly<Record<string, string>>
  /** JSON. */
  text: string
  /** It shows what is shown this once, such as a token: it is never kept. */
  isSecret?: boolean
}

/** Bytes instead of JSON. */
export interface ContentAnswer {
  headers: Readonly<Record<string, string>>
  content: Content
}

/** An answer that says nothing but that it is done. */
export const done: Answer = { status: 200, headers: {}, text: '{}' }

/** A resource as JSON, with its ETag. */
export function representation(text: string, headers: Answer['headers'] = {}): Answer {
  return { status: 200, headers: { ...headers, etag: etagOf(text) }, text }
}

/** JSON that is no resource's state, such as who has signed in. */
export function message(value: object, headers: Answer['headers'] = {}): Answer {
  return { status: 200, headers, text: JSON.stringify(value) }
}

/** Sends an answer, or 304 to a read when the client already has it. */
export function sendAnswer(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Answer | ContentAnswer | EventsAnswer | TextsAnswer,
): FastifyReply {
  if ('events' in answer) return sendEvents(request, reply, answer)
  if ('texts' in answer) return sendTexts(request, reply, answer)
  reply.headers(answer.headers)
  if ('content' in answer) return sendBytes(request, reply, answer.content)
  const known = request.headers['if-none-match']
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  const { etag } = answer.headers
  if (isRead && etag !== undefined && known !== undefined && namesWeakly(known, etag)) {
    return sendNotModified(request, reply)
  }
  return reply.code(answer.status).type('application/json; charset=utf-8').send(answer.text)
}
