import { type Database, sql, type Transaction } from '../../database/database.ts'

/**
 * Rows that end by themselves, at the time in `column`, in milliseconds since 1970. No row may be further from its end
 * than `millisecondsMax`: one that is was written by a clock that was ahead, or before the maximum was lowered.
 */
export function defineExpiry(table: string, column: string) {
  // Each looks at one end of an index.
  const selectEnds = sql<{ earliest: number | null; latest: number | null }>(
    `SELECT (SELECT min(${column}) FROM ${table}) AS earliest,
       (SELECT max(${column}) FROM ${table}) AS latest`,
  )
  const deleteEnded = sql(`DELETE FROM ${table} WHERE ${column} < ?`)
  const shorten = sql(`UPDATE ${table} SET ${column} = ? WHERE ${column} > ?`)

  return {
    /**
     * Answers what a write of the caller's should do to remove rows whose time is over and to shorten others to the
     * maximum. It is decided outside of the write: on PostgreSQL, writes that read ranges of what others add undo each other.
     */
    async plan(
      database: Database,
      millisecondsMax: number,
    ): Promise<(transaction: Transaction) => Promise<void>> {
      const now = Date.now()
      const latestMax = now + millisecondsMax
      const { earliest, latest } = (await database.get(selectEnds)) ?? {}
      return async (transaction) => {
        if ((earliest ?? now) < now) await transaction.run(deleteEnded, now)
        if ((latest ?? now) > latestMax) await transaction.run(shorten, latestMax, latestMax)
      }
    },
  }
}
