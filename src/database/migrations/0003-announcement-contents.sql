-- The audio of announcements. New audio gets a new id, so what an id names never changes; its old row goes with all of
-- its chunks.
CREATE TABLE announcement_contents (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  announcement_name TEXT NOT NULL,
  content_id TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (tenant_key, group_key, announcement_name),
  UNIQUE (tenant_key, content_id),
  FOREIGN KEY (tenant_key, group_key, announcement_name)
    REFERENCES announcements (tenant_key, group_key, name) ON UPDATE CASCADE ON DELETE CASCADE
);

-- first_byte is where in the file a chunk begins; how long chunks are is told nowhere else, so that it may change.
CREATE TABLE announcement_chunks (
  tenant_key TEXT NOT NULL,
  content_id TEXT NOT NULL,
  first_byte INTEGER NOT NULL,
  bytes BYTEA NOT NULL,
  PRIMARY KEY (tenant_key, content_id, first_byte),
  FOREIGN KEY (tenant_key, content_id)
    REFERENCES announcement_contents (tenant_key, content_id) ON DELETE CASCADE
);
