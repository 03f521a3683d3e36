import { setTimeout as delay } from 'node:timers/promises'
import type { Runner } from './connection.ts'

/** Milliseconds between two looks; the first are shorter, since hardly any write takes longer. */
const pauseMax = 100

/** Transactions that have written to a table, in this database. */
const selectWriters = `SELECT virtualtransaction AS id FROM pg_locks
  JOIN pg_database ON pg_database.oid = pg_locks.database AND datname = current_database()
  WHERE relation = $1::regclass AND mode = 'RowExclusiveLock'`

const selectSome = `${selectWriters} AND virtualtransaction = ANY(string_to_array($2, ' ')) LIMIT 1`

/**
 * Waits until nobody is at work who may have taken a number of a table's sequence before it was called. An INSERT takes the lock of
 * its table before the number, and gives it back when its transaction has ended and everybody can see what it committed. So
 * whoever does not hold it now has none of those numbers, or has ended; the others are waited for by name.
 */
export async function settle(runner: Runner, table: string, signal: AbortSignal): Promise<void> {
  const { rows } = await runner.query({ text: selectWriters, values: [table] })
  const writers = rows.map(({ id }) => id).join(' ')
  for (let pause = 1; ; pause = Math.min(2 * pause, pauseMax)) {
    signal.throwIfAborted()
    const { rowCount } = await runner.query({ text: selectSome, values: [table, writers] })
    if (rowCount === 0) return
    await delay(pause, undefined, { signal })
  }
}
