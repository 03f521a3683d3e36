-- The record of changes gets an order in which nothing is ever missed: positions rise as changes are committed, so whoever has
-- read up to one reads on after it. SQLite, where one writes at a time, gives the next after the highest; the newest change is
-- never pruned, so none is given twice. The place of a change and what it is of are for lists of it; what else is there tells
-- who it was. change_id is what nodes of the version before write. Nothing refers to a row, so a record outlives what it tells of.
ALTER TABLE changes RENAME TO unordered_changes;

CREATE TABLE changes (
  position INTEGER PRIMARY KEY,
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL DEFAULT '',
  route_point_key TEXT NOT NULL DEFAULT '',
  changed_at BIGINT NOT NULL,
  changed_by TEXT NOT NULL,
  address TEXT,
  token_name TEXT,
  request_id TEXT,
  action TEXT NOT NULL,
  kind TEXT NOT NULL DEFAULT '',
  target TEXT NOT NULL,
  before_value TEXT,
  after_value TEXT,
  because TEXT,
  change_id TEXT
);

-- The path of an older change tells its group and route point, where its ids are ASCII as nearly all are, and whether it is of
-- a tenant, group or route point itself. What else it is of stays ''.
INSERT INTO changes (position, tenant_key, group_key, route_point_key, changed_at, changed_by, action, kind, target,
  before_value, after_value, change_id)
WITH paths AS (
  SELECT unordered_changes.*, replace(lower(target), '%40', '@') AS path, '/api/v1/tenants/' || tenant_key || '/' AS tenant_path
  FROM unordered_changes
), in_groups AS (
  SELECT paths.*, CASE WHEN substr(path, 1, length(tenant_path) + 7) = tenant_path || 'groups/'
    THEN substr(path, length(tenant_path) + 8) ELSE '' END AS in_group
  FROM paths
), with_groups AS MATERIALIZED (
  SELECT in_groups.*, substr(in_group, 1, instr(in_group || '/', '/') - 1) AS group_id FROM in_groups
), in_route_points AS (
  SELECT with_groups.*, CASE WHEN substr(in_group, length(group_id) + 2, 22) = 'services/route_points/'
    THEN substr(in_group, length(group_id) + 24) ELSE '' END AS in_route_point
  FROM with_groups
), with_route_points AS MATERIALIZED (
  SELECT in_route_points.*, substr(in_route_point, 1, instr(in_route_point || '/', '/') - 1) AS route_point_id
  FROM in_route_points
)
SELECT row_number() OVER (ORDER BY change_id, tenant_key), tenant_key,
  CASE WHEN instr(group_id, '%') = 0 THEN group_id ELSE '' END,
  CASE WHEN instr(group_id, '%') = 0 AND instr(route_point_id, '%') = 0 THEN route_point_id ELSE '' END,
  changed_at, changed_by, action,
  CASE
    WHEN path = tenant_path THEN 'tenant'
    WHEN group_id <> '' AND in_group = group_id || '/' THEN 'group'
    WHEN route_point_id <> '' AND in_route_point = route_point_id || '/' THEN 'routePoint'
    ELSE ''
  END,
  target, before_value, after_value, change_id
FROM with_route_points
ORDER BY change_id, tenant_key;

DROP TABLE unordered_changes;

CREATE INDEX changes_tenant ON changes (tenant_key, position);
CREATE INDEX changes_group ON changes (tenant_key, group_key, position) WHERE group_key <> '';
CREATE INDEX changes_route_point ON changes (tenant_key, group_key, route_point_key, position)
  WHERE route_point_key <> '';
-- What was recorded of an earlier one with the same id is not shown to the admins of this one.
CREATE INDEX changes_creation ON changes (tenant_key, group_key, route_point_key, position)
  WHERE action = 'create' AND kind IN ('tenant', 'group', 'routePoint');
