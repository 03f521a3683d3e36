import { type Database, sql } from '../database/database.ts'
import type { Caller } from '../http/permissions.ts'
import { keptAnswers } from './kept-answers.ts'
import { oneStep, rowsPerStep } from './steps.ts'

/** Bytes that the answers kept for one account may take: about 70,000 ordinary ones. */
export const roomBytes = 64 * 1_024 * 1_024

/**
 * Bytes that a node keeps for an account between two looks at its room. So they are fewer answers than a look removes, and
 * where the room is full a look, which adds up the answers' sizes from an index, takes 6 ms.
 */
const bytesPerLook = 128 * 1_024

/** Accounts whose last look is remembered; with one more all are looked at again. */
const accountsMax = 10_000

const selectBytes = sql<{ bytes: number | null }>(
  `SELECT CAST(sum(bytes) AS BIGINT) AS bytes FROM ${keptAnswers.name} WHERE identity_key = ?`,
)
const selectOldest = sql<Size>(
  `SELECT expires_at, bytes FROM ${keptAnswers.name} WHERE identity_key = ?
   ORDER BY expires_at LIMIT ${rowsPerStep}`,
)
const deleteOldest = oneStep(`DELETE FROM ${keptAnswers.name}`, {
  shape: keptAnswers,
  where: 'identity_key = ? AND expires_at <= ?',
})

interface Size {
  expires_at: number
  bytes: number
}

/** Until which end answers must go, of the oldest, for `excess` bytes: all of these where they do not suffice. */
function endOfExcess(oldest: readonly Size[], excess: number): number | undefined {
  let sum = 0
  for (const { expires_at, bytes } of oldest) {
    sum += bytes
    if (sum >= excess) return expires_at
  }
  return oldest.at(-1)?.expires_at
}

/** Removes the oldest answers kept for an account where they take more than their room: one step, since they may be many. */
async function look(database: Database, accountKey: string): Promise<void> {
  const excess = ((await database.get(selectBytes, accountKey))?.bytes ?? 0) - roomBytes
  if (excess <= 0) return
  const end = endOfExcess(await database.all(selectOldest, accountKey), excess)
  if (end === undefined) return
  await database.write((transaction) => transaction.run(deleteOldest, accountKey, end), 'keys')
}

/** The room of each account for its kept answers, which this node looks at now and then. */
export interface RoomForAnswers {
  /** Forgets the oldest answers of a caller where there are too many, in a write of its own. */
  make(caller: Caller): Promise<void>
  /** Counts what is kept. A write that is run again counts again, so that it is looked sooner. */
  take(caller: Caller, bytes: number): void
}

export function roomForAnswers(database: Database): RoomForAnswers {
  const bytesSinceLook = new Map<string, number>()
  return {
    async make({ accountKey }) {
      if ((bytesSinceLook.get(accountKey) ?? bytesPerLook) < bytesPerLook) return
      if (bytesSinceLook.size >= accountsMax) bytesSinceLook.clear()
      bytesSinceLook.set(accountKey, 0)
      await look(database, accountKey)
    },
    take({ accountKey }, bytes) {
      bytesSinceLook.set(accountKey, (bytesSinceLook.get(accountKey) ?? 0) + bytes)
    },
  }
}
