-- Whose own a domain is, is asked whenever somebody gets an id. Domains are ASCII, of which both engines know the small letters.
CREATE INDEX tenants_domain ON tenants (lower(default_domain));
CREATE INDEX groups_domain ON groups (lower(default_domain), tenant_key);
