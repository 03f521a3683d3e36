-- Disposition codes of route points, groups and enterprises, and the defaults that protect them.

CREATE TABLE route_point_disposition_codes (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  route_point_key TEXT NOT NULL,
  code TEXT NOT NULL,
  code_key TEXT NOT NULL,
  active INTEGER NOT NULL,
  description TEXT NOT NULL,
  description_key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (tenant_key, group_key, route_point_key, code),
  FOREIGN KEY (tenant_key, group_key, route_point_key)
    REFERENCES route_points (tenant_key, group_key, route_point_key) ON DELETE CASCADE
);

-- Only in tenants of type ServiceProvider.
CREATE TABLE group_disposition_codes (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  code TEXT NOT NULL,
  code_key TEXT NOT NULL,
  active INTEGER NOT NULL,
  description TEXT NOT NULL,
  description_key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (tenant_key, group_key, code),
  FOREIGN KEY (tenant_key, group_key) REFERENCES groups (tenant_key, group_key) ON DELETE CASCADE
);

-- Only in tenants of type Enterprise.
CREATE TABLE enterprise_disposition_codes (
  tenant_key TEXT NOT NULL REFERENCES tenants (tenant_key) ON DELETE CASCADE,
  code TEXT NOT NULL,
  code_key TEXT NOT NULL,
  active INTEGER NOT NULL,
  description TEXT NOT NULL,
  description_key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (tenant_key, code)
);

-- What calls of a route point are tagged with unless told otherwise: one of the three codes, the other two are NULL.
-- A default goes with its tenant and group directly, not only by its route point: PostgreSQL deletes level by level, and
-- a default that outlived the code of a higher level by one step would stop the deletion.
CREATE TABLE route_point_default_codes (
  tenant_key TEXT NOT NULL REFERENCES tenants (tenant_key) ON DELETE CASCADE,
  group_key TEXT NOT NULL,
  route_point_key TEXT NOT NULL,
  route_point_code TEXT,
  group_code TEXT,
  enterprise_code TEXT,
  PRIMARY KEY (tenant_key, group_key, route_point_key),
  FOREIGN KEY (tenant_key, group_key) REFERENCES groups (tenant_key, group_key) ON DELETE CASCADE,
  FOREIGN KEY (tenant_key, group_key, route_point_key)
    REFERENCES route_points (tenant_key, group_key, route_point_key) ON DELETE CASCADE,
  FOREIGN KEY (tenant_key, group_key, route_point_key, route_point_code)
    REFERENCES route_point_disposition_codes (tenant_key, group_key, route_point_key, code),
  FOREIGN KEY (tenant_key, group_key, group_code)
    REFERENCES group_disposition_codes (tenant_key, group_key, code),
  FOREIGN KEY (tenant_key, enterprise_code) REFERENCES enterprise_disposition_codes (tenant_key, code)
);
CREATE INDEX route_point_default_codes_group
  ON route_point_default_codes (tenant_key, group_key, group_code);
CREATE INDEX route_point_default_codes_enterprise
  ON route_point_default_codes (tenant_key, enterprise_code);

-- Every code that calls of a route point can be tagged with: its own, and those of its group or enterprise.
-- Ordered by level the route point's own come first.
CREATE VIEW usable_disposition_codes AS
SELECT tenant_key, group_key, route_point_key, code, code_key, active, description, description_key,
  'CallCenter' AS level, 'callcenter' AS level_key
FROM route_point_disposition_codes
UNION ALL
SELECT route_points.tenant_key, route_points.group_key, route_points.route_point_key,
  codes.code, codes.code_key, codes.active, codes.description, codes.description_key,
  'Group', 'group'
FROM route_points JOIN group_disposition_codes AS codes
  ON codes.tenant_key = route_points.tenant_key AND codes.group_key = route_points.group_key
UNION ALL
SELECT route_points.tenant_key, route_points.group_key, route_points.route_point_key,
  codes.code, codes.code_key, codes.active, codes.description, codes.description_key,
  'Enterprise', 'enterprise'
FROM route_points JOIN enterprise_disposition_codes AS codes
  ON codes.tenant_key = route_points.tenant_key;
