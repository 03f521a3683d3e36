-- What happens to calls, for whoever routes them, as long as it is kept. Positions rise as events are committed; the newest is never
-- removed, so that none is given twice. value is what followers are told. What happens to a call has a number of the call's own, under
-- which nothing is told twice; what is not of a call has '' and 0. Events of a deleted group are nobody's, and stay in their places.
CREATE TABLE call_events (
  position INTEGER PRIMARY KEY,
  tenant_key TEXT,
  group_key TEXT,
  route_point_key TEXT NOT NULL,
  call_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  happened_at BIGINT NOT NULL,
  kind TEXT NOT NULL,
  value TEXT NOT NULL,
  FOREIGN KEY (tenant_key, group_key) REFERENCES groups (tenant_key, group_key) ON DELETE SET NULL
);
CREATE UNIQUE INDEX call_events_once ON call_events (tenant_key, call_id, number, kind) WHERE call_id <> '';
CREATE INDEX call_events_group ON call_events (tenant_key, group_key, position);
