import type { Database, Guard, Reader, Transaction } from '../database/database.ts'
import type { Answer } from '../http/answer.ts'
import type { Caller } from '../http/permissions.ts'
import type { Intent } from './intent.ts'
import { findKept, forgetOldAnswers, keepAnswer } from './kept-answers.ts'
import { type Change, record } from './record.ts'
import { roomForAnswers } from './room-for-answers.ts'

declare const confirmed: unique symbol

/** A write of a confirmed caller. Only the door makes one, so the compiler refuses an unconfirmed write. */
export interface Work {
  readonly [confirmed]: true
  readonly transaction: Transaction
  readonly caller: Caller
  /** Keeps what was changed, and who did it, in the same transaction. */
  record(change: Change): Promise<void>
}

/** What a write does. */
export interface Deed<Prepared = void> {
  /** Slow work, done before the write begins, and not at all where the answer is known already. */
  prepare?(): Promise<Prepared>
  /** Does all of the write, and answers; whatever it throws undoes it. It may be run again. */
  act(work: Work, prepared: Prepared): Promise<Answer>
  /** What keeps its decision true; `reads` unless told. */
  guard?: Guard
}

/** The only way anything is written for a caller. */
export interface Door {
  /** Reads outside of writes. */
  readonly reader: Reader
  /**
   * Confirms the caller, gives the answer that an earlier request under the same Idempotency-Key had, or does the write: it
   * keeps its answer where there is such a key, and undoes it again where it was only to be tried.
   *
   * @throws Refusal as `confirm()`, `findKept()` and the write itself do; nothing is changed then.
   */
  write<Prepared>(intent: Intent, deed: Deed<Prepared>): Promise<Answer>
}

/** Undoes a write that was only to be tried, and brings its answer out of it. */
class DryRunDone extends Error {
  readonly answer: Answer

  constructor({ status, headers: { location: _, ...headers }, text }: Answer) {
    super('The write was only to be tried.')
    // There is nothing at the location.
    this.answer = { status, headers: { ...headers, 'dry-run': 'true' }, text }
  }
}

async function keptAnswer(reader: Reader, { caller, retry }: Intent): Promise<Answer | undefined> {
  if (!retry) return undefined
  await caller.confirm(reader)
  return findKept(reader, caller, retry)
}

function beginWork(transaction: Transaction, { caller, address, requestId }: Intent): Work {
  const author = { by: caller.identityId, tokenName: caller.tokenName, address, requestId }
  return {
    transaction,
    caller,
    record: (change) => record(transaction, change, author),
    // What marks it is there for the compiler alone.
  } as Work
}

export function openDoor(database: Database): Door {
  const room = roomForAnswers(database)

  async function write<Prepared>(intent: Intent, deed: Deed<Prepared>): Promise<Answer> {
    const { caller, isDryRun, retry } = intent
    const known = await keptAnswer(database, intent)
    if (known) return known
    if (retry) {
      await forgetOldAnswers(database)
      await room.make(caller)
    }
    // Where nothing is prepared, nothing is what `act` takes.
    const prepared = (await deed.prepare?.()) as Prepared
    return database.write(async (transaction) => {
      await caller.confirm(transaction)
      // Another request under the same key may have been done meanwhile.
      const kept = retry && (await findKept(transaction, caller, retry))
      if (kept) return kept
      const answer = await deed.act(beginWork(transaction, intent), prepared)
      if (isDryRun) throw new DryRunDone(answer)
      if (retry) room.take(caller, await keepAnswer(transaction, caller, { retry, answer }))
      return answer
    }, deed.guard)
  }

  return {
    reader: database,
    async write(intent, deed) {
      try {
        return await write(intent, deed)
      } catch (error) {
        if (error instanceof DryRunDone) return error.answer
        throw error
      }
    },
  }
}
