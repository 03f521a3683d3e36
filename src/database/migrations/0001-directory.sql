-- A column named …_key holds the folded form of an id or name, by which it is found, compared and sorted without case.
-- A column named value holds the JSON text that GET answers; the columns beside it are what lists and references need.

CREATE TABLE tenants (
  tenant_key TEXT NOT NULL PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  type TEXT NOT NULL,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  default_domain TEXT NOT NULL,
  value TEXT NOT NULL
);

CREATE TABLE groups (
  tenant_key TEXT NOT NULL REFERENCES tenants (tenant_key) ON DELETE CASCADE,
  group_key TEXT NOT NULL,
  group_id TEXT NOT NULL,
  group_name TEXT NOT NULL,
  group_name_key TEXT NOT NULL,
  default_domain TEXT NOT NULL,
  country TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (tenant_key, group_key)
);

CREATE TABLE departments (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  department_name TEXT NOT NULL,
  department_name_key TEXT NOT NULL,
  parent_name TEXT,
  value TEXT NOT NULL,
  PRIMARY KEY (tenant_key, group_key, department_name),
  FOREIGN KEY (tenant_key, group_key) REFERENCES groups (tenant_key, group_key) ON DELETE CASCADE,
  FOREIGN KEY (tenant_key, group_key, parent_name)
    REFERENCES departments (tenant_key, group_key, department_name) ON UPDATE CASCADE
);
CREATE INDEX departments_parent ON departments (tenant_key, group_key, parent_name);

-- Whoever signs in and whatever has a SIP address: one name space for the whole installation, hence no tenant in its key.
CREATE TABLE identities (
  identity_key TEXT NOT NULL PRIMARY KEY,
  tenant_key TEXT REFERENCES tenants (tenant_key) ON DELETE CASCADE,
  group_key TEXT,
  department_name TEXT,
  identity_id TEXT NOT NULL,
  level INTEGER,
  password_hash TEXT,
  signed_in_at BIGINT,
  FOREIGN KEY (tenant_key, group_key) REFERENCES groups (tenant_key, group_key) ON DELETE CASCADE,
  FOREIGN KEY (tenant_key, group_key, department_name)
    REFERENCES departments (tenant_key, group_key, department_name) ON UPDATE CASCADE
);
CREATE INDEX identities_place ON identities (tenant_key, group_key, department_name);

CREATE TABLE system_admins (
  user_key TEXT NOT NULL PRIMARY KEY REFERENCES identities (identity_key) ON DELETE CASCADE,
  user_id TEXT NOT NULL,
  first_name TEXT NOT NULL,
  first_name_key TEXT NOT NULL,
  last_name TEXT NOT NULL,
  last_name_key TEXT NOT NULL,
  value TEXT NOT NULL
);

CREATE TABLE tenant_admins (
  tenant_key TEXT NOT NULL REFERENCES tenants (tenant_key) ON DELETE CASCADE,
  user_key TEXT NOT NULL REFERENCES identities (identity_key) ON DELETE CASCADE,
  user_id TEXT NOT NULL,
  first_name TEXT NOT NULL,
  first_name_key TEXT NOT NULL,
  last_name TEXT NOT NULL,
  last_name_key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (tenant_key, user_key)
);
CREATE INDEX tenant_admins_identity ON tenant_admins (user_key);

CREATE TABLE group_admins (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  user_key TEXT NOT NULL REFERENCES identities (identity_key) ON DELETE CASCADE,
  user_id TEXT NOT NULL,
  first_name TEXT NOT NULL,
  first_name_key TEXT NOT NULL,
  last_name TEXT NOT NULL,
  last_name_key TEXT NOT NULL,
  department_name TEXT,
  value TEXT NOT NULL,
  PRIMARY KEY (tenant_key, group_key, user_key),
  FOREIGN KEY (tenant_key, group_key) REFERENCES groups (tenant_key, group_key) ON DELETE CASCADE,
  FOREIGN KEY (tenant_key, group_key, department_name)
    REFERENCES departments (tenant_key, group_key, department_name) ON UPDATE CASCADE
);
CREATE INDEX group_admins_identity ON group_admins (user_key);
CREATE INDEX group_admins_department ON group_admins (tenant_key, group_key, department_name);

CREATE TABLE users (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  user_key TEXT NOT NULL REFERENCES identities (identity_key) ON DELETE CASCADE,
  user_id TEXT NOT NULL,
  first_name TEXT NOT NULL,
  first_name_key TEXT NOT NULL,
  last_name TEXT NOT NULL,
  last_name_key TEXT NOT NULL,
  phone_number TEXT NOT NULL,
  extension TEXT NOT NULL,
  email_address TEXT NOT NULL,
  email_address_key TEXT NOT NULL,
  department_name TEXT,
  value TEXT NOT NULL,
  PRIMARY KEY (tenant_key, group_key, user_key),
  FOREIGN KEY (tenant_key, group_key) REFERENCES groups (tenant_key, group_key) ON DELETE CASCADE,
  FOREIGN KEY (tenant_key, group_key, department_name)
    REFERENCES departments (tenant_key, group_key, department_name) ON UPDATE CASCADE
);
CREATE INDEX users_identity ON users (user_key);
CREATE INDEX users_department ON users (tenant_key, group_key, department_name);
-- By these a list of tens of thousands is searched and sorted while people wait; each costs a write about a microsecond.
CREATE INDEX users_last_name ON users (tenant_key, group_key, last_name_key, user_key);
CREATE INDEX users_phone_number ON users (tenant_key, group_key, phone_number, user_key);
CREATE INDEX users_extension ON users (tenant_key, group_key, extension, user_key);

CREATE TABLE sessions (
  secret_hash TEXT NOT NULL PRIMARY KEY,
  identity_key TEXT NOT NULL REFERENCES identities (identity_key) ON DELETE CASCADE,
  expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_identity ON sessions (identity_key);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE tokens (
  identity_key TEXT NOT NULL REFERENCES identities (identity_key) ON DELETE CASCADE,
  token_id TEXT NOT NULL,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  secret_hash TEXT UNIQUE,
  level INTEGER NOT NULL,
  expires_at BIGINT,
  used_at BIGINT,
  value TEXT NOT NULL,
  PRIMARY KEY (identity_key, token_id)
);

CREATE TABLE sign_in_attempts (
  attempt_key TEXT NOT NULL PRIMARY KEY,
  failures INTEGER NOT NULL,
  retry_at BIGINT NOT NULL,
  forget_at BIGINT NOT NULL
);
CREATE INDEX sign_in_attempts_expiry ON sign_in_attempts (forget_at);

-- tenant_key is '' for what concerns the installation. Nothing refers to a row, so a record outlives what it tells of.
CREATE TABLE changes (
  tenant_key TEXT NOT NULL,
  change_id TEXT NOT NULL,
  changed_at BIGINT NOT NULL,
  changed_by TEXT NOT NULL,
  action TEXT NOT NULL,
  target TEXT NOT NULL,
  before_value TEXT,
  after_value TEXT,
  PRIMARY KEY (tenant_key, change_id)
);
