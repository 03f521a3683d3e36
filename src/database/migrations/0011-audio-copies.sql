-- What was fetched from addresses that the settings of a group name, so that every node has it, and a restart changes nothing.
-- New audio gets a new id, as that of announcements does.
CREATE TABLE audio_copies (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  url TEXT NOT NULL,
  content_id TEXT NOT NULL,
  sha256 TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  etag TEXT,
  last_modified TEXT,
  checked_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_key, group_key, url),
  UNIQUE (tenant_key, content_id),
  FOREIGN KEY (tenant_key, group_key) REFERENCES groups (tenant_key, group_key) ON DELETE CASCADE
);

CREATE TABLE audio_copy_chunks (
  tenant_key TEXT NOT NULL,
  content_id TEXT NOT NULL,
  first_byte INTEGER NOT NULL,
  bytes BYTEA NOT NULL,
  PRIMARY KEY (tenant_key, content_id, first_byte),
  FOREIGN KEY (tenant_key, content_id) REFERENCES audio_copies (tenant_key, content_id) ON DELETE CASCADE
);
