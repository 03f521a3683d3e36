import type { FastifyInstance, FastifyRequest } from 'fastify'
import { busy, type Refusal } from '../errors.ts'
import { payerOf } from './clients.ts'

/** Bytes of large bodies that a node takes in at the same time; base64 in JSON is held about five times. */
const bytesAtOnce = 67_108_864

/** The part of it that one tenant may have. */
const tenantShare = 1 / 4

/** Seconds after which a refused client should try again. */
const retryAfterSeconds = 2

/** Bytes that a body may have before it is read. */
function announcedBytes({ headers }: FastifyRequest, bytesMax: number): number {
  if (headers['transfer-encoding'] !== undefined) return bytesMax
  return Math.min(Number(headers['content-length'] ?? 0), bytesMax)
}

function tooMany(): Refusal {
  // To read hundreds of bodies and throw them away would keep everybody else waiting.
  const headers = { connection: 'close' }
  return busy('Too many large bodies are being taken in; try again.', retryAfterSeconds, headers)
}

/**
 * Bounds the large bodies that the routes added to `app` afterwards hold at the same time, all together and those of one
 * tenant. A body is large when it has more bytes than other routes take. Those above the bound are refused (503) before
 * they are read.
 *
 * @param largestBytes the largest body of these routes; at least four of that size are taken at once.
 */
export function boundLargeBodies(app: FastifyInstance, largestBytes: number): void {
  const ordinaryBytes = app.initialConfig.bodyLimit ?? 0
  const bytesMax = Math.max(bytesAtOnce, largestBytes / tenantShare)
  const held = new Map<string, number>()
  const releases = new WeakMap<FastifyRequest, () => void>()
  let heldBytes = 0

  /** @throws Refusal 503. */
  function hold(account: string, bytes: number): () => void {
    const own = held.get(account) ?? 0
    if (heldBytes + bytes > bytesMax || own + bytes > bytesMax * tenantShare) throw tooMany()
    heldBytes += bytes
    held.set(account, own + bytes)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      heldBytes -= bytes
      const rest = (held.get(account) ?? 0) - bytes
      if (rest > 0) held.set(account, rest)
      else held.delete(account)
    }
  }

  app.addHook('onRequest', async (request, reply) => {
    const bytes = announcedBytes(request, largestBytes)
    if (bytes <= ordinaryBytes || (request.routeOptions.bodyLimit ?? 0) <= ordinaryBytes) return
    // It broke off while its sender was looked up: nothing more is heard of it.
    if (request.raw.destroyed) return
    const release = hold(payerOf(request.caller), bytes)
    releases.set(request, release)
    // A body that breaks off is let go at once; one that was read is worked on, whether or not its client has gone.
    reply.raw.once('close', () => {
      if (!request.raw.complete) release()
    })
  })
  app.addHook('onSend', async (request) => releases.get(request)?.())
}
