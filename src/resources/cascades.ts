import { setColumns, whereEqual } from '../database/database.ts'
import type { TableReference, TableShape } from '../database/shape.ts'
import type { Work } from '../writes/door.ts'
import { type Recorded, recordRows } from '../writes/recorded.ts'
import { inSteps } from '../writes/steps.ts'
import type { Write } from './resource.ts'
import type { KeyedTable, Row, Table } from './table.ts'

/** Which rows of a table hang on one row of another: those whose columns have its key, or whose parent hangs on it. */
interface Hanging {
  where: string
  /** The columns that have the values of the key, in its order; undefined where another table must be asked. */
  equal: readonly string[] | undefined
}

function hangingBy(reference: TableReference, parent: Hanging): Hanging {
  const { columns, targetColumns, table } = reference
  const equal = parent.equal?.map((column) => columns[targetColumns.indexOf(column)])
  const own = equal?.filter((column) => column !== undefined)
  if (own && own.length === equal?.length) return { where: whereEqual(own), equal: own }
  const asked = `SELECT ${targetColumns.join(', ')} FROM ${table} WHERE ${parent.where}`
  return { where: `(${columns.join(', ')}) IN (${asked})`, equal: undefined }
}

/** Every table with rows that a deletion takes along, in the order of their creation. */
function tablesBelow(shapes: readonly TableShape[], { name, key }: KeyedTable) {
  const hanging = new Map<string, Hanging>([[name, { where: whereEqual(key), equal: key }]])
  const below: (TableShape & Hanging)[] = []
  for (const shape of shapes) {
    const ways = shape.references.flatMap((reference) => {
      const parent = hanging.get(reference.table)
      return reference.cascades && parent ? [hangingBy(reference, parent)] : []
    })
    const way = ways.find(({ equal }) => equal) ?? ways[0]
    if (!way || shape.name === name) continue
    hanging.set(shape.name, way)
    below.push({ ...shape, ...way })
  }
  return { below, hanging }
}

/** Has rows that stay refer to nothing of what goes, step by step: the foreign keys would do all of it in one statement. */
async function forgetBelow(
  work: Write<unknown>,
  shapes: readonly TableShape[],
  hanging: ReadonlyMap<string, Hanging>,
): Promise<void> {
  for (const shape of shapes) {
    for (const reference of shape.references.filter(({ forgets }) => forgets)) {
      const parent = hanging.get(reference.table)
      if (!parent) continue
      const { columns } = reference
      const { where } = hangingBy(reference, parent)
      const change = `UPDATE ${shape.name} SET ${columns.map((column) => `${column} = NULL`).join(', ')}`
      await inSteps(work, change, { shape, where, values: work.key })
    }
  }
}

/**
 * Deletes step by step what the deletion of a row takes along, as the foreign keys tell: what was created last goes first,
 * so that nothing hangs on what goes. What of it the record tells is recorded before it goes.
 */
export async function removeBelow(
  work: Write<unknown>,
  table: KeyedTable,
  recorded: readonly Recorded[],
): Promise<void> {
  const values = work.key
  const shapes = await work.transaction.tables()
  const { below, hanging } = tablesBelow(shapes, table)
  await forgetBelow(work, shapes, hanging)
  const isGone = (name: string | undefined) => below.some((shape) => shape.name === name)
  for (const { where, ...shape } of [...below].reverse()) {
    const told = recorded.find((one) => one.table === shape.name && !isGone(one.toldBy))
    if (told) await recordRows(work, { shape, where, values }, told)
    const { name, key, references } = shape
    const own = references.filter((reference) => reference.table === name)
    for (const column of own
      .flatMap(({ columns }) => columns)
      .filter((one) => !key.includes(one))) {
      const rows = { shape, where: `${where} AND ${column} IS NOT NULL`, values }
      await inSteps(work, `UPDATE ${name} SET ${column} = NULL`, rows)
    }
    await inSteps(work, `DELETE FROM ${name}`, { shape, where, values })
  }
}

/**
 * Gives a row another key: a new row takes over, step by step, what the old one held. The foreign keys would carry all of
 * it along in one statement.
 *
 * @param carry takes over what must be rewritten and not only moved; both rows are there meanwhile.
 */
export async function renameRow(
  work: Work,
  table: Table,
  { key, newKey, row }: { key: readonly string[]; newKey: readonly string[]; row: Row },
  carry: () => Promise<void>,
): Promise<void> {
  const { name, key: columns } = table.definition
  await table.insert(work, newKey, row)
  await carry()
  for (const shape of await work.transaction.tables()) {
    for (const reference of shape.references.filter((one) => one.table === name)) {
      const valuesOf = (values: readonly string[]) =>
        reference.targetColumns.map((column) => values[columns.indexOf(column)] ?? null)
      const change = `UPDATE ${shape.name} SET ${setColumns(reference.columns)}`
      const rows = { shape, where: whereEqual(reference.columns), values: valuesOf(key) }
      await inSteps(work, change, rows, ...valuesOf(newKey))
    }
  }
  await table.remove(work, key)
}
