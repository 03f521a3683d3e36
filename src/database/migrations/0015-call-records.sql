-- Records go with their group, so that nobody sees those of a namesake. What lists and figures look at stands in columns: '' for none,
-- moments and durations in milliseconds. Records of the version before have 0 and '' there.
ALTER TABLE call_records RENAME TO loose_call_records;
CREATE TABLE call_records (
  tenant_key TEXT NOT NULL,
  call_id TEXT NOT NULL,
  group_key TEXT NOT NULL,
  route_point_key TEXT NOT NULL,
  ended_at BIGINT NOT NULL,
  outcome TEXT NOT NULL,
  dnis TEXT NOT NULL DEFAULT '',
  agent_key TEXT NOT NULL DEFAULT '',
  caller_number TEXT NOT NULL DEFAULT '',
  is_bounced INTEGER NOT NULL DEFAULT 0,
  wait_milliseconds BIGINT NOT NULL DEFAULT 0,
  talk_milliseconds BIGINT NOT NULL DEFAULT 0,
  value TEXT NOT NULL,
  CONSTRAINT call_records_key PRIMARY KEY (tenant_key, call_id),
  FOREIGN KEY (tenant_key, group_key) REFERENCES groups (tenant_key, group_key) ON DELETE CASCADE
);
INSERT INTO call_records (tenant_key, call_id, group_key, route_point_key, ended_at, outcome, value)
SELECT tenant_key, call_id, group_key, route_point_key, ended_at, outcome, value FROM loose_call_records
WHERE EXISTS (SELECT 1 FROM groups WHERE groups.tenant_key = loose_call_records.tenant_key
  AND groups.group_key = loose_call_records.group_key);
DROP TABLE loose_call_records;
CREATE INDEX call_records_route_point
  ON call_records (tenant_key, group_key, route_point_key, ended_at, call_id);
CREATE INDEX call_records_end ON call_records (ended_at);

-- The disposition codes of calls that have ended.
CREATE TABLE call_record_codes (
  tenant_key TEXT NOT NULL,
  call_id TEXT NOT NULL,
  level TEXT NOT NULL,
  code TEXT NOT NULL,
  PRIMARY KEY (tenant_key, call_id, level, code),
  FOREIGN KEY (tenant_key, call_id) REFERENCES call_records (tenant_key, call_id) ON DELETE CASCADE
);

-- Figures of the calls that ended in a quarter of an hour, made of their records when those no longer change. Rows with a code count the
-- calls that had it, besides those without one, which count all.
CREATE TABLE call_figures (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  route_point_key TEXT NOT NULL,
  began_at BIGINT NOT NULL,
  dnis TEXT NOT NULL,
  agent_key TEXT NOT NULL,
  level TEXT NOT NULL,
  code TEXT NOT NULL,
  calls BIGINT NOT NULL,
  answered BIGINT NOT NULL,
  answered_soon BIGINT NOT NULL,
  abandoned BIGINT NOT NULL,
  forwarded BIGINT NOT NULL,
  overflowed BIGINT NOT NULL,
  bounced BIGINT NOT NULL,
  bounced_out BIGINT NOT NULL,
  refused BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  released BIGINT NOT NULL,
  wait_sum BIGINT NOT NULL,
  wait_max BIGINT NOT NULL,
  talk_sum BIGINT NOT NULL,
  PRIMARY KEY (tenant_key, group_key, route_point_key, began_at, dnis, agent_key, level, code),
  FOREIGN KEY (tenant_key, group_key) REFERENCES groups (tenant_key, group_key) ON DELETE CASCADE
);
CREATE INDEX call_figures_began ON call_figures (began_at);

-- Up to when figures are made; one row.
CREATE TABLE call_figures_until (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  until_at BIGINT NOT NULL
);
