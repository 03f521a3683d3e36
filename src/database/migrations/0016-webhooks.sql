-- Where events of calls are sent. value is what GET answers; secrets sign what is sent, and are never shown.
CREATE TABLE webhooks (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  webhook_key TEXT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  secret TEXT NOT NULL,
  second_secret TEXT,
  PRIMARY KEY (tenant_key, group_key, webhook_key),
  FOREIGN KEY (tenant_key, group_key) REFERENCES groups (tenant_key, group_key) ON DELETE CASCADE
);

-- What is still to be sent, and what was given up. What has arrived is gone from here.
CREATE TABLE webhook_deliveries (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  webhook_key TEXT NOT NULL,
  position BIGINT NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  happened_at BIGINT NOT NULL,
  attempts INTEGER NOT NULL,
  next_at BIGINT,
  failure TEXT,
  PRIMARY KEY (tenant_key, group_key, webhook_key, position),
  FOREIGN KEY (tenant_key, group_key, webhook_key) REFERENCES webhooks (tenant_key, group_key, webhook_key) ON DELETE CASCADE
);
CREATE INDEX webhook_deliveries_next ON webhook_deliveries (next_at);

-- Up to which event all has been noted that is to be sent; one row.
CREATE TABLE webhook_progress (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  position BIGINT NOT NULL
);
