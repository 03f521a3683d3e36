import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyRequest } from 'fastify'
import { payerOf } from './clients.ts'
import { createFairLine } from './fair-line.ts'
import { isDryRun } from './query.ts'

/** Milliseconds that the line rests at most after a write that was only tried. */
const restMax = 5_000

/** Turns of the event loop that all others have at most between two dear operations. */
const turnsMax = 64

/**
 * Node takes one new connection in a turn of its event loop, so with an operation in each, whoever connects would wait for all
 * of them. Others have a turn for each millisecond that the last one took: one that was quick keeps nobody.
 */
async function rest(milliseconds: number): Promise<void> {
  const turns = Math.min(Math.ceil(milliseconds), turnsMax)
  for (let turn = 0; turn < turns; turn += 1) await nextTurn()
}

const waiting = { waitingMax: 512, waitingEachMax: 128, rest }

/**
 * Of the reads that look at thousands of rows two are done at once: one waits for the database while the other makes
 * its answer. Each keeps SQLite's thread for up to 100 ms and its rows in memory, so that hundreds side by side would stop
 * the process; and on PostgreSQL connections stay free for everything else.
 */
const reads = createFairLine({ atOnce: 2, ...waiting })

/** A new name of what thousands name takes seconds, and SQLite has one writer: other writes have a turn between two. */
const writes = createFairLine({ atOnce: 1, ...waiting })

/**
 * Does a dear operation when the turn of the caller's tenant comes.
 *
 * @throws Refusal 503 when too many are waiting, or the client has gone meanwhile.
 */
export function inTurn<Result>(
  request: FastifyRequest,
  work: () => Promise<Result>,
): Promise<Result> {
  const { caller, method, raw } = request
  const client = { payer: payerOf(caller), isGone: () => raw.socket.destroyed }
  const line = method === 'GET' || method === 'HEAD' ? reads : writes
  return line.run(client, async () => {
    // SQLite may do all of it in one go: what else has arrived in this turn is looked at before, be it the hundredth.
    await nextTurn()
    const start = performance.now()
    const result = await work()
    // What is only tried can be tried for ever: half of the time others write.
    if (isDryRun(request)) await delay(Math.min(performance.now() - start, restMax))
    return result
  })
}
