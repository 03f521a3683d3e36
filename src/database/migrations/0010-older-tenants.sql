-- The record of a tenant that was there before schema 8 begins with its creation as well, whose path tells nothing of its id where that
-- is percent-encoded, but that it is of a tenant: else a later tenant with the id would be shown what is recorded of the earlier one.
UPDATE changes SET kind = 'tenant'
WHERE kind = '' AND tenant_key <> '' AND substr(target, 1, 16) = '/api/v1/tenants/'
  AND instr(substr(target, 17), '/') = length(target) - 16;
