import { hash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '../errors.ts'

/** A strong validator of a body: the same text has the same tag on every node and after every restart. */
function etagOf(text: string): string {
  return `"${hash('sha256', text, 'base64url').slice(0, 27)}"`
}

/** Whether an If-Match or If-None-Match header names `etag`. */
export function lists(header: string, etag: string): boolean {
  return header === '*' || header.split(',').some((tag) => tag.trim() === etag)
}

/** @throws Refusal 412 when the request's If-Match names another state than `text`, which is undefined for none. */
export function requireMatch(request: FastifyRequest, text: string | undefined): void {
  const header = request.headers['if-match']
  if (header === undefined || (text !== undefined && lists(header, etagOf(text)))) return
  throw new Refusal([
    { code: 412, message: 'The resource has changed since the state that If-Match names.' },
  ])
}

/** Answers a resource's JSON text with its ETag, or 304 when the client already has it. */
export function sendText(request: FastifyRequest, reply: FastifyReply, text: string): FastifyReply {
  const etag = etagOf(text)
  reply.header('etag', etag)
  const known = request.headers['if-none-match']
  const isRead = request.method === 'GET' || request.method === 'HEAD'
  if (isRead && known !== undefined && lists(known.replaceAll('W/', ''), etag)) {
    return reply.code(304).send()
  }
  return reply.type('application/json; charset=utf-8').send(text)
}
