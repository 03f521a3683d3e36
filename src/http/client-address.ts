import type { IncomingMessage } from 'node:http'
import { type AddressTest, canonicalAddress } from '../addresses.ts'

/**
 * The canonical address of whoever sent a request: the nearest one that is no proxy of ours. What a trusted proxy passes
 * on and is no address ends the line there, so that nobody is known by a text of their own making.
 */
export function clientAddress({ socket, headers }: IncomingMessage, isProxy: AddressTest): string {
  let client = canonicalAddress(socket.remoteAddress ?? '')
  const forwarded = headers['x-forwarded-for']
  // A socket that is closed already has no address; nobody reads the answer.
  if (client === undefined) return 'unknown'
  if (forwarded === undefined || !isProxy(client)) return client
  for (const entry of String(forwarded).split(',').reverse()) {
    const next = canonicalAddress(entry)
    if (next === undefined) break
    client = next
    if (!isProxy(client)) break
  }
  return client
}
