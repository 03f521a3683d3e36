import { hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import Negotiator from 'negotiator'
import { namesWeakly, sendNotModified } from './conditions.ts'

/** Bytes of a piece: so much of a document waits on a connection at most. */
const pieceBytes = 65_536

/** Smallest first. */
const encodings = ['br', 'gzip', 'identity'] as const

interface Form {
  bytes: Buffer
  /** Each form is a representation of its own, and its strong validator as well (RFC 9110, 8.8.3.3). */
  etag: string
}

type Forms = Record<(typeof encodings)[number], Form>

/** The engine's own best takes a second and saves little. */
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }

/** The work goes to threads of the library; requests are served meanwhile. */
async function makeForms(text: string): Promise<Forms> {
  const bytes = Buffer.from(text)
  const [br, gzipped] = await Promise.all([
    promisify(brotliCompress)(bytes, brotliOptions),
    promisify(gzip)(bytes),
  ])
  const digest = hash('sha256', bytes, 'base64url').slice(0, 27)
  return {
    br: { bytes: br, etag: `"${digest}-br"` },
    gzip: { bytes: gzipped, etag: `"${digest}-gzip"` },
    identity: { bytes, etag: `"${digest}"` },
  }
}

/** The smallest form that the client takes. */
function encodingFor({ headers }: FastifyRequest): keyof Forms {
  if (headers['accept-encoding'] === undefined) return 'identity'
  const accepted = new Negotiator({ headers }).encodings([...encodings])
  return encodings.find((encoding) => accepted.includes(encoding)) ?? 'identity'
}

function* piecesOf(bytes: Buffer): Iterable<Buffer> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes)
}

export interface PublicDocument {
  /** Prepares it, so that the first who asks need not wait. */
  prepare(): Promise<void>
  send(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply>
}

/**
 * A large document that everybody gets alike: its text is made once, at the first use, and all answers share its bytes.
 *
 * @param type its media type.
 */
export function publicDocument(type: string, makeText: () => string): PublicDocument {
  let made: Promise<Forms> | undefined
  const forms = () => {
    made ??= makeForms(makeText())
    return made
  }
  return {
    async prepare() {
      await forms()
    },
    async send(request, reply) {
      const encoding = encodingFor(request)
      const { bytes, etag } = (await forms())[encoding]
      reply.headers({ etag, vary: 'accept-encoding' })
      const known = request.headers['if-none-match']
      if (known !== undefined && namesWeakly(known, etag)) return sendNotModified(request, reply)
      if (encoding !== 'identity') reply.header('content-encoding', encoding)
      reply.type(type).header('content-length', String(bytes.length))
      const isHead = request.method === 'HEAD'
      return reply.send(Readable.from(isHead ? [] : piecesOf(bytes), { objectMode: false }))
    },
  }
}
