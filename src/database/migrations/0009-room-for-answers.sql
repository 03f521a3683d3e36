-- Answers are kept for an account and not for whoever has its id, so they need not go with it: where there are very many, that would
-- keep every other write waiting. What is left of an account that is gone is found by nobody, and goes when its time is over.
-- Accounts that were there before, or come by a node of the version before, have ''; their answers are kept under their ids.
ALTER TABLE identities ADD COLUMN account_key TEXT NOT NULL DEFAULT '';

-- The answers kept for an account have a room in bytes. identity_key, as nodes of the version before call it, is whom they are
-- kept for. Those nodes leave out what an answer takes, so they are taken for what is ordinary.
ALTER TABLE kept_answers RENAME TO bound_answers;
CREATE TABLE kept_answers (
  identity_key TEXT NOT NULL,
  key_hash TEXT NOT NULL,
  request_hash TEXT NOT NULL,
  status INTEGER NOT NULL,
  headers TEXT NOT NULL,
  body TEXT,
  expires_at BIGINT NOT NULL,
  bytes BIGINT NOT NULL DEFAULT 1024,
  CONSTRAINT kept_answers_key PRIMARY KEY (identity_key, key_hash)
);
INSERT INTO kept_answers (identity_key, key_hash, request_hash, status, headers, body, expires_at)
SELECT identity_key, key_hash, request_hash, status, headers, body, expires_at FROM bound_answers;
DROP TABLE bound_answers;
CREATE INDEX kept_answers_expiry ON kept_answers (expires_at);
CREATE INDEX kept_answers_room ON kept_answers (identity_key, expires_at, bytes);
