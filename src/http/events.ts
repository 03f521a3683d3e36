import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/** Media type of Server-Sent Events, as the HTML standard defines them. */
export const eventsType = 'text/event-stream'

/** Events as they come, until their client, its right or the server goes. */
export interface EventsAnswer {
  /**
   * The texts to send, each as soon as the one before has found room: whoever reads slowly is not waited for by anybody, and
   * nothing is gathered for them. They end when `signal` aborts.
   */
  events(signal: AbortSignal): AsyncIterable<string>
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Aborts when the server begins to stop: what has no end of its own ends then. */
    stopping: AbortSignal
  }
}

/** Ends all that has no end of its own before the server waits for what is in flight. */
export function announceStopping(app: FastifyInstance): void {
  const stopping = new AbortController()
  app.decorate('stopping', stopping.signal)
  app.addHook('preClose', async () => stopping.abort())
}

const headers = {
  'content-type': eventsType,
  'cache-control': 'no-store',
  // nginx would hold events back until it has some kilobytes of them.
  'x-accel-buffering': 'no',
}

/** Bytes that wait for the client, besides one text, before the next is asked for. */
const waitingBytesMax = 16_384

/** Aborts when the client of a request is gone, or the server stops. */
function endOf(request: FastifyRequest, reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => gone.abort())
  // One that left while the handler was at work closes nothing any more.
  if (reply.raw.destroyed || request.raw.socket.destroyed) gone.abort()
  return AbortSignal.any([gone.signal, request.server.stopping])
}

/** Texts of any kind, as they are made. */
export interface TextsAnswer {
  headers: Readonly<Record<string, string>>
  /** As of `EventsAnswer`, but for their end: where they throw before it, also since `signal` aborts, the client sees that some are missing. */
  texts(signal: AbortSignal): AsyncIterable<string>
}

/** Answers with texts, as their client takes them; to a HEAD with none. */
export function sendTexts(
  request: FastifyRequest,
  reply: FastifyReply,
  { headers: own, texts }: TextsAnswer,
): FastifyReply {
  reply.headers(own)
  const sent = request.method === 'HEAD' ? [] : texts(endOf(request, reply))
  return reply.send(Readable.from(sent, { objectMode: false, highWaterMark: waitingBytesMax }))
}

/** Answers with events. */
export function sendEvents(
  request: FastifyRequest,
  reply: FastifyReply,
  { events }: EventsAnswer,
): FastifyReply {
  return sendTexts(request, reply, { headers, texts: events })
}
