import { hash } from 'node:crypto'
import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '../errors.ts'

/** A strong validator of a body: the same text has the same tag on every node and after every restart. */
export function etagOf(text: string): string {
  return `"${hash('sha256', text, 'base64url').slice(0, 27)}"`
}

/** Whether an If-Match header names the state with this tag: a weak tag names none (RFC 9110, 13.1.1). */
function namesStrongly(header: string, etag: string): boolean {
  return header.split(',').some((item) => item.trim() === '*' || item.trim() === etag)
}

/** Whether an If-None-Match header names the state with this tag, be it as a weak one (RFC 9110, 13.1.2). */
export function namesWeakly(header: string, etag: string): boolean {
  return namesStrongly(header.replaceAll('W/', ''), etag)
}

/** Whether a request is only to be done in some state. */
export function hasPreconditions({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return headers['if-match'] !== undefined || headers['if-none-match'] !== undefined
}

/**
 * Judges a write by its preconditions, in the order of RFC 9110, 13.2.2; every other refusal comes before.
 *
 * @param text the state that is about to change, as GET shows it; undefined where there is none, as before a creation.
 * @throws Refusal 412 when If-Match names another state than this one, or If-None-Match names this one.
 */
export function judgePreconditions(
  { headers }: Pick<FastifyRequest, 'headers'>,
  text: string | undefined,
): void {
  const { 'if-match': wanted, 'if-none-match': unwanted } = headers
  if (wanted === undefined && unwanted === undefined) return
  const etag = text && etagOf(text)
  if (wanted !== undefined && (!etag || !namesStrongly(wanted, etag))) {
    const message = etag
      ? 'The resource has changed since the state that If-Match names.'
      : 'There is no resource yet whose state If-Match could name.'
    throw new Refusal([{ code: 412, message }])
  }
  if (etag && unwanted !== undefined && namesWeakly(unwanted, etag)) {
    throw new Refusal([
      { code: 412, message: 'The resource is in a state that If-None-Match excludes.' },
    ])
  }
}

/** Answers that the client has it already, without its length: that of no body, which Fastify tells of a HEAD, is not it. */
export function sendNotModified({ method }: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.code(304).send(method === 'HEAD' ? Readable.from([]) : undefined)
}
