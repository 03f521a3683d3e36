import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { type Reader, sql } from '../../database/database.ts'
import { fold } from '../../documents/normalise.ts'
import { DatabaseUnavailable, type Fault, forbidden, taken, unauthorized } from '../../errors.ts'
import type { Caller } from '../../http/permissions.ts'
import type { Place } from '../../http/place.ts'
import { checkDomain } from '../groups/domains.ts'
import { type RevokingWork, recordRevoked } from './revoked-tokens.ts'

/** Whoever can sign in and whatever has a SIP address; their ids are one name space for the installation. */
export interface Identity {
  identityId: string
  /** Null for what cannot sign in, such as a route point. */
  level: number | null
  tenantKey: string | null
  groupKey: string | null
  /** Of a Department Admin: the department that bounds what they write. */
  departmentName: string | null
}

/**
 * The key of whoever an id names. An id in a path may lack its domain; then it is the one that the request is about, which
 * is completed already.
 */
export function keyOfIdentity(id: string, { place }: { place: Place }): string {
  return id.includes('@') ? fold(id) : (place.identityKey ?? fold(id))
}

export interface CallerRow {
  identity_key: string
  account_key: string
  identity_id: string
  level: number
  tenant_key: string | null
  group_key: string | null
  department_name: string | null
}

/** The columns of a `CallerRow`, for statements that join `identities`. */
export const callerColumns =
  'identities.identity_key, identities.account_key, identities.identity_id, identities.level, identities.tenant_key, ' +
  'identities.group_key, identities.department_name'

/** Everything that admits a caller. */
export type Admission = Omit<Caller, 'confirm'>

export function toAdmission(row: CallerRow): Admission {
  return {
    identityKey: row.identity_key,
    // Of an account that is older than its key, as the migration tells.
    accountKey: row.account_key || row.identity_key,
    identityId: row.identity_id,
    level: row.level,
    tenantKey: row.tenant_key,
    groupKey: row.group_key,
    departmentName: row.department_name,
    tokenName: null,
    token: null,
  }
}

/** How long a caller waits for what their identification leaves behind, in milliseconds. */
const patience = 100

/** What is being kept now: once is enough for all who come meanwhile. */
const beingKept = new Set<string>()

/** Keeps what identifications leave behind. Callers are let in even when the database cannot keep it, or not soon. */
export async function leaveBehind(what: string, keep: () => Promise<unknown>): Promise<void> {
  if (beingKept.has(what)) return
  beingKept.add(what)
  const kept = keep()
    .catch((error) => {
      if (!(error instanceof DatabaseUnavailable)) throw error
    })
    .finally(() => beingKept.delete(what))
  await Promise.race([kept, delay(patience)])
}

/** A caller who is confirmed by being looked up again, in the same way. */
export function toCaller(
  admission: Admission,
  lookUp: (reader: Reader) => Promise<Admission | undefined>,
): Caller {
  return {
    ...admission,
    async confirm(reader) {
      const now = await lookUp(reader)
      if (!now) throw unauthorized()
      // Another name of a token gives and takes nothing.
      const { tokenName } = admission
      if (!isDeepStrictEqual({ ...now, tokenName }, admission)) throw forbidden()
    },
  }
}

const selectKey = sql<{ identity_key: string }>(
  'SELECT identity_key FROM identities WHERE identity_key = ?',
)

/**
 * What stands against a new id: a domain of another tenant (2), whether or not somebody there has it; else that somebody has
 * it, anywhere in the installation (11).
 */
export async function checkIdentity(
  { transaction, caller, place }: { transaction: Reader; caller: Caller; place: Place },
  parameter: string,
  id: string,
): Promise<Fault[]> {
  const domain = id.split('@')[1]
  if (domain !== undefined) {
    const faults = await checkDomain(transaction, { caller, place }, { parameter, domain })
    if (faults.length > 0) return faults
  }
  const isTaken = (await transaction.get(selectKey, fold(id))) !== undefined
  return isTaken ? [taken(parameter, `The id '${id}' is already in use.`)] : []
}

const insertIdentity = sql(
  `INSERT INTO identities
     (identity_key, account_key, identity_id, level, tenant_key, group_key, department_name,
      password_hash)
   VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
)
const updateIdentity = sql(
  'UPDATE identities SET level = ?, department_name = ? WHERE identity_key = ?',
)
const updatePassword = sql('UPDATE identities SET password_hash = ? WHERE identity_key = ?')
const deleteSessions = sql('DELETE FROM sessions WHERE identity_key = ?')
const deleteTokens = sql('DELETE FROM tokens WHERE identity_key = ?')
const deleteIdentity = sql('DELETE FROM identities WHERE identity_key = ?')

/** Changes a password and ends every session and token that the old one gave. */
export async function setPassword(
  work: RevokingWork,
  identityKey: string,
  passwordHash: string,
): Promise<void> {
  const { transaction } = work
  await recordRevoked(work, identityKey)
  await transaction.run(updatePassword, passwordHash, identityKey)
  await transaction.run(deleteSessions, identityKey)
  await transaction.run(deleteTokens, identityKey)
}

/** Creates an identity, or changes what may change of it: the level, the department, the password. */
export async function saveIdentity(
  work: RevokingWork,
  identity: Identity,
  options: { isNew: boolean; passwordHash: string | undefined },
): Promise<void> {
  const { identityId, level, tenantKey, groupKey, departmentName } = identity
  const { isNew, passwordHash } = options
  const { transaction } = work
  const key = fold(identityId)
  if (isNew) {
    const place = [tenantKey, groupKey, departmentName]
    const keys = [key, randomUUID(), identityId]
    await transaction.run(insertIdentity, ...keys, level, ...place, passwordHash ?? null)
    return
  }
  await transaction.run(updateIdentity, level, departmentName, key)
  if (passwordHash !== undefined) await setPassword(work, key, passwordHash)
}

/**
 * Deletes an identity with its sessions, tokens, numbers and the resource that it belongs to. The answers that were kept for it
 * may be very many: they end by themselves, and nobody else finds them.
 */
export async function removeIdentity(work: RevokingWork, identityKey: string): Promise<void> {
  const { transaction } = work
  await recordRevoked(work, identityKey)
  await transaction.run(deleteIdentity, identityKey)
}
