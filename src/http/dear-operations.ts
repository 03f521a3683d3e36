import type { FastifyRequest } from 'fastify'
import { payerOf } from './clients.ts'
import { createFairLine } from './fair-line.ts'

/**
 * Of the operations that look at thousands of rows two are done at once: one waits for the database while the other makes
 * its answer. Each keeps SQLite's thread for up to 100 ms and its rows in memory, so that hundreds side by side would stop
 * the process; and on PostgreSQL connections stay free for everything else.
 */
const line = createFairLine({ atOnce: 2, waitingMax: 512, waitingEachMax: 128 })

/**
 * Does a dear operation when the turn of the caller's tenant comes.
 *
 * @throws Refusal 503 when too many are waiting, or the client has gone meanwhile.
 */
export function inTurn<Result>(
  { caller, raw }: FastifyRequest,
  work: () => Promise<Result>,
): Promise<Result> {
  return line.run({ payer: payerOf(caller), isGone: () => raw.socket.destroyed }, work)
}
