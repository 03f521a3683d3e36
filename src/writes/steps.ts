import { type Statement, sql, type Value } from '../database/database.ts'
import type { TableShape } from '../database/shape.ts'
import type { Work } from './door.ts'

/**
 * Rows that one statement of a write changes at most, foreign keys included. What hangs on one row may be many rows, and
 * a statement that takes them all keeps everybody waiting; between two statements others have their turns.
 */
export const rowsPerStep = 500

/** Rows of a table that bear a condition. */
export interface Rows {
  shape: Pick<TableShape, 'name' | 'key'>
  where: string
  values: readonly Value[]
}

/** `change` of as many rows that bear a condition as one statement may change. */
export function oneStep(
  change: string,
  { shape: { name, key }, where }: Omit<Rows, 'values'>,
): Statement<never> {
  const columns = key.join(', ')
  const some = `SELECT ${columns} FROM ${name} WHERE ${where} LIMIT ${rowsPerStep}`
  return sql(`${change} WHERE (${columns}) IN (${some})`)
}

/** `change` of some rows at a time, until there are none left; they must no longer bear the condition afterwards. */
export async function inSteps(
  { transaction }: Work,
  change: string,
  rows: Rows,
  ...set: Value[]
): Promise<void> {
  const statement = oneStep(change, rows)
  while ((await transaction.run(statement, ...set, ...rows.values)) === rowsPerStep);
}
