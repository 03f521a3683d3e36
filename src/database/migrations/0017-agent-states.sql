-- What agents last said of themselves, or was set after a call. until_at ends a wrap-up; null for a state without an end.
CREATE TABLE agent_states (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  user_key TEXT NOT NULL,
  state TEXT NOT NULL,
  unavailable_code TEXT,
  since_at BIGINT NOT NULL,
  until_at BIGINT,
  PRIMARY KEY (tenant_key, group_key, user_key),
  FOREIGN KEY (tenant_key, group_key, user_key) REFERENCES users (tenant_key, group_key, user_key) ON DELETE CASCADE
);
