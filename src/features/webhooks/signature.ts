import { createHmac } from 'node:crypto'

/** Secrets that begin so are base64 behind it, as libraries for Standard Webhooks make them. */
const encodedPrefix = 'whsec_'

/** Bytes of a key: fewer are guessed, and more than a block of SHA-256 are hashed to fewer. */
const keyBytes = { min: 24, max: 64 }

/** The bytes that a secret in base64 stands for; undefined where it is none, or has too few or too many. */
function decode(text: string): Buffer | undefined {
  try {
    const bytes = Buffer.from(Uint8Array.fromBase64(text, { lastChunkHandling: 'loose' }))
    return bytes.length >= keyBytes.min && bytes.length <= keyBytes.max ? bytes : undefined
  } catch {
    return undefined
  }
}

/** The key by which a secret signs; undefined where it begins like one in base64 and is none. */
export function keyOfSecret(secret: string): Buffer | undefined {
  return secret.startsWith(encodedPrefix)
    ? decode(secret.slice(encodedPrefix.length))
    : Buffer.from(secret)
}

/** What is signed. */
export interface Message {
  /** The same at each attempt. */
  id: string
  /** Seconds since 1970, of the attempt. */
  timestamp: number
  /** As it is sent. */
  body: string
}

/** The header `webhook-signature`: a signature for each secret. */
export function signaturesOf({ id, timestamp, body }: Message, secrets: readonly string[]): string {
  const signed = `${id}.${timestamp}.${body}`
  const signatures = secrets.map((secret) => {
    const key = keyOfSecret(secret)
    if (key === undefined) throw new Error('A secret was kept that cannot sign.')
    return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
  })
  return signatures.join(' ')
}
