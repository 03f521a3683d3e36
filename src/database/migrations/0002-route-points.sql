CREATE TABLE route_points (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  route_point_key TEXT NOT NULL REFERENCES identities (identity_key) ON DELETE CASCADE,
  service_user_id TEXT NOT NULL,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  phone_number TEXT NOT NULL,
  extension TEXT NOT NULL,
  department_name TEXT,
  value TEXT NOT NULL,
  PRIMARY KEY (tenant_key, group_key, route_point_key),
  FOREIGN KEY (tenant_key, group_key) REFERENCES groups (tenant_key, group_key) ON DELETE CASCADE,
  FOREIGN KEY (tenant_key, group_key, department_name)
    REFERENCES departments (tenant_key, group_key, department_name) ON UPDATE CASCADE
);
CREATE INDEX route_points_identity ON route_points (route_point_key);
CREATE INDEX route_points_department ON route_points (tenant_key, group_key, department_name);
CREATE INDEX route_points_name ON route_points (tenant_key, group_key, name_key, route_point_key);
CREATE INDEX route_points_phone_number
  ON route_points (tenant_key, group_key, phone_number, route_point_key);
CREATE INDEX route_points_extension
  ON route_points (tenant_key, group_key, extension, route_point_key);

CREATE TABLE dnis (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  route_point_key TEXT NOT NULL,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  phone_number TEXT NOT NULL,
  extension TEXT NOT NULL,
  allow_outgoing_acd_call INTEGER NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (tenant_key, group_key, route_point_key, name),
  FOREIGN KEY (tenant_key, group_key, route_point_key)
    REFERENCES route_points (tenant_key, group_key, route_point_key) ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX dnis_name_key ON dnis (tenant_key, group_key, route_point_key, name_key, name);
CREATE INDEX dnis_phone_number
  ON dnis (tenant_key, group_key, route_point_key, phone_number, name);
CREATE INDEX dnis_extension ON dnis (tenant_key, group_key, route_point_key, extension, name);

-- Who answers to a number: number_key is its E.164 form, or its digits where that cannot be known.
-- The holder is a user or a route point, or with dnis_name one of the route point's DNIS. Unique in the installation.
CREATE TABLE phone_numbers (
  number_key TEXT NOT NULL PRIMARY KEY,
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  identity_key TEXT NOT NULL REFERENCES identities (identity_key) ON DELETE CASCADE,
  dnis_name TEXT,
  international INTEGER NOT NULL,
  FOREIGN KEY (tenant_key, group_key, identity_key, dnis_name)
    REFERENCES dnis (tenant_key, group_key, route_point_key, name) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX phone_numbers_holder ON phone_numbers (tenant_key, group_key, identity_key, dnis_name);
CREATE INDEX phone_numbers_identity ON phone_numbers (identity_key);

CREATE TABLE extensions (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  extension TEXT NOT NULL,
  identity_key TEXT NOT NULL REFERENCES identities (identity_key) ON DELETE CASCADE,
  dnis_name TEXT,
  PRIMARY KEY (tenant_key, group_key, extension),
  FOREIGN KEY (tenant_key, group_key, identity_key, dnis_name)
    REFERENCES dnis (tenant_key, group_key, route_point_key, name) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX extensions_holder ON extensions (tenant_key, group_key, identity_key, dnis_name);
CREATE INDEX extensions_identity ON extensions (identity_key);

CREATE TABLE announcements (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  description TEXT NOT NULL,
  description_key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (tenant_key, group_key, name),
  FOREIGN KEY (tenant_key, group_key) REFERENCES groups (tenant_key, group_key) ON DELETE CASCADE
);

-- A setting that was never changed has no row: GET answers its default.
CREATE TABLE route_point_settings (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  route_point_key TEXT NOT NULL,
  setting TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (tenant_key, group_key, route_point_key, setting),
  FOREIGN KEY (tenant_key, group_key, route_point_key)
    REFERENCES route_points (tenant_key, group_key, route_point_key) ON DELETE CASCADE
) WITHOUT ROWID;

-- The announcements in a setting's slots. A row goes with its group directly, not only by its route point: PostgreSQL
-- deletes level by level, and a slot that outlived its announcement by one step would stop the deletion of the group.
CREATE TABLE route_point_setting_files (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  route_point_key TEXT NOT NULL,
  setting TEXT NOT NULL,
  position INTEGER NOT NULL,
  announcement_name TEXT NOT NULL,
  PRIMARY KEY (tenant_key, group_key, route_point_key, setting, position),
  FOREIGN KEY (tenant_key, group_key) REFERENCES groups (tenant_key, group_key) ON DELETE CASCADE,
  FOREIGN KEY (tenant_key, group_key, route_point_key, setting)
    REFERENCES route_point_settings (tenant_key, group_key, route_point_key, setting) ON DELETE CASCADE,
  FOREIGN KEY (tenant_key, group_key, announcement_name)
    REFERENCES announcements (tenant_key, group_key, name) ON UPDATE CASCADE
) WITHOUT ROWID;
CREATE INDEX route_point_setting_files_name
  ON route_point_setting_files (tenant_key, group_key, announcement_name);
