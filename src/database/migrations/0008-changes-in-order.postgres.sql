-- A sequence gives positions in the order in which they are asked for, which is not that of the commits: a reader may see 2 while
-- the write that took 1 is under way. Whoever sees such a gap waits until it is final (postgres/settle.ts).
CREATE SEQUENCE change_positions OWNED BY changes.position;
SELECT setval('change_positions', coalesce(max(position), 0) + 1, false) FROM changes;
ALTER TABLE changes ALTER COLUMN position SET DEFAULT nextval('change_positions');
ALTER INDEX changes_pkey1 RENAME TO changes_pkey;
