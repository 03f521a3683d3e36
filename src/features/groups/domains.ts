import { domainToASCII } from 'node:url'
import { type Reader, sql } from '../../database/database.ts'
import { fold } from '../../documents/normalise.ts'
import { type Fault, invalid } from '../../errors.ts'
import { type Caller, levels } from '../../http/permissions.ts'
import type { Place } from '../../http/place.ts'

/**
 * The form in which domains are compared: without case, port, parameters and final dots, and as DNS has it where it is
 * written in other letters than ASCII.
 */
export function domainKey(domain: string): string {
  const [host = ''] = fold(domain).split(/[:;?]/, 1)
  const name = /^\p{ASCII}*$/v.test(host) ? host : domainToASCII(host) || host
  return name.trim().replace(/\.+$/, '')
}

const selectOwn = sql<{ found: number }>(
  `SELECT 1 AS found FROM tenants WHERE tenant_key = ? AND lower(default_domain) = ?
   UNION ALL SELECT 1 FROM groups WHERE tenant_key = ? AND lower(default_domain) = ? LIMIT 1`,
)
const selectAny = sql<{ found: number }>(
  `SELECT 1 AS found FROM tenants WHERE lower(default_domain) = ?
   UNION ALL SELECT 1 FROM groups WHERE lower(default_domain) = ? LIMIT 1`,
)

/** Whether a domain is the default one of a tenant or of one of its groups. */
export async function isOwnDomain(
  reader: Reader,
  tenantKey: string,
  domain: string,
): Promise<boolean> {
  const key = domainKey(domain)
  return (await reader.get(selectOwn, tenantKey, key, tenantKey, key)) !== undefined
}

interface OwnerRow {
  tenant_key: string
  /** Null for the tenant's own default domain. */
  group_key: string | null
}

// Of very many that share a domain, enough to see that they are several: the first two groups and the last, by tenant.
const ofDomain = 'FROM groups WHERE lower(default_domain) = ? ORDER BY tenant_key'
const selectOwners = sql<OwnerRow>(
  `SELECT * FROM (SELECT tenant_key, CAST(NULL AS TEXT) AS group_key FROM tenants
     WHERE lower(default_domain) = ? LIMIT 2) AS own
   UNION ALL SELECT * FROM (SELECT tenant_key, group_key ${ofDomain} LIMIT 2) AS firsts
   UNION ALL SELECT * FROM (SELECT tenant_key, group_key ${ofDomain} DESC LIMIT 1) AS lasts`,
)

/** The tenant whose own a domain is, where it is no other's, and the group, where only one has it. */
export async function ownerOf(reader: Reader, domain: string): Promise<Place> {
  const key = domainKey(domain)
  const rows = await reader.all(selectOwners, key, key, key)
  const [tenantKey, ...otherTenants] = new Set(rows.map((row) => row.tenant_key))
  if (tenantKey === undefined || otherTenants.length > 0) return {}
  const groups = new Set(rows.flatMap(({ group_key }) => group_key ?? []))
  const [groupKey, ...otherGroups] = groups
  return groupKey === undefined || otherGroups.length > 0 ? { tenantKey } : { tenantKey, groupKey }
}

/**
 * Domains that are a tenant's own, its default one or that of one of its groups, are closed to tenants that do not have them
 * as well: an id there would pass for one of theirs, and whether one is taken would tell who they are.
 *
 * @returns a fault (2) naming `parameter` when only other tenants than the place's have the domain. System may use all.
 */
export async function checkDomain(
  reader: Reader,
  { caller, place }: { caller: Caller; place: Place },
  { parameter, domain }: { parameter: string; domain: string },
): Promise<Fault[]> {
  const { tenantKey } = place
  if (caller.level >= levels.System || tenantKey === undefined) return []
  if (await isOwnDomain(reader, tenantKey, domain)) return []
  const key = domainKey(domain)
  if (!(await reader.get(selectAny, key, key))) return []
  return [invalid(parameter, `The domain '${domain}' belongs to another tenant.`)]
}
