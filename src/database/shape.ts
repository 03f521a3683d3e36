/** What a tool that walks over a whole database needs to know of a table. */
export interface TableShape {
  name: string
  /** Columns of the primary key, in order. */
  key: string[]
  /** Columns that refer to another row of the same table. */
  selfReferences: string[]
}

/** Bookkeeping of the schema itself, which each database has of its own. */
const versionTableName = 'schema_versions'

export interface ShapeRow {
  name: string
  column: string
  role: 'key' | 'self'
}

/** Gathers rows of (table, column, role), tables in the order in which they are to be filled. */
export function toShapes(rows: readonly ShapeRow[]): TableShape[] {
  const shapes = new Map<string, TableShape>()
  for (const { name, column, role } of rows) {
    if (name === versionTableName) continue
    const shape = shapes.get(name) ?? { name, key: [], selfReferences: [] }
    shapes.set(name, shape)
    if (role === 'key') shape.key.push(column)
    else if (!shape.key.includes(column)) shape.selfReferences.push(column)
  }
  return [...shapes.values()]
}

/** A table is created after those that it refers to, so the order of creation is the order in which to fill. */
export const sqliteShapes = `
  SELECT tables.name AS name, columns.name AS column, 'key' AS role, tables.rowid AS place, columns.pk AS rank
  FROM sqlite_schema AS tables JOIN pragma_table_info(tables.name) AS columns
  WHERE tables.type = 'table' AND columns.pk > 0
  UNION ALL
  SELECT tables.name, "from", 'self', tables.rowid, 1000
  FROM sqlite_schema AS tables JOIN pragma_foreign_key_list(tables.name) AS keys
  WHERE tables.type = 'table' AND keys."table" = tables.name
  ORDER BY place, rank`

export const postgresShapes = `
  SELECT relname AS name, attname AS column,
    CASE contype WHEN 'p' THEN 'key' ELSE 'self' END AS role
  FROM pg_constraint
  JOIN pg_class ON pg_class.oid = conrelid
  CROSS JOIN LATERAL unnest(conkey) WITH ORDINALITY AS part (number, rank)
  JOIN pg_attribute ON attrelid = conrelid AND attnum = number
  WHERE pg_class.relnamespace = 'public'::regnamespace
    AND (contype = 'p' OR (contype = 'f' AND confrelid = conrelid))
  ORDER BY pg_class.oid, contype DESC, rank`
