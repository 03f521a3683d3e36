import { type Reader, sql } from '../database/database.ts'
import type { Fault } from '../errors.ts'

/** Rows of another feature that keep something from being deleted. */
export interface Holder {
  /** As in `route points`; an s is left out for one. */
  plural: string
  table: string
  /** The columns that hold the key of what is held, in the key's order. */
  columns: readonly string[]
}

/** How many rows of a holder hold what is under `key`. */
export async function countHeld(
  reader: Reader,
  key: readonly string[],
  { table, columns }: Holder,
): Promise<number> {
  const where = columns.map((column) => `${column} = ?`).join(' AND ')
  const statement = sql<{ count: number }>(`SELECT count(*) AS count FROM ${table} WHERE ${where}`)
  return (await reader.get(statement, ...key))?.count ?? 0
}

/** What stands against deleting the `noun` under `key` (21), naming how many of what it still holds. */
export async function checkEmpty(
  reader: Reader,
  noun: string,
  key: readonly string[],
  holders: readonly Holder[],
): Promise<Fault[]> {
  const held: string[] = []
  for (const holder of holders) {
    const { plural } = holder
    const count = await countHeld(reader, key, holder)
    if (count > 0) held.push(`${count} ${count === 1 ? plural.replace(/s$/, '') : plural}`)
  }
  if (held.length === 0) return []
  return [{ code: 21, message: `Cannot delete the ${noun}. It still holds ${held.join(', ')}.` }]
}
