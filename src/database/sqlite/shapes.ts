/** A table is created after those that it refers to, so the order of creation is the order in which to fill. */
export const sqliteShapes = `
  SELECT tables.name AS name, columns.name AS column_name, NULL AS reference, NULL AS target,
    NULL AS target_column, NULL AS cascades, NULL AS forgets, tables.rowid AS place, columns.pk AS rank
  FROM sqlite_schema AS tables JOIN pragma_table_info(tables.name) AS columns
  WHERE tables.type = 'table' AND columns.pk > 0
  UNION ALL
  SELECT tables.name, "from", keys.id, keys."table", "to", on_delete = 'CASCADE', on_delete = 'SET NULL', tables.rowid, seq
  FROM sqlite_schema AS tables JOIN pragma_foreign_key_list(tables.name) AS keys
  WHERE tables.type = 'table'
  ORDER BY place, reference, rank`
