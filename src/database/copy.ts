import {
  type Database,
  type Reader,
  type Statement,
  setColumns,
  sql,
  type Transaction,
  type Value,
  whereEqual,
} from './database.ts'
import type { TableShape } from './shape.ts'

/** Rows that are read, written and compared at a time at most: few round trips. */
const rowsMax = 256

/** What a batch should bring, in bytes: audio comes in rows of 64 KiB, and a slow line must carry one in seconds. */
const batchBytes = 262_144

/** PostgreSQL binds 65,535 values at most in one statement, SQLite 32,766. */
const valuesMax = 30_000

export interface CopyProgress {
  table: string
  rows: number
  phase: 'copied' | 'compared'
}

type Row = Record<string, Value>

function pageStatement({ name, key }: TableShape, after: boolean): Statement<Row> {
  const columns = key.join(', ')
  const places = key.map(() => '?').join(', ')
  const where = after ? `WHERE (${columns}) > (${places}) ` : ''
  return sql(`SELECT * FROM ${name} ${where}ORDER BY ${columns} LIMIT ?`)
}

function bytesOf(row: Row): number {
  return Object.values(row).reduce<number>(
    (sum, value) =>
      sum + (value instanceof Uint8Array || typeof value === 'string' ? value.length : 8),
    0,
  )
}

/**
 * How many rows to ask for after these: the same after the same rows, so that two databases are read in step, and a power
 * of two, so that there are few statements to prepare.
 */
function nextSize(rows: readonly Row[]): number {
  const bytes = rows.reduce((sum, row) => sum + bytesOf(row), 0)
  const fitting = Math.min(rowsMax, (batchBytes / bytes) * rows.length)
  return 2 ** Math.max(0, Math.floor(Math.log2(fitting)))
}

/** Every row of a table in the order of its key, in batches. */
async function* batches(reader: Reader, table: TableShape): AsyncIterable<Row[]> {
  let size = 1
  let rows = await reader.all(pageStatement(table, false), size)
  while (rows.length > 0) {
    yield rows
    const last = rows.at(-1)
    if (rows.length < size || !last) return
    size = nextSize(rows)
    rows = await reader.all(
      pageStatement(table, true),
      ...table.key.map((column) => last[column] ?? null),
      size,
    )
  }
}

async function insert(transaction: Transaction, name: string, rows: readonly Row[]): Promise<void> {
  const columns = Object.keys(rows[0] ?? {})
  const atOnce = Math.floor(valuesMax / columns.length)
  for (let start = 0; start < rows.length; start += atOnce) {
    const part = rows.slice(start, start + atOnce)
    const one = `(${columns.map(() => '?').join(', ')})`
    const all = part.map(() => one).join(', ')
    const statement = sql(`INSERT INTO ${name} (${columns.join(', ')}) VALUES ${all}`)
    const values = part.flatMap((row) => columns.map((column) => row[column] ?? null))
    await transaction.run(statement, ...values)
  }
}

/** Columns that refer to another row of the same table. */
function selfReferencesOf({ name, key, references }: TableShape): string[] {
  return references
    .filter(({ table }) => table === name)
    .flatMap(({ columns }) => columns.filter((column) => !key.includes(column)))
}

/** Rows that refer to others of their table are first written without the reference, then given it. */
async function copyTable(source: Reader, target: Transaction, table: TableShape): Promise<number> {
  const { name, key } = table
  const selfReferences = selfReferencesOf(table)
  let count = 0
  for await (const rows of batches(source, table)) {
    const loose = rows.map((row) => ({
      ...row,
      ...Object.fromEntries(selfReferences.map((column) => [column, null])),
    }))
    await insert(target, name, loose)
    count += rows.length
  }
  if (selfReferences.length === 0) return count
  const set = setColumns(selfReferences)
  const where = whereEqual(key)
  const update = sql(`UPDATE ${name} SET ${set} WHERE ${where}`)
  for await (const rows of batches(source, table)) {
    for (const row of rows) {
      const columns = [...selfReferences, ...key]
      await target.run(update, ...columns.map((column) => row[column] ?? null))
    }
  }
  return count
}

function isSame(one: Value | undefined, other: Value | undefined): boolean {
  return one instanceof Uint8Array && other instanceof Uint8Array
    ? Buffer.compare(one, other) === 0
    : one === other
}

function isSameRow(one: Row, other: Row | undefined): boolean {
  return (
    other !== undefined &&
    Object.keys(one).length === Object.keys(other).length &&
    Object.keys(one).every((column) => isSame(one[column], other[column]))
  )
}

/** @throws Error naming the table where the two databases differ. */
async function compareTable(source: Reader, target: Reader, table: TableShape): Promise<number> {
  const others = batches(target, table)[Symbol.asyncIterator]()
  let count = 0
  for await (const rows of batches(source, table)) {
    const { value: copies = [] } = await others.next()
    if (rows.length !== copies.length || !rows.every((row, at) => isSameRow(row, copies[at]))) {
      throw new Error(`The copy of table ${table.name} differs from its source.`)
    }
    count += rows.length
  }
  if (!(await others.next()).done) {
    throw new Error(`The copy of table ${table.name} has more rows than its source.`)
  }
  return count
}

async function refuseUnlessEmpty(target: Reader, tables: readonly TableShape[]): Promise<void> {
  for (const { name } of tables) {
    const row = await target.get(sql<{ one: number }>(`SELECT 1 AS one FROM ${name} LIMIT 1`))
    if (row)
      throw new Error(`The target already holds data (table ${name}); name an empty database.`)
  }
}

/**
 * Copies a whole installation into an empty database, of the same engine or another, and compares every row before it
 * is kept. The target has all of it or nothing, so a copy that was interrupted is simply run again. It is of one moment:
 * what the source takes meanwhile is not in it.
 *
 * @throws Error when the source is empty, the target is not, or a row of the copy differs.
 */
export async function copyDatabase(
  source: Database,
  target: Database,
  onProgress: (progress: CopyProgress) => void,
): Promise<void> {
  const tables = await target.tables()
  await source.snapshot((from) =>
    target.write(async (to) => {
      await refuseUnlessEmpty(to, tables)
      let total = 0
      for (const table of tables) {
        const rows = await copyTable(from, to, table)
        // Without, PostgreSQL would give positions of changes anew, and checks the references of the next tables by reading this one again and again.
        await to.filled(table)
        onProgress({ table: table.name, rows, phase: 'copied' })
        total += rows
      }
      if (total === 0) throw new Error('The source holds no data; are the two URLs in this order?')
      for (const table of tables) {
        const rows = await compareTable(from, to, table)
        onProgress({ table: table.name, rows, phase: 'compared' })
      }
    }),
  )
}
