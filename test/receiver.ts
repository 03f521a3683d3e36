import { createHmac } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { type AudioServer, startAudioServer } from './audio-server.ts'

/** What a receiver of webhooks got. */
export interface Received {
  id: string
  timestamp: string
  /** Those of the header, each with its version. */
  signatures: string[]
  headers: IncomingMessage['headers']
  body: string
  /** Of `performance.now()`. */
  at: number
}

/** Somebody who receives webhooks, over real HTTP. */
export interface Receiver {
  /** Where they are to be sent. */
  url: string
  server: AudioServer
  received: Received[]
  /** Answers what came; 204 unless changed. */
  answer: (response: ServerResponse, received: Received) => unknown
  close(): Promise<void>
}

/** Starts one on 127.0.0.1. */
export async function startReceiver(): Promise<Receiver> {
  const server = await startAudioServer()
  const received: Received[] = []
  const receiver: Receiver = {
    url: `${server.url}/hook`,
    server,
    received,
    answer: (response) => response.writeHead(204).end(),
    close: () => server.close(),
  }
  server.paths.set('/hook', async (request, response) => {
    const { headers } = request
    const one = {
      id: String(headers['webhook-id']),
      timestamp: String(headers['webhook-timestamp']),
      signatures: String(headers['webhook-signature']).split(' '),
      headers,
      body: await text(request),
      at: performance.now(),
    }
    received.push(one)
    receiver.answer(response, one)
  })
  return receiver
}

/**
 * The signature that Standard Webhooks asks for, written from its text: the id, the time in seconds and the body as it is sent, with full
 * stops between them, under HMAC-SHA256.
 */
export function signatureFor({ id, timestamp, body }: Received, key: string | Buffer): string {
  const content = [id, timestamp, body].join('.')
  return `v1,${createHmac('sha256', key).update(content, 'utf8').digest('base64')}`
}
