/** What the rows of one table name of another's, by a foreign key. */
export interface TableReference {
  columns: string[]
  /** The table that is referred to, and its columns in the same order. */
  table: string
  targetColumns: string[]
  /** Whether rows go with what they refer to. */
  cascades: boolean
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
}

/** Gathers rows of columns, tables in the order in which they are to be filled. */
export function toShapes(rows: readonly ShapeRow[]): TableShape[] {
  const shapes = new Map<string, TableShape>()
  const references = new Map<string, TableReference>()
  for (const row of rows) {
    const { name, column_name: column, reference, target, target_column, cascades } = row
    if (name === versionTableName) continue
    const shape = shapes.get(name) ?? { name, key: [], references: [] }
    shapes.set(name, shape)
    if (reference === null) {
      shape.key.push(column)
      continue
    }
    const id = `${name} ${reference}`
    const known = references.get(id)
    const empty = { columns: [], table: target ?? '', targetColumns: [], cascades: cascades === 1 }
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

/** A table is created after those that it refers to, so the order of creation is the order in which to fill. */
export const sqliteShapes = `
  SELECT tables.name AS name, columns.name AS column_name, NULL AS reference, NULL AS target,
    NULL AS target_column, NULL AS cascades, tables.rowid AS place, columns.pk AS rank
  FROM sqlite_schema AS tables JOIN pragma_table_info(tables.name) AS columns
  WHERE tables.type = 'table' AND columns.pk > 0
  UNION ALL
  SELECT tables.name, "from", keys.id, keys."table", "to", on_delete = 'CASCADE', tables.rowid, seq
  FROM sqlite_schema AS tables JOIN pragma_foreign_key_list(tables.name) AS keys
  WHERE tables.type = 'table'
  ORDER BY place, reference, rank`

export const postgresShapes = `
  SELECT owners.relname AS name, parts.attname AS column_name,
    CASE contype WHEN 'f' THEN conname END AS reference, targets.relname AS target,
    target_parts.attname AS target_column, (confdeltype = 'c')::integer AS cascades
  FROM pg_constraint
  JOIN pg_class AS owners ON owners.oid = conrelid
  CROSS JOIN LATERAL unnest(conkey, confkey) WITH ORDINALITY AS part (number, target_number, rank)
  JOIN pg_attribute AS parts ON parts.attrelid = conrelid AND parts.attnum = part.number
  LEFT JOIN pg_class AS targets ON targets.oid = confrelid
  LEFT JOIN pg_attribute AS target_parts
    ON target_parts.attrelid = confrelid AND target_parts.attnum = part.target_number
  WHERE owners.relnamespace = 'public'::regnamespace AND contype IN ('p', 'f')
  ORDER BY owners.oid, contype DESC, conname, rank`
