import { type Reader, sql, type Transaction } from '../../database/database.ts'

const selectNewest = sql<{ newest: number | null }>(
  'SELECT max(position) AS newest FROM call_events',
)
const selectProgress = sql<{ position: number }>(
  'SELECT position FROM webhook_progress WHERE one = 1',
)
const insertProgress = sql(
  'INSERT INTO webhook_progress (one, position) VALUES (1, ?) ON CONFLICT DO NOTHING',
)
const updateProgress = sql('UPDATE webhook_progress SET position = ? WHERE one = 1')

/** The highest position that an event has; 0 where there was none. */
export async function readNewest(reader: Reader): Promise<number> {
  return (await reader.get(selectNewest))?.newest ?? 0
}

/** Up to which event all is noted that is to be sent; undefined where there never was a webhook. */
export async function readProgress(reader: Reader): Promise<number | undefined> {
  return (await reader.get(selectProgress))?.position
}

/** Has the first webhook sent what happens from here on, whoever notes it, and also after a restart. */
export async function beginProgress(transaction: Transaction, position: number): Promise<void> {
  await transaction.run(insertProgress, position)
}

/** Two nodes that do it at once meet in the one row: on PostgreSQL one of them is run again, and finds the other's. */
export async function saveProgress(transaction: Transaction, position: number): Promise<void> {
  await transaction.run(updateProgress, position)
}
