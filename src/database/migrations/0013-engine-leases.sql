-- Which node treats the calls of which engine. generation rises with each holder, and every row of a call has that of its engine's
-- lease: a holder that was replaced while its write was under way finds no row of its generation any more. holder is null where the
-- lease was given back; beat rises as long as the holder lives; url is where other nodes send what is asked of its calls.
CREATE TABLE engine_leases (
  engine TEXT PRIMARY KEY,
  generation BIGINT NOT NULL,
  holder TEXT,
  url TEXT,
  beat BIGINT NOT NULL,
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
