-- Nodes of a version before schema 8, which serve beside newer ones during an upgrade, tell the tenant of a change and its path. So the
-- database finds its group, route point and kind: their admins see it, and a later namesake's do not. SQLite has one node.

-- As the nodes fold ids, with the letters of every language; without ICU it is as well as the database's own locale can, and always
-- so for ASCII.
DO $$
BEGIN
  EXECUTE format(
    'CREATE FUNCTION folded_id(id TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
       RETURN normalize(replace(lower(lower(normalize(id) COLLATE "C") COLLATE %I), ''ς'', ''σ''))',
    CASE WHEN EXISTS (SELECT FROM pg_collation WHERE collname = 'und-x-icu') THEN 'und-x-icu' ELSE 'default' END
  );
END
$$;

-- An id as it was before it was percent-encoded: behind each % stand two digits and what was left as it is.
CREATE FUNCTION decoded_id(segment TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
  SELECT convert_from(string_agg(CASE
    WHEN place = 1 THEN convert_to(part, 'UTF8')
    ELSE decode(substr(part, 1, 2), 'hex') || convert_to(substr(part, 3), 'UTF8')
  END, '' ORDER BY place), 'UTF8')
  FROM unnest(string_to_array(segment, '%')) WITH ORDINALITY AS parts (part, place);
END;

CREATE FUNCTION place_change() RETURNS TRIGGER LANGUAGE plpgsql AS $$
DECLARE
  -- '', api, v1, tenants, its id, groups, its id, services, route_points, its id, and ''.
  parts TEXT[] := string_to_array(NEW.target, '/');
  point_id TEXT;
BEGIN
  NEW.kind := '';
  IF NEW.tenant_key = '' THEN
    RETURN NEW;
  END IF;
  IF parts[4] = 'tenants' AND cardinality(parts) = 6 THEN
    NEW.kind := 'tenant';
  ELSIF parts[4] = 'tenants' AND parts[6] = 'groups' THEN
    NEW.group_key := coalesce(folded_id(decoded_id(parts[7])), '');
    IF cardinality(parts) = 8 THEN
      NEW.kind := 'group';
    ELSIF parts[8] = 'services' AND parts[9] = 'route_points' THEN
      point_id := decoded_id(parts[10]);
      -- A path may leave the group's domain out; which one it was at an earlier time nobody knows.
      IF TG_OP = 'INSERT' AND position('@' IN point_id) = 0 THEN
        SELECT point_id || '@' || default_domain INTO point_id FROM groups
        WHERE tenant_key = NEW.tenant_key AND group_key = NEW.group_key;
      END IF;
      NEW.route_point_key := coalesce(folded_id(point_id), '');
      IF cardinality(parts) = 11 THEN
        NEW.kind := 'routePoint';
      END IF;
    END IF;
  ELSIF TG_OP = 'INSERT' AND parts[4] IN ('tokens', 'password') THEN
    -- Of the group of whoever did it.
    NEW.group_key := coalesce((
      SELECT group_key FROM identities
      WHERE identity_key = folded_id(NEW.changed_by) AND tenant_key = NEW.tenant_key
    ), '');
  END IF;
  RETURN NEW;
END
$$;

CREATE TRIGGER changes_of_older_nodes BEFORE INSERT OR UPDATE OF kind ON changes
  FOR EACH ROW WHEN (NEW.kind = '?') EXECUTE FUNCTION place_change();

-- What they wrote since schema 8, and what that could not read of ids that are percent-encoded.
UPDATE changes SET kind = '?'
WHERE kind = '' AND group_key = '' AND tenant_key <> '' AND change_id IS NOT NULL
  AND target LIKE '/api/v1/tenants/%/groups/%';

-- They leave out the kind, and newer nodes and copies never do. It comes last, since nobody can read until it is committed.
ALTER TABLE changes ALTER COLUMN kind SET DEFAULT '?';
