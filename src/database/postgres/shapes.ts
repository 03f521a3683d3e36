export const postgresShapes = `
  SELECT owners.relname AS name, parts.attname AS column_name,
    CASE contype WHEN 'f' THEN conname END AS reference, targets.relname AS target,
    target_parts.attname AS target_column, (confdeltype = 'c')::integer AS cascades, (confdeltype = 'n')::integer AS forgets
  FROM pg_constraint
  JOIN pg_class AS owners ON owners.oid = conrelid
  CROSS JOIN LATERAL unnest(conkey, confkey) WITH ORDINALITY AS part (number, target_number, rank)
  JOIN pg_attribute AS parts ON parts.attrelid = conrelid AND parts.attnum = part.number
  LEFT JOIN pg_class AS targets ON targets.oid = confrelid
  LEFT JOIN pg_attribute AS target_parts
    ON target_parts.attrelid = confrelid AND target_parts.attnum = part.target_number
  WHERE owners.relnamespace = 'public'::regnamespace AND contype IN ('p', 'f')
  ORDER BY owners.oid, contype DESC, conname, rank`
