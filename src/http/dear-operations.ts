import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyRequest } from 'fastify'
import { payerOf } from './clients.ts'
import { createFairLine } from './fair-line.ts'

/**
 * Of the reads that look at thousands of rows two are done at once: one waits for the database while the other makes
 * its answer. Each keeps SQLite's thread for up to 100 ms and its rows in memory, so that hundreds side by side would stop
 * the process; and on PostgreSQL connections stay free for everything else.
 */
const reads = createFairLine({ atOnce: 2, waitingMax: 512, waitingEachMax: 128 })

/** A new name of what thousands name takes seconds, and SQLite has one writer: other writes have a turn between two. */
const writes = createFairLine({ atOnce: 1, waitingMax: 512, waitingEachMax: 128 })

/** Node takes one new connection in a turn of its event loop: so many are taken before the next one is begun. */
const turnsBetween = 64

/**
 * Does a dear operation when the turn of the caller's tenant comes.
 *
 * @throws Refusal 503 when too many are waiting, or the client has gone meanwhile.
 */
export function inTurn<Result>(
  { caller, method, raw }: FastifyRequest,
  work: () => Promise<Result>,
): Promise<Result> {
  const client = { payer: payerOf(caller), isGone: () => raw.socket.destroyed }
  const line = method === 'GET' || method === 'HEAD' ? reads : writes
  return line.run(client, async () => {
    // SQLite may do all of it in one go: what else has arrived in this turn is looked at before, be it the hundredth.
    await nextTurn()
    const result = await work()
    for (let turn = 0; turn < turnsBetween; turn += 1) await nextTurn()
    return result
  })
}
