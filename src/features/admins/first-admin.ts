import { type Database, sql } from '../../database/database.ts'
import { refuseIfAny } from '../../errors.ts'
import { levels } from '../../http/permissions.ts'
import { record } from '../changes/record.ts'
import { saveIdentity } from '../identities/identities.ts'
import { hashPassword } from '../identities/password.ts'
import { newSecret } from '../identities/secrets.ts'
import { systemAdmins } from './admins.ts'

const selectAdmin = sql<{ user_key: string }>('SELECT user_key FROM system_admins LIMIT 1')

/**
 * Creates a system admin where there is none, so that somebody can sign in.
 *
 * @param password generated when it is undefined.
 * @throws Refusal when nobody can have this username.
 * @returns the generated password, to be shown once; undefined when none was generated.
 */
export async function createFirstAdmin(
  database: Database,
  username: string,
  password: string | undefined,
): Promise<string | undefined> {
  if (await database.get(selectAdmin)) return undefined
  const chosen = password ?? newSecret()
  const passwordHash = await hashPassword(chosen)
  const { value, faults } = systemAdmins.document.create({
    userId: username,
    firstName: 'System',
    lastName: 'Admin',
  })
  refuseIfAny(faults)
  const created = await database.write(async (transaction) => {
    // Another process may have been first.
    if (await transaction.get(selectAdmin)) return false
    const place = { tenantKey: null, groupKey: null, departmentName: null }
    const identity = { identityId: value.userId, level: levels.System, ...place }
    await saveIdentity(transaction, identity, { isNew: true, passwordHash })
    const row = { ...systemAdmins.columns(value), value: JSON.stringify(value) }
    const key = systemAdmins.keyOf(value.userId, { place: {}, parameters: {} })
    await systemAdmins.table.insert(transaction, [key], row)
    await record(transaction, {
      tenantKey: '',
      by: value.userId,
      action: 'create',
      target: `/api/v1/admins/${encodeURIComponent(value.userId)}/`,
      before: null,
      after: JSON.stringify(value),
    })
    return true
  })
  return created && password === undefined ? chosen : undefined
}
