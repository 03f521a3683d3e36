-- The calls that there are: a row is written at each transition, before the engine is asked to do what follows. value is the whole
-- call; agent_key whom it is offered to or speaks with, so that nobody has two calls at once. Nothing refers to what a call is
-- about: it outlives a route point that is deleted while somebody speaks.
CREATE TABLE calls (
  tenant_key TEXT NOT NULL,
  call_id TEXT NOT NULL,
  group_key TEXT NOT NULL,
  route_point_key TEXT NOT NULL,
  engine TEXT NOT NULL,
  agent_key TEXT UNIQUE,
  value TEXT NOT NULL,
  PRIMARY KEY (tenant_key, call_id)
);
CREATE INDEX calls_route_point ON calls (tenant_key, group_key, route_point_key);
CREATE INDEX calls_engine ON calls (engine);

-- The calls that there were, each once.
CREATE TABLE call_records (
  tenant_key TEXT NOT NULL,
  call_id TEXT NOT NULL,
  group_key TEXT NOT NULL,
  route_point_key TEXT NOT NULL,
  ended_at BIGINT NOT NULL,
  outcome TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (tenant_key, call_id)
);
CREATE INDEX call_records_route_point
  ON call_records (tenant_key, group_key, route_point_key, ended_at);
CREATE INDEX call_records_end ON call_records (ended_at);
