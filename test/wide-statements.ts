/** What the lists of the API have composed. */
export const pages = new Set<string>()

/**
 * Statements that read a whole table, or all that a tenant or group has in it, and how many tables so at most. The first
 * that fits counts.
 */
export const declared: { why: string; text: { test(text: string): boolean }; most?: number }[] = [
  { why: 'the last system admin stays', text: /^SELECT count\(\*\) AS count FROM system_admins$/ },
  {
    why: 'an announcement is shown with its usages',
    text: /_setting_files AS files[\s\S]* LIMIT 2000$/,
  },
  {
    why: 'a list shows what there is, and a page how many on all; one of codes those of three levels',
    most: 2,
    text: { test: (text) => pages.has(text) },
  },
  {
    why: 'what is not empty is not deleted, and is told',
    text: /^SELECT count\(\*\) AS count FROM/,
  },
  {
    why: 'the sizes of a group’s announcements are summed',
    text: /^SELECT coalesce\(sum\(bytes\), 0\)/,
  },
  {
    why: 'a new name is taken to all that bear the old one, step by step',
    text: /^SELECT [\s\S]*value[\s\S]* LIMIT 500$/,
  },
  {
    why: 'all departments of a group are looked at once',
    text: /^SELECT department_name, parent_name FROM departments WHERE tenant_key = \? AND group_key = \?$/,
  },
  {
    why: 'nothing hangs any more on a tenant or group that goes',
    text: /^DELETE FROM (tenants|groups) WHERE/,
    most: 20,
  },
  {
    why: 'a deletion takes everything, step by step',
    text: /^(DELETE FROM|UPDATE)[\s\S]* IN \(SELECT [\s\S]* LIMIT 500\)$/,
  },
  {
    why: 'one national number of a group is enough',
    text: /^SELECT number_key FROM phone_numbers[\s\S]*LIMIT 1$/,
  },
  {
    why: 'the oldest rows stand at one end of a log',
    text: /^SELECT position, \w+ AS written_at FROM (changes|call_events) ORDER BY position LIMIT 501$/,
    most: 2,
  },
  {
    why: 'a group has 200 copies at most: they are looked through, and PostgreSQL may find one by its tenant while it knows nothing of the table',
    text: /audio_copies\s+(SET checked_at = \? )?WHERE tenant_key = \? AND group_key = \? (AND url (<>|=) \?|ORDER BY url)$/,
  },
  {
    why: 'groups with copies come one after the other',
    text: /FROM audio_copies WHERE \(tenant_key, group_key\) > /,
  },
  {
    why: 'up to when figures are made is one row',
    text: /SELECT coalesce\(max\(until_at\), 0\) FROM call_figures_until/,
    most: 2,
  },
  {
    why: 'what all agents of a group do is one look',
    text: /FROM agent_states AS states\s[\s\S]*WHERE states.tenant_key = \? AND states.group_key = \?$/,
  },
  {
    why: 'there are few engines and nodes',
    text: /^(SELECT [^(]* FROM (engine_leases|nodes)|DELETE FROM nodes WHERE beat < \?|UPDATE engine_leases SET session = NULL WHERE session = \?|SELECT engine, is_draining)/,
    most: 2,
  },
  {
    why: 'calls that there are now: few, of which PostgreSQL knows nothing',
    text: /^(UPDATE calls SET generation = \?)/,
    most: 2,
  },
  {
    why: 'all calls and agents of a group are shown',
    most: 3,
    text: /FROM calls WHERE tenant_key = \? AND group_key = \?\s+UNION ALL/,
  },
  {
    why: 'who routes: PostgreSQL knows nothing of the table',
    text: /^SELECT tenant_key, group_key, route_point_key, seen_at FROM routing_presence/,
  },
  {
    why: 'PostgreSQL may find a call by its tenant while it knows nothing of the table',
    text: /calls\s.*WHERE tenant_key = \? AND call_id = \?( AND generation = \?)?$/s,
  },
  {
    why: 'PostgreSQL may find the record of a code by its tenant while it knows nothing of the table',
    text: /^SELECT codes\.ended_at, codes\.call_id, records\.value FROM call_record_codes AS codes/,
  },
  {
    why: 'all webhooks are looked at once a second, each by one end of an index: nothing else knows what is due',
    text: /^SELECT tenant_key, group_key, name FROM webhooks WHERE is_active = 1 AND EXISTS/,
  },
  {
    why: 'a group has ten webhooks at most: they are looked through, and PostgreSQL may find them otherwise while it knows nothing of the table',
    text: /^SELECT [\s\S]* FROM webhooks\s[\s\S]*(is_active = 1|second_secret IS NOT NULL)/,
  },
  {
    why: 'what is to be sent is counted for the metrics, every 30 s at most, in indexes that hold nothing else',
    text: /^SELECT \(SELECT count\(\*\) FROM webhook_deliveries/,
    most: 2,
  },
  { why: 'one admin is enough', text: /^SELECT user_key FROM system_admins LIMIT 1$/ },
]
