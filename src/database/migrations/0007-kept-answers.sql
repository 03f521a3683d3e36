-- Answers to writes whose clients may ask again, not knowing whether they were done. Of the key that the client chose and of
-- its request only hashes are kept; body is NULL where it revealed a secret.
CREATE TABLE kept_answers (
  identity_key TEXT NOT NULL REFERENCES identities (identity_key) ON DELETE CASCADE,
  key_hash TEXT NOT NULL,
  request_hash TEXT NOT NULL,
  status INTEGER NOT NULL,
  headers TEXT NOT NULL,
  body TEXT,
  expires_at BIGINT NOT NULL,
  PRIMARY KEY (identity_key, key_hash)
);
CREATE INDEX kept_answers_expiry ON kept_answers (expires_at);
