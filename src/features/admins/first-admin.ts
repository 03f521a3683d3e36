import { type Database, sql } from '../../database/database.ts'
import { fold } from '../../documents/normalise.ts'
import { forbidden, Refusal } from '../../errors.ts'
import { readSecretFile } from '../../files.ts'
import { type Caller, levels } from '../../http/permissions.ts'
import { creation } from '../../resources/judge.ts'
import { tableKeeper } from '../../resources/table-keeper.ts'
import { openDoor } from '../../writes/door.ts'
import { ownIntent } from '../../writes/intent.ts'
import { newSecret } from '../identities/secrets.ts'
import { systemAdmins } from './admins.ts'

const selectAdmin = sql<{ user_key: string }>('SELECT user_key FROM system_admins LIMIT 1')

/** Where the first admin's password comes from: given, in a file, or, when it is undefined, to be generated. */
export type FirstPassword = string | { file: string } | undefined

/** @throws Error naming the setting, when the file cannot be read, is empty or too large. */
async function choosePassword(password: FirstPassword): Promise<string> {
  if (password === undefined) return newSecret()
  if (typeof password === 'string') return password
  const { file } = password
  try {
    return await readSecretFile(file)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const setting = 'POINTSMAN_ADMIN_PASSWORD_FILE'
    throw new Error(`${setting}: the file '${file}' cannot be used: ${reason}.`, { cause: error })
  }
}

/** What stands against the first admin, told by the settings that it was made of. */
function bySettings(error: unknown, password: FirstPassword): unknown {
  if (!(error instanceof Refusal)) return error
  const passwordSetting = `ADMIN_PASSWORD${typeof password === 'object' ? '_FILE' : ''}`
  const problems = error.faults.map(({ parameter, message }) => {
    const setting = parameter === 'password' ? passwordSetting : 'ADMIN_USERNAME'
    return `POINTSMAN_${setting}: ${message}`
  })
  return new Error(problems.join(' '), { cause: error })
}

/**
 * Creates a system admin where there is none, as a request would, so that somebody can sign in.
 *
 * @throws Error naming the settings that are not valid.
 * @returns the generated password, to be shown once; undefined when none was generated.
 */
export async function createFirstAdmin(
  database: Database,
  username: string,
  password: FirstPassword,
): Promise<string | undefined> {
  if (await database.get(selectAdmin)) return undefined
  const chosen = await choosePassword(password)
  let isLate = false
  const caller: Caller = {
    identityKey: fold(username),
    accountKey: fold(username),
    identityId: username,
    level: levels.System,
    tenantKey: null,
    groupKey: null,
    departmentName: null,
    tokenName: null,
    token: null,
    // Another process may have been first.
    async confirm(reader) {
      isLate = (await reader.get(selectAdmin)) !== undefined
      if (isLate) throw forbidden()
    },
  }
  const site = { caller, place: {}, parameters: {}, query: {} }
  const body = { userId: username, firstName: 'System', lastName: 'Admin', password: chosen }
  const client = { payer: 'start', isGone: () => false }
  const edit = creation(systemAdmins, site, { body, headers: {}, client }, database)
  try {
    await tableKeeper(systemAdmins, openDoor(database), []).edit(ownIntent(caller), edit)
  } catch (error) {
    if (isLate) return undefined
    throw bySettings(error, password)
  }
  return password === undefined ? chosen : undefined
}
