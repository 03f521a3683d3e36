import { type Reader, sql } from '../../database/database.ts'
import { findUnkeepable } from '../../documents/characters.ts'
import type { MemberKey } from '../../http/place.ts'
import { type NumberScope, type Numbers, numberKeys } from './numbers.ts'

/** Whom a number, an extension or an id reaches. */
export interface Reached {
  key: MemberKey
  /** The DNIS of the route point whose number or extension it is. */
  dnisName: string | null
  /** Not a user. */
  isRoutePoint: boolean
}

interface ReachedRow {
  preference: number
  /** Null, as the group's, of admins: an id is theirs too. */
  tenant_key: string | null
  group_key: string | null
  identity_key: string
  dnis_name: string | null
  level: number | null
}

function selectHolder(preference: number, table: string, where: string): string {
  return `
   SELECT ${preference} AS preference, held.tenant_key, held.group_key, held.identity_key, held.dnis_name,
     identities.level
   FROM ${table} AS held JOIN identities ON identities.identity_key = held.identity_key
   WHERE ${where}`
}

function selectIdentity(preference: number): string {
  return `
   SELECT ${preference}, tenant_key, group_key, identity_key, CAST(NULL AS TEXT), level
   FROM identities WHERE identity_key = ?`
}

const selectReached = sql<ReachedRow>(
  [
    selectHolder(
      1,
      'extensions',
      'held.tenant_key = ? AND held.group_key = ? AND held.extension = ?',
    ),
    selectHolder(2, 'phone_numbers', 'held.number_key = ?'),
    // As older versions kept it.
    selectHolder(3, 'phone_numbers', 'held.number_key = ? AND held.tenant_key = ?'),
    selectIdentity(4),
    selectIdentity(5),
  ].join(' UNION ALL '),
)

/** Where numbers mean what they mean; without a group there are no extensions, without a tenant no short codes. */
interface ReachScope extends NumberScope {
  groupKey: string
}

/** Somebody may answer to any of these; an extension counts more than a number, and a number more than an id. */
interface Names extends Numbers {
  identityKeys: readonly string[]
}

/** Finds by one look-up whom names reach. */
export async function findReached(
  reader: Reader,
  { country, tenantKey, groupKey }: ReachScope,
  { extension, phoneNumber, identityKeys }: Names,
): Promise<Reached | undefined> {
  const keys = phoneNumber === undefined ? [] : numberKeys(phoneNumber, { country, tenantKey })
  // What an id stands for in a SIP URI, with its escapes resolved, may be no text.
  const ids = identityKeys.filter((id) => findUnkeepable(id) === undefined)
  const [key = null, olderKey = null] = keys
  const [id = null, otherId = null] = ids
  const here = [tenantKey, groupKey, extension ?? null]
  const values = [...here, key, olderKey, tenantKey, id, otherId]
  const rows = await reader.all(selectReached, ...values)
  const [row] = rows.sort((one, other) => one.preference - other.preference)
  if (!row || row.tenant_key === null || row.group_key === null) return undefined
  return {
    key: [row.tenant_key, row.group_key, row.identity_key],
    dnisName: row.dnis_name,
    // What cannot sign in.
    isRoutePoint: row.level === null,
  }
}
