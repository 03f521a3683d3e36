-- Where events of calls are sent. value is what GET answers; secrets sign what is sent, and are never shown. Events above after_position
-- are sent: the webhook was not there, or not active, before them. dropped counts what went unsent because there was too much.
CREATE TABLE webhooks (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL,
  is_active INTEGER NOT NULL,
  value TEXT NOT NULL,
  secret TEXT NOT NULL DEFAULT '',
  second_secret TEXT,
  after_position BIGINT NOT NULL DEFAULT 0,
  dropped BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant_key, group_key, name),
  FOREIGN KEY (tenant_key, group_key) REFERENCES groups (tenant_key, group_key) ON DELETE CASCADE
);
-- The first that an active one is to send.
CREATE INDEX webhooks_start ON webhooks (after_position) WHERE is_active = 1;

-- What is still to be sent, and what was given up. What has arrived is gone from here, but for tests. delivery_id rises with time; next_at
-- is when it is sent, or, while it is, when it is looked for again; null for what is not sent any more.
CREATE TABLE webhook_deliveries (
  tenant_key TEXT NOT NULL,
  group_key TEXT NOT NULL,
  webhook_name TEXT NOT NULL,
  delivery_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  happened_at BIGINT NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  attempted_at BIGINT,
  next_at BIGINT,
  failure TEXT,
  PRIMARY KEY (tenant_key, group_key, webhook_name, delivery_id),
  FOREIGN KEY (tenant_key, group_key, webhook_name) REFERENCES webhooks (tenant_key, group_key, name) ON DELETE CASCADE
);
CREATE INDEX webhook_deliveries_waiting ON webhook_deliveries (tenant_key, group_key, webhook_name, next_at)
  WHERE next_at IS NOT NULL;
CREATE INDEX webhook_deliveries_parked ON webhook_deliveries (tenant_key, group_key, webhook_name, delivery_id)
  WHERE next_at IS NULL;

-- Up to which event all has been noted that is to be sent; one row, none before there is a webhook.
CREATE TABLE webhook_progress (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  position BIGINT NOT NULL
);
