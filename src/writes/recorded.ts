import { type Reader, sql, type Value } from '../database/database.ts'
import type { Work } from './door.ts'
import type { Cause, Change } from './record.ts'
import { type Rows, rowsPerStep } from './steps.ts'

/** A row as it is read: the columns of its key, and those that are asked for besides. */
export type KeptRow = Readonly<Record<string, string>>

/** @throws Error when the row was read without the column: an empty text, or key, would be that of something else. */
export function valueIn<Kept extends Value>(
  row: Readonly<Record<string, Kept>>,
  column: string,
): Kept {
  const value = row[column]
  if (value === undefined) throw new Error(`A row was read without its ${column}.`)
  return value
}

/**
 * What a row has in some columns, such as those of its key.
 *
 * @throws Error as `valueIn()` does.
 */
export function valuesIn<Kept extends Value>(
  row: Readonly<Record<string, Kept>>,
  columns: readonly string[],
): Kept[] {
  return columns.map((column) => valueIn(row, column))
}

/** What the record tells of the rows of a table that a write of something else changes or takes along. */
export interface Recorded {
  table: string
  /** Columns that are read beside the key. */
  columns: readonly string[]
  /** A table whose rows tell it all where they go as well. */
  toldBy?: string
  changeOf(row: KeptRow, reader: Reader): Promise<Omit<Change, 'because'>>
}

/**
 * Rows in steps, in the order of their key. Rows of which nothing but the key is read are read in one go: they are short, and
 * their order would keep a planner from the index that finds them.
 */
async function* inParts(
  reader: Reader,
  { shape: { name, key }, where, values }: Rows,
  columns: readonly string[],
): AsyncIterable<KeptRow[]> {
  const select = `SELECT ${[...key, ...columns].join(', ')} FROM ${name} WHERE ${where}`
  if (columns.length === 0) return yield await reader.all(sql<KeptRow>(select), ...values)
  const order = key.join(', ')
  const next = ` AND (${order}) > (${key.map(() => '?').join(', ')})`
  for (let last: Value[] = []; ; ) {
    const from = last.length > 0 ? next : ''
    const text = `${select}${from} ORDER BY ${order} LIMIT ${rowsPerStep}`
    const rows = await reader.all(sql<KeptRow>(text), ...values, ...last)
    yield rows
    const end = rows.at(-1)
    if (rows.length < rowsPerStep || !end) return
    last = valuesIn(end, key)
  }
}

/** Records what becomes of rows, before it does. */
export async function recordRows(
  { transaction, record, cause }: Work & { cause: Cause },
  rows: Rows,
  { columns, changeOf }: Recorded,
): Promise<void> {
  for await (const part of inParts(transaction, rows, columns)) {
    for (const row of part) {
      await record({ ...(await changeOf(row, transaction)), because: cause })
    }
  }
}
