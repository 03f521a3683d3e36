/** What the rows of one table name of another's, by a foreign key. */
export interface TableReference {
  columns: string[]
  /** The table that is referred to, and its columns in the same order. */
  table: string
  targetColumns: string[]
  /** Whether rows go with what they refer to. */
  cascades: boolean
  /** Whether they stay, and refer to nothing then. */
  forgets: boolean
}

/** What code that walks over a whole database needs to know of a table. */
export interface TableShape {
  name: string
  /** Columns of the primary key, in order. */
  key: string[]
  references: TableReference[]
}

/** Bookkeeping of the schema itself, which each database has of its own. */
const versionTableName = 'schema_versions'

export interface ShapeRow {
  name: string
  column_name: string
  /** The foreign key that the column is part of; null where it is part of the primary key. */
  reference: string | number | null
  target: string | null
  target_column: string | null
  cascades: number | null
  forgets: number | null
}

/** Gathers rows of columns, tables in the order in which they are to be filled. */
export function toShapes(rows: readonly ShapeRow[]): TableShape[] {
  const shapes = new Map<string, TableShape>()
  const references = new Map<string, TableReference>()
  for (const row of rows) {
    const { name, column_name: column, reference, target, target_column } = row
    if (name === versionTableName) continue
    const shape = shapes.get(name) ?? { name, key: [], references: [] }
    shapes.set(name, shape)
    if (reference === null) {
      shape.key.push(column)
      continue
    }
    const id = `${name} ${reference}`
    const known = references.get(id)
    const effects = { cascades: row.cascades === 1, forgets: row.forgets === 1 }
    const empty = { columns: [], table: target ?? '', targetColumns: [], ...effects }
    const found = known ?? empty
    if (!known) {
      references.set(id, found)
      shape.references.push(found)
    }
    found.columns.push(column)
    found.targetColumns.push(target_column ?? '')
  }
  return [...shapes.values()]
}
