-- Programs that treat calls, as long as they live. session is one for each start: what holds a lease is the session. beat changes every
-- second, by the node's own clock, and others look only whether it does. url is where they send what is asked of its calls; engines
-- the names, as JSON, of those that it could treat.
CREATE TABLE nodes (
  name TEXT PRIMARY KEY,
  session TEXT NOT NULL,
  url TEXT,
  engines TEXT NOT NULL,
  beat BIGINT NOT NULL
);

-- Which session treats the calls of which engine; null where the lease was given back. generation rises with each that takes it, and
-- every row of a call has that of its engine's lease: whoever was replaced while its write was under way finds no row of its
-- generation any more. What changes often does not stand here, since rows of calls refer to it.
CREATE TABLE engine_leases (
  engine TEXT PRIMARY KEY,
  generation BIGINT NOT NULL,
  session TEXT,
  is_draining INTEGER NOT NULL DEFAULT 0,
  UNIQUE (engine, generation)
);

-- generation is null in rows of nodes of the version before, until somebody takes the lease of their engine; is_waiting counts whose
-- place in a queue is taken.
ALTER TABLE calls RENAME TO unleased_calls;
CREATE TABLE calls (
  tenant_key TEXT NOT NULL,
  call_id TEXT NOT NULL,
  group_key TEXT NOT NULL,
  route_point_key TEXT NOT NULL,
  engine TEXT NOT NULL,
  agent_key TEXT,
  value TEXT NOT NULL,
  generation BIGINT,
  is_waiting INTEGER NOT NULL DEFAULT 0,
  CONSTRAINT calls_key PRIMARY KEY (tenant_key, call_id),
  CONSTRAINT calls_agent UNIQUE (agent_key),
  FOREIGN KEY (engine, generation) REFERENCES engine_leases (engine, generation) ON UPDATE CASCADE
);
INSERT INTO calls (tenant_key, call_id, group_key, route_point_key, engine, agent_key, value)
SELECT tenant_key, call_id, group_key, route_point_key, engine, agent_key, value FROM unleased_calls;
DROP TABLE unleased_calls;
CREATE INDEX calls_route_point ON calls (tenant_key, group_key, route_point_key);
CREATE INDEX calls_engine ON calls (engine, generation);

-- When a routing system was last there for a route point, or, where that is '', for all of a group; milliseconds since 1970.
CREATE TABLE routing_presence (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  route_point_key TEXT NOT NULL,
  seen_at BIGINT NOT NULL,
  PRIMARY KEY (tenant_key, group_key, route_point_key),
  FOREIGN KEY (tenant_key, group_key) REFERENCES groups (tenant_key, group_key) ON DELETE CASCADE
);
CREATE INDEX routing_presence_seen ON routing_presence (seen_at);
