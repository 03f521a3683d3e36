-- What agents last said of themselves, or was set after a call. since_at is when that began, or when the last call left them, whichever
-- was later; null where neither has been. until_at ends a wrap-up; null for a state without an end. called_at is when a call last came to
-- them: an offer writes it, so that it meets whoever sets the state at the same moment.
CREATE TABLE agent_states (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  user_key TEXT NOT NULL,
  state TEXT NOT NULL,
  unavailable_code TEXT,
  since_at BIGINT,
  until_at BIGINT,
  called_at BIGINT,
  PRIMARY KEY (tenant_key, group_key, user_key),
  FOREIGN KEY (tenant_key, group_key, user_key) REFERENCES users (tenant_key, group_key, user_key) ON DELETE CASCADE
);
