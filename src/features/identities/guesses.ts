import type { FastifyRequest } from 'fastify'
import { Refusal } from '../../errors.ts'
import type { SignInListener, SignInOutcome } from '../../metrics/sign-ins.ts'
import { accountHash } from './attempts.ts'

/** By the status of the refusal; one's own old password is a field that is wrong (400). */
const outcomes: Record<number, SignInOutcome> = {
  400: 'wrong',
  401: 'wrong',
  429: 'slowed',
  503: 'busy',
}

/**
 * Lets somebody prove who they are, and tells the operations team what came of it: each refusal is a log line with the
 * account's hash, never its name.
 *
 * @param words what is refused, for the log.
 * @throws what `prove` throws.
 */
export async function observeGuess<Result>(
  request: FastifyRequest,
  guess: { words: string; identityKey: string; onOutcome?: SignInListener | undefined },
  prove: () => Promise<Result>,
): Promise<Result> {
  const { words, identityKey, onOutcome } = guess
  try {
    const result = await prove()
    onOutcome?.('success')
    return result
  } catch (error) {
    const reason = (error instanceof Refusal && outcomes[error.status]) || 'failed'
    onOutcome?.(reason)
    const { address } = request
    request.log.warn({ account: accountHash(identityKey), address, reason }, `${words} refused`)
    throw error
  }
}
