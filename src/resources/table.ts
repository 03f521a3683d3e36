import { type Reader, setColumns, sql, type Value, whereEqual } from '../database/database.ts'
import type { Work } from '../writes/door.ts'
import type { Listed, Stored } from './listed.ts'
import type { ListFields } from './query-sql.ts'

export interface KeyedTable {
  name: string
  /** Columns of the key, tenant first; the last one tells the rows of a list apart. */
  key: readonly [string, ...string[]]
}

export interface TableDefinition<Document> extends KeyedTable {
  /** The members by which lists are filtered and sorted, by the name that they have in parameters. */
  listed: Readonly<Record<string, Listed<Document>>>
  /** Further columns, for what else is asked of the database. */
  stored?: Readonly<Record<string, Stored<Document>>>
}

/** The values of a row beside its key, in the order of the table's statements. */
export type Row = readonly Value[]

/** The statements of a table whose rows are JSON documents under `value`, with what lists and references need beside. */
export interface Table<Document = unknown> {
  definition: KeyedTable
  /** The fields of a list of `source`: this table, unless told, or a view with its columns. */
  fieldsIn(source?: string): ListFields
  /** @param text the document as it is kept. */
  rowOf(document: Document, text: string): Row
  find(reader: Reader, key: readonly string[]): Promise<string | undefined>
  insert(work: Work, key: readonly string[], row: Row): Promise<void>
  update(work: Work, key: readonly string[], row: Row): Promise<void>
  remove(work: Work, key: readonly string[]): Promise<void>
}

export function defineTable<Document>(definition: TableDefinition<Document>): Table<Document> {
  const { name, key, listed, stored = {} } = definition
  const ofMembers = Object.values(listed).flatMap((member) => Object.entries(member.columns))
  const kept = [...ofMembers, ...Object.entries(stored)]
  const columns = [...kept.map(([column]) => column), 'value']
  const all = [...key, ...columns]
  const where = whereEqual(key)
  const find = sql<{ value: string }>(`SELECT value FROM ${name} WHERE ${where}`)
  const insert = sql(
    `INSERT INTO ${name} (${all.join(', ')}) VALUES (${all.map(() => '?').join(', ')})`,
  )
  const update = sql(`UPDATE ${name} SET ${setColumns(columns)} WHERE ${where}`)
  const remove = sql(`DELETE FROM ${name} WHERE ${where}`)

  return {
    definition: { name, key },
    fieldsIn: (source = name) =>
      Object.fromEntries(
        Object.entries(listed).map(([field, { fieldIn }]) => [field, fieldIn(source)]),
      ),
    rowOf: (document, text) => [...kept.map(([, read]) => read(document)), text],
    async find(reader, keyValues) {
      return (await reader.get(find, ...keyValues))?.value
    },
    async insert({ transaction }, keyValues, row) {
      await transaction.run(insert, ...keyValues, ...row)
    },
    async update({ transaction }, keyValues, row) {
      await transaction.run(update, ...row, ...keyValues)
    },
    async remove({ transaction }, keyValues) {
      await transaction.run(remove, ...keyValues)
    },
  }
}
