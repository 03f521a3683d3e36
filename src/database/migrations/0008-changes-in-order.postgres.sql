-- A sequence gives positions in the order in which they are asked for, which is not that of the commits: a reader may see 2 while
-- the write that took 1 is under way. Whoever sees such a gap waits until it is final (`settle`), which needs that a write has its
-- transaction id before its position. CASE asks for them one after the other.
CREATE SEQUENCE change_positions OWNED BY changes.position;
SELECT setval('change_positions', coalesce(max(position), 0) + 1, false) FROM changes;
ALTER TABLE changes ALTER COLUMN position
  SET DEFAULT CASE WHEN pg_current_xact_id() IS NOT NULL THEN nextval('change_positions') END;
ALTER INDEX changes_pkey1 RENAME TO changes_pkey;
