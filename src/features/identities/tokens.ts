import { randomUUIDv7 } from 'node:crypto'
import Type, { type Static } from 'typebox'
import { type Database, type Reader, sql } from '../../database/database.ts'
import { defineDocument } from '../../documents/document.ts'
import { fold } from '../../documents/normalise.ts'
import { clearable, name, readOnly } from '../../documents/vocabulary.ts'
import { type Fault, invalid } from '../../errors.ts'
import { type Caller, levels } from '../../http/permissions.ts'
import { caseless } from '../../resources/list.ts'
import type { Resource } from '../../resources/resource.ts'
import { defineTable } from '../../resources/table.ts'
import { type CallerRow, callerColumns, toCaller } from './identities.ts'
import { hashSecret, newSecret } from './secrets.ts'

/** Precision in milliseconds with which a token's last use is kept: finer would cost a write a request. */
const usePrecision = 60 * 60 * 1_000

const instantPattern =
  '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2}(\\.\\d+)?)?(Z|[+-]\\d{2}:\\d{2})$'

const Token = Type.Object({
  tokenId: readOnly(Type.String()),
  name: name(80),
  expiresAt: clearable(
    Type.String({
      maxLength: 40,
      pattern: instantPattern,
      expects: "a time such as '2027-01-31T12:00:00Z'",
      description: 'Without it the token does not expire.',
    }),
  ),
  userLevel: Type.Integer({
    minimum: levels.EndUser,
    maximum: levels.System,
    description: 'What the token may do; at most, and unless told, the level of whoever makes it.',
  }),
  lastUsedAt: readOnly(Type.String({ description: 'To the hour; absent when it was never used.' })),
  token: readOnly(Type.String({ description: 'The secret; only in the answer to its creation.' })),
})

type Token = Static<typeof Token>

const table = defineTable({
  name: 'tokens',
  key: ['identity_key', 'token_id'],
  columns: ['name', 'name_key', 'level', 'expires_at'],
})

type TokenRow = CallerRow & { token_level: number; token_id: string; used_at: number | null }

const selectToken = sql<TokenRow>(
  `SELECT ${callerColumns}, tokens.level AS token_level, token_id, used_at
   FROM tokens JOIN identities USING (identity_key)
   WHERE secret_hash = ? AND (expires_at IS NULL OR expires_at > ?)
     AND identities.level IS NOT NULL`,
)
const updateUse = sql('UPDATE tokens SET used_at = ? WHERE identity_key = ? AND token_id = ?')
const selectUse = sql<{ used_at: number | null }>(
  'SELECT used_at FROM tokens WHERE identity_key = ? AND token_id = ?',
)
const updateSecret = sql(
  'UPDATE tokens SET secret_hash = ? WHERE identity_key = ? AND token_id = ?',
)

/** Who a token speaks for, with the lower of its own level and theirs. */
export async function findByToken(
  database: Database,
  secretText: string,
): Promise<Caller | undefined> {
  const now = Date.now()
  const row = await database.get(selectToken, hashSecret(secretText), now)
  if (!row) return undefined
  const hour = now - (now % usePrecision)
  if (row.used_at !== hour) {
    await database.write((transaction) =>
      transaction.run(updateUse, hour, row.identity_key, row.token_id),
    )
  }
  return { ...toCaller(row), level: Math.min(row.level, row.token_level) }
}

function* checkToken(value: Token, before: Token | undefined, caller: Caller): Iterable<Fault> {
  const { userLevel, expiresAt } = value
  if (userLevel > caller.level && userLevel !== before?.userLevel) {
    yield invalid('userLevel', `The 'userLevel' field must be at most ${caller.level}.`)
  }
  if (expiresAt === undefined || expiresAt === before?.expiresAt) return
  if (!(Date.parse(expiresAt) > Date.now())) {
    yield invalid('expiresAt', "The 'expiresAt' field must be a time to come.")
  }
}

function lastUse(usedAt: unknown): { lastUsedAt?: string } {
  return typeof usedAt === 'number' ? { lastUsedAt: new Date(usedAt).toISOString() } : {}
}

const document = defineDocument({ schema: Token, filled: ['userLevel'] })

/** The caller's own API tokens. */
export const tokens: Resource<Token> = {
  noun: 'token',
  plural: 'tokens',
  tag: 'Sign-in',
  description: 'Tokens are for scripts, which send them as `Authorization: Bearer …`.',
  path: '/api/v1/tokens/',
  parameter: 'token_id',
  permissions: {
    list: 'oneself',
    read: 'oneself',
    create: 'oneself',
    change: 'oneself',
    remove: 'oneself',
  },
  document,
  table,
  idMember: 'tokenId',
  fields: { Name: caseless('name') },
  scope: ({ caller }) => [caller.identityKey],
  keyOf: (id) => id,
  complete: async (_reader, { caller }, value) => ({
    ...value,
    tokenId: value.tokenId ?? randomUUIDv7(),
    userLevel: value.userLevel ?? caller.level,
  }),
  columns: ({ name: tokenName, userLevel, expiresAt }) => ({
    name: tokenName,
    name_key: fold(tokenName),
    level: userLevel,
    expires_at: expiresAt === undefined ? null : Date.parse(expiresAt),
  }),
  prepare: async (_secrets, isNew) => (isNew ? { token: newSecret() } : {}),
  reveal: ({ token }) => ({ token }),
  check: async ({ value, before, caller }) => [...checkToken(value, before, caller)],
  async save({ transaction, key, secrets: { token } }, writeRow) {
    await writeRow()
    if (token !== undefined) await transaction.run(updateSecret, hashSecret(token), ...key)
  },
  computed: {
    members: ['lastUsedAt'],
    async read(reader: Reader, key: readonly string[]) {
      return lastUse((await reader.get(selectUse, ...key))?.used_at)
    },
  },
  item: {
    columns: ['value', 'used_at'],
    schema: document.schemas.documented.shown,
    from: ({ value, used_at }) => ({ ...JSON.parse(String(value)), ...lastUse(used_at) }),
  },
}
