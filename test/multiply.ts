import { type Database, sql } from '../src/database/database.ts'
import type { TableShape } from '../src/database/shape.ts'

/** These digits stand for a number in every text of what is to be had many times, and in all that belongs to it. */
export const first = 1_000_000

/** Columns in which nothing of that tells one row from another; the number is added to them. */
const unique = new Set(['content_id', 'token_id', 'secret_hash'])

/** PostgreSQL checks references by reading a whole table again and again, until it is told how much is in it. */
const numbersAtOnce = 1_000

async function multiplyTable(database: Database, table: TableShape, count: number): Promise<void> {
  const { name, key } = table
  const rows = await database.all(sql<Record<string, unknown>>(`SELECT * FROM ${name} LIMIT 500`))
  const isCounted = (column: string) => key.length === 1 && typeof rows[0]?.[column] === 'number'
  // A key that is a number is given by the engine.
  const columns = Object.keys(rows[0] ?? {}).filter(
    (column) => !(key.includes(column) && isCounted(column)),
  )
  const texts = columns.filter((column) => rows.some((row) => typeof row[column] === 'string'))
  if (texts.length === 0) return
  const values = columns.map((column) => {
    if (!texts.includes(column)) return column
    if (unique.has(column)) return `${column} || '-' || CAST(number AS TEXT)`
    return `replace(${column}, '${first}', CAST(number AS TEXT))`
  })
  const names = texts.map((column) => `instr(${column}, '${first}') > 0`).join(' OR ')
  const statement = sql(`
    WITH RECURSIVE numbers (number) AS (
      SELECT CAST(? AS INTEGER) UNION ALL SELECT number + 1 FROM numbers WHERE number < CAST(? AS INTEGER)
    )
    INSERT INTO ${name} (${columns.join(', ')})
    SELECT ${values.join(', ')} FROM ${name} CROSS JOIN numbers WHERE ${names}`)
  const end = first + count
  for (let start = first + 1; start < end; start += numbersAtOnce) {
    await database.write(async (transaction) => {
      await transaction.run(statement, start, Math.min(start + numbersAtOnce, end) - 1)
      await transaction.filled(table)
    })
  }
}

/** Writes every row that names the first number again for each of the next, by SQL, which takes seconds. */
export async function multiply(
  database: Database,
  count: number,
  without: readonly string[] = [],
): Promise<void> {
  for (const table of await database.tables()) {
    if (!without.includes(table.name)) await multiplyTable(database, table, count)
  }
}
