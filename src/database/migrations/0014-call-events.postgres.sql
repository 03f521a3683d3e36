-- See 0008: a sequence gives positions in the order in which they are asked for, and postgres/settle.ts waits where that is not that of
-- the commits.
ALTER TABLE call_events ALTER COLUMN position TYPE BIGINT;
CREATE SEQUENCE call_event_positions OWNED BY call_events.position;
ALTER TABLE call_events ALTER COLUMN position SET DEFAULT nextval('call_event_positions');
