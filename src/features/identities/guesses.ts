import type { FastifyRequest } from 'fastify'
import { Refusal } from '../../errors.ts'
import type { SignInListener, SignInOutcome } from '../../metrics/sign-ins.ts'
import { accountHash } from './attempts.ts'

/** A guess that verification has found wrong. */
export class WrongGuess extends Refusal {}

/** What a guess has come to; undefined where none was made, since whoever asks has lost the right to. */
function outcomeOf(error: unknown): SignInOutcome | undefined {
  if (error instanceof WrongGuess) return 'wrong'
  if (!(error instanceof Refusal)) return 'failed'
  if (error.status === 429) return 'slowed'
  return error.status === 503 ? 'busy' : undefined
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
    const reason = outcomeOf(error)
    if (reason === undefined) throw error
    onOutcome?.(reason)
    const { address } = request
    request.log.warn({ account: accountHash(identityKey), address, reason }, `${words} refused`)
    throw error
  }
}
