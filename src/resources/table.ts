import { type Reader, sql, type Transaction, type Value } from '../database/database.ts'

export interface TableDefinition {
  name: string
  /** Columns of the key, tenant first; the last one tells the rows of a list apart. */
  key: readonly [string, ...string[]]
  /** The columns beside the key and `value`. */
  columns: readonly string[]
}

export type Columns = Record<string, Value>

/** The statements of a table whose rows are JSON documents under `value`, with what lists and references need beside. */
export interface Table {
  definition: TableDefinition
  find(reader: Reader, key: readonly string[]): Promise<string | undefined>
  insert(transaction: Transaction, key: readonly string[], row: Columns): Promise<void>
  update(transaction: Transaction, key: readonly string[], row: Columns): Promise<void>
  remove(transaction: Transaction, key: readonly string[]): Promise<void>
}

export function defineTable(definition: TableDefinition): Table {
  const { name, key } = definition
  const columns = [...definition.columns, 'value']
  const all = [...key, ...columns]
  const where = key.map((column) => `${column} = ?`).join(' AND ')
  const find = sql<{ value: string }>(`SELECT value FROM ${name} WHERE ${where}`)
  const insert = sql(
    `INSERT INTO ${name} (${all.join(', ')}) VALUES (${all.map(() => '?').join(', ')})`,
  )
  const update = sql(
    `UPDATE ${name} SET ${columns.map((column) => `${column} = ?`).join(', ')} WHERE ${where}`,
  )

  function valuesOf(row: Columns): Value[] {
    return columns.map((column) => {
      const value = row[column]
      if (value === undefined) throw new Error(`Table ${name} gets no value for ${column}.`)
      return value
    })
  }

  return {
    definition,
    async find(reader, keyValues) {
      return (await reader.get(find, ...keyValues))?.value
    },
    async insert(transaction, keyValues, row) {
      await transaction.run(insert, ...keyValues, ...valuesOf(row))
    },
    async update(transaction, keyValues, row) {
      await transaction.run(update, ...valuesOf(row), ...keyValues)
    },
    async remove(transaction, keyValues) {
      // Made when it is used, since most rows of people go with their identity.
      await transaction.run(sql(`DELETE FROM ${name} WHERE ${where}`), ...keyValues)
    },
  }
}
