import type { FastifyRequest } from 'fastify'
import { invalid, Refusal } from '../errors.ts'

/** Fewer characters could be guessed, and what is kept of a request is hidden by its key. More are no key. */
const keyLength = { min: 16, max: 255 }

/** As it is, or as a string in quotes (RFC 9651, 3.3.3), as the IETF's draft of the header has it. */
const keyPattern = new RegExp(`^("?)([!#-~]{${keyLength.min},${keyLength.max}})\\1$`)

/**
 * The Idempotency-Key of a request; undefined where it has none.
 *
 * @throws Refusal 2 for one that is too short or too long, or is given twice.
 */
export function readRetryKey(headers: FastifyRequest['headers']): string | undefined {
  const given = headers['idempotency-key']
  if (given === undefined) return undefined
  const [, , key] = keyPattern.exec(String(given)) ?? []
  if (key !== undefined) return key
  const { min, max } = keyLength
  const message = `The 'Idempotency-Key' header must be one key of ${min} to ${max} visible ASCII characters other than '"', such as a UUID.`
  throw new Refusal([invalid('Idempotency-Key', message)])
}
