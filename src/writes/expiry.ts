import { type Database, sql, type Transaction } from '../database/database.ts'
import type { TableShape } from '../database/shape.ts'
import { oneStep } from './steps.ts'

type Expiring = Pick<TableShape, 'name' | 'key'>

function statementsOf(shape: Expiring, column: string) {
  const { name } = shape
  // Each looks at one end of an index.
  const selectEnds = sql<{ earliest: number | null; latest: number | null }>(
    `SELECT (SELECT min(${column}) FROM ${name}) AS earliest,
       (SELECT max(${column}) FROM ${name}) AS latest`,
  )
  const deleteEnded = oneStep(`DELETE FROM ${name}`, { shape, where: `${column} < ?` })
  const shorten = oneStep(`UPDATE ${name} SET ${column} = ?`, { shape, where: `${column} > ?` })
  return { selectEnds, deleteEnded, shorten }
}

/**
 * Rows that end by themselves, at the time in `column`, in milliseconds since 1970. No row may be further from its end
 * than `millisecondsMax`: one that is was written by a clock that was ahead, or before the maximum was lowered.
 *
 * @param patience how long rows may be over, in milliseconds, before they are removed, many at once rather than one each time.
 */
export function defineExpiry(
  shape: Expiring,
  column: string,
  { patience = 0 }: { patience?: number } = {},
) {
  const { selectEnds, deleteEnded, shorten } = statementsOf(shape, column)
  // Two that tidy at once take the same rows, and on PostgreSQL one of them is run again for it.
  let isTidying = false

  /** What is to be removed and shortened now; undefined where nothing is, or somebody else does it. */
  async function plan(database: Database, millisecondsMax: number) {
    if (isTidying) return undefined
    const now = Date.now()
    const latestMax = now + millisecondsMax
    const { earliest, latest } = (await database.get(selectEnds)) ?? {}
    const isOver = (earliest ?? now) < now - patience
    const isTooFar = (latest ?? now) > latestMax
    if (isTidying || !(isOver || isTooFar)) return undefined
    return async (transaction: Transaction) => {
      if (isOver) await transaction.run(deleteEnded, now)
      if (isTooFar) await transaction.run(shorten, latestMax, latestMax)
    }
  }

  /** Does a write that removes or shortens; what else wants to meanwhile need not. */
  async function asTheOnlyOne<Result>(write: () => Promise<Result>): Promise<Result> {
    isTidying = true
    try {
      return await write()
    } finally {
      isTidying = false
    }
  }

  return {
    /**
     * Does a write with the guard `keys`, and in it removes some rows whose time is over and shortens some others to the
     * maximum: one step of each, since there may be very many. The next writes do the rest. Whether there are any is
     * decided outside of the write: on PostgreSQL, writes that read ranges of what others add undo each other.
     */
    async write<Result>(
      database: Database,
      millisecondsMax: number,
      change: (transaction: Transaction) => Promise<Result>,
    ): Promise<Result> {
      const tidy = await plan(database, millisecondsMax)
      if (!tidy) return database.write(change, 'keys')
      return asTheOnlyOne(() =>
        database.write(async (transaction) => {
          await tidy(transaction)
          return change(transaction)
        }, 'keys'),
      )
    },

    /** The same in a write of its own, where there is anything to do: beside a write that must not be run again for it. */
    async tidy(database: Database, millisecondsMax: number): Promise<void> {
      const tidy = await plan(database, millisecondsMax)
      if (tidy) await asTheOnlyOne(() => database.write(tidy, 'keys'))
    },
  }
}
