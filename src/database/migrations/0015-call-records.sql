-- Records go with their group, so that nobody sees those of a namesake. What lists and figures look at stands in columns: '' for none,
-- moments and durations in milliseconds, null for a call that never waited, or that nobody took. Of records of the version before
-- they are not filled: those are shown, and found by their time and outcome alone.
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
  wait_milliseconds BIGINT,
  talk_milliseconds BIGINT,
  value TEXT NOT NULL,
  CONSTRAINT call_records_key PRIMARY KEY (tenant_key, call_id),
  FOREIGN KEY (tenant_key, group_key) REFERENCES groups (tenant_key, group_key) ON DELETE CASCADE
);
INSERT INTO call_records (tenant_key, call_id, group_key, route_point_key, ended_at, outcome, value)
SELECT tenant_key, call_id, group_key, route_point_key, ended_at, outcome, value FROM loose_call_records
WHERE EXISTS (SELECT 1 FROM groups WHERE groups.tenant_key = loose_call_records.tenant_key
  AND groups.group_key = loose_call_records.group_key);
DROP TABLE loose_call_records;
-- By the first, filters and figures need not read the records themselves; the next two find those of one caller, or agent, among millions.
CREATE INDEX call_records_route_point ON call_records (tenant_key, group_key, route_point_key, ended_at, call_id,
  outcome, dnis, agent_key, caller_number, is_bounced, wait_milliseconds, talk_milliseconds);
CREATE INDEX call_records_caller
  ON call_records (tenant_key, group_key, route_point_key, caller_number, ended_at, call_id);
CREATE INDEX call_records_agent
  ON call_records (tenant_key, group_key, route_point_key, agent_key, ended_at, call_id) WHERE agent_key <> '';
CREATE INDEX call_records_end ON call_records (ended_at);

-- The disposition codes of calls that have ended, with what of their records finds them by code.
CREATE TABLE call_record_codes (
  tenant_key TEXT NOT NULL,
  call_id TEXT NOT NULL,
  level TEXT NOT NULL,
  code TEXT NOT NULL,
  group_key TEXT NOT NULL,
  route_point_key TEXT NOT NULL,
  ended_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_key, call_id, level, code),
  FOREIGN KEY (tenant_key, group_key) REFERENCES groups (tenant_key, group_key) ON DELETE CASCADE,
  FOREIGN KEY (tenant_key, call_id) REFERENCES call_records (tenant_key, call_id) ON DELETE CASCADE
);
CREATE INDEX call_record_codes_code
  ON call_record_codes (tenant_key, group_key, route_point_key, code, ended_at, call_id, level);
CREATE INDEX call_record_codes_end ON call_record_codes (ended_at);

-- Figures of the calls that ended in a span of so many seconds, made of their records when those no longer change: of all ('' in by_what),
-- and of those with one DNIS, agent or code, which name and level tell. Calls with several codes count in each.
CREATE TABLE call_figures (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  route_point_key TEXT NOT NULL,
  seconds INTEGER NOT NULL,
  by_what TEXT NOT NULL,
  began_at BIGINT NOT NULL,
  name TEXT NOT NULL,
  level TEXT NOT NULL,
  calls BIGINT NOT NULL,
  answered BIGINT NOT NULL,
  answered_soon BIGINT NOT NULL,
  abandoned BIGINT NOT NULL,
  forwarded BIGINT NOT NULL,
  overflowed BIGINT NOT NULL,
  bounced_out BIGINT NOT NULL,
  refused BIGINT NOT NULL,
  failed BIGINT NOT NULL,
  released BIGINT NOT NULL,
  bounced BIGINT NOT NULL,
  waits BIGINT NOT NULL,
  wait_sum BIGINT NOT NULL,
  wait_max BIGINT NOT NULL,
  talks BIGINT NOT NULL,
  talk_sum BIGINT NOT NULL,
  PRIMARY KEY (tenant_key, group_key, route_point_key, seconds, by_what, began_at, name, level),
  FOREIGN KEY (tenant_key, group_key) REFERENCES groups (tenant_key, group_key) ON DELETE CASCADE
);
CREATE INDEX call_figures_began ON call_figures (began_at);

-- Up to when figures are made; one row at most.
CREATE TABLE call_figures_until (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  until_at BIGINT NOT NULL
);
