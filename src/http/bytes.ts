import { Readable } from 'node:stream'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '../errors.ts'
import { namesWeakly, sendNotModified } from './conditions.ts'

/** Positions of a first and a last byte, both included. */
export interface ByteRange {
  first: number
  last: number
}

/**
 * What a Range header asks of `size` bytes: undefined for all of them, where it asks for several ranges, which need not
 * be served, or is not understood (RFC 9110, 14.2).
 */
export function readRange(
  header: string | undefined,
  size: number,
): ByteRange | 'unsatisfiable' | undefined {
  const [, from = '', to = ''] = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(header ?? '') ?? []
  if (from === '' && to === '') return undefined
  if (from === '') {
    const length = Math.min(Number(to), size)
    return length > 0 ? { first: size - length, last: size - 1 } : 'unsatisfiable'
  }
  const first = Number(from)
  if (to !== '' && Number(to) < first) return undefined
  if (first >= size) return 'unsatisfiable'
  return { first, last: to === '' ? size - 1 : Math.min(Number(to), size - 1) }
}

/** Bytes that never change under their tag. */
export interface Content {
  /** Strong, with its quotes. */
  etag: string
  /** Bytes. */
  size: number
  read(range: ByteRange): AsyncIterable<Uint8Array>
}

/**
 * Answers with bytes, or the range of them that was asked for, as they are read.
 *
 * @throws Refusal 416 when the range lies outside.
 */
export function sendBytes(
  request: FastifyRequest,
  reply: FastifyReply,
  { etag, size, read }: Content,
): FastifyReply {
  const { headers, method } = request
  reply.headers({ etag, 'accept-ranges': 'bytes' })
  const known = headers['if-none-match']
  if (known !== undefined && namesWeakly(known, etag)) return sendNotModified(request, reply)

  const isHead = method === 'HEAD'
  const isCurrent = headers['if-range'] === undefined || headers['if-range'] === etag
  // A range means something in a GET only, and only of the very bytes that the client has a part of.
  const range = isHead || !isCurrent ? undefined : readRange(headers.range, size)
  if (range === 'unsatisfiable') {
    const message = `The content has ${size} bytes; the range lies outside.`
    throw new Refusal([{ code: 416, message }], { 'content-range': `bytes */${size}` })
  }
  const { first, last } = range ?? { first: 0, last: size - 1 }
  reply.header('content-length', String(last - first + 1))
  if (range) reply.code(206).header('content-range', `bytes ${first}-${last}/${size}`)
  return reply.send(Readable.from(isHead ? [] : read({ first, last }), { objectMode: false }))
}
