import type { FastifyRequest } from 'fastify'
import { type Database, sql, type Transaction } from '../../database/database.ts'
import { DatabaseUnavailable } from '../../errors.ts'
import { nextTurn } from '../../resources/turns.ts'
import { type Change, record } from '../../writes/record.ts'

/** What is recorded of an account's signing in: an action without values. */
export interface SignInAction {
  action: Extract<Change['action'], 'sign_in' | 'sign_out' | 'sign_in_refused'>
  kind: 'session' | 'password'
  /** Path of the operation. */
  target: string
}

interface AccountRow {
  identity_id: string
  tenant_key: string | null
  group_key: string | null
}

/** What has no level, such as a route point, cannot sign in and is no account. */
const selectAccount = sql<AccountRow>(
  `SELECT identity_id, tenant_key, group_key FROM identities
   WHERE identity_key = ? AND level IS NOT NULL`,
)

/** Records what an account did, or what was tried in its name; nothing where there is no such account. */
export async function recordSignIn(
  transaction: Transaction,
  { id, address }: Pick<FastifyRequest, 'id' | 'address'>,
  { identityKey, ...action }: SignInAction & { identityKey: string },
): Promise<void> {
  const account = await transaction.get(selectAccount, identityKey)
  if (!account) return
  const { identity_id, tenant_key, group_key } = account
  await record(
    transaction,
    {
      ...action,
      scope: { tenantKey: tenant_key ?? '', groupKey: group_key ?? '' },
      before: null,
      after: null,
    },
    { by: identity_id, address, tokenName: null, requestId: id },
  )
}

/** Of a long row of refused attempts these are recorded: the first ones, and then some. */
function isRecorded(failures: number): boolean {
  return failures <= 10 || failures % 100 === 0
}

/**
 * Records a refused attempt to sign in, of a long row the first ten and then each hundredth: whoever guesses must not fill the record.
 * It is done after the answer, and nobody waits for it: how long an answer takes must not tell whether there is such an account.
 *
 * @param failures how many there are in a row.
 */
export async function recordRefusedSignIn(
  database: Database,
  request: FastifyRequest,
  {
    failures,
    ...attempt
  }: Omit<SignInAction, 'action'> & { identityKey: string; failures: number },
): Promise<void> {
  if (!isRecorded(failures)) return
  await nextTurn()
  try {
    await database.write(
      (transaction) =>
        recordSignIn(transaction, request, { ...attempt, action: 'sign_in_refused' }),
      'keys',
    )
  } catch (error) {
    if (error instanceof DatabaseUnavailable) return
    request.log.error({ err: error }, 'refused sign-in not recorded')
  }
}
