import { hash, randomBytes } from 'node:crypto'

/** 256 random bits, as text that fits headers and cookies. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** What is kept of a random secret. One fast hash is enough: there is nothing to guess. */
export function hashSecret(secret: string): string {
  return hash('sha256', secret, 'base64url')
}
