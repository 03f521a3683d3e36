-- A setting of a DNIS that was never changed has no row: GET answers its default.
CREATE TABLE dnis_settings (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  route_point_key TEXT NOT NULL,
  dnis_name TEXT NOT NULL,
  setting TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (tenant_key, group_key, route_point_key, dnis_name, setting),
  FOREIGN KEY (tenant_key, group_key, route_point_key, dnis_name)
    REFERENCES dnis (tenant_key, group_key, route_point_key, name) ON UPDATE CASCADE ON DELETE CASCADE
) WITHOUT ROWID;

-- The announcements in a setting's slots. A row goes with its group directly, not only by its DNIS: PostgreSQL deletes
-- level by level, and a slot that outlived its announcement by one step would stop the deletion of the group.
CREATE TABLE dnis_setting_files (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  route_point_key TEXT NOT NULL,
  dnis_name TEXT NOT NULL,
  setting TEXT NOT NULL,
  position INTEGER NOT NULL,
  announcement_name TEXT NOT NULL,
  PRIMARY KEY (tenant_key, group_key, route_point_key, dnis_name, setting, position),
  FOREIGN KEY (tenant_key, group_key) REFERENCES groups (tenant_key, group_key) ON DELETE CASCADE,
  FOREIGN KEY (tenant_key, group_key, route_point_key, dnis_name, setting)
    REFERENCES dnis_settings (tenant_key, group_key, route_point_key, dnis_name, setting)
    ON UPDATE CASCADE ON DELETE CASCADE,
  FOREIGN KEY (tenant_key, group_key, announcement_name)
    REFERENCES announcements (tenant_key, group_key, name) ON UPDATE CASCADE
) WITHOUT ROWID;
CREATE INDEX dnis_setting_files_name ON dnis_setting_files (tenant_key, group_key, announcement_name);

-- A user's call-centre setting, but for the DNIS that the user calls out with. No row: never changed.
CREATE TABLE user_call_centers (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  user_key TEXT NOT NULL,
  make_outgoing_calls INTEGER NOT NULL,
  PRIMARY KEY (tenant_key, group_key, user_key),
  FOREIGN KEY (tenant_key, group_key, user_key)
    REFERENCES users (tenant_key, group_key, user_key) ON DELETE CASCADE
) WITHOUT ROWID;

-- The DNIS that a user calls out with: the row follows the DNIS's name and goes with it.
CREATE TABLE dnis_selections (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  user_key TEXT NOT NULL,
  route_point_key TEXT NOT NULL,
  dnis_name TEXT NOT NULL,
  PRIMARY KEY (tenant_key, group_key, user_key),
  FOREIGN KEY (tenant_key, group_key, user_key)
    REFERENCES users (tenant_key, group_key, user_key) ON DELETE CASCADE,
  FOREIGN KEY (tenant_key, group_key, route_point_key, dnis_name)
    REFERENCES dnis (tenant_key, group_key, route_point_key, name) ON UPDATE CASCADE ON DELETE CASCADE
) WITHOUT ROWID;
CREATE INDEX dnis_selections_dnis
  ON dnis_selections (tenant_key, group_key, route_point_key, dnis_name);
