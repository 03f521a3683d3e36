import { randomUUIDv7 } from 'node:crypto'
import Type, { type Static } from 'typebox'
import { type Database, type Reader, sql } from '../../database/database.ts'
import { defineDocument } from '../../documents/document.ts'
import { instantPattern, readInstant } from '../../documents/instants.ts'
import { clearable, name, readOnly } from '../../documents/vocabulary.ts'
import { type Fault, forbidden, invalid } from '../../errors.ts'
import { type Caller, levels } from '../../http/permissions.ts'
import { examplesOf } from '../../resources/examples.ts'
import { words } from '../../resources/listed.ts'
import type { Part } from '../../resources/part.ts'
import { all, type Resource, type Site } from '../../resources/resource.ts'
import { defineTable } from '../../resources/table.ts'
import { findStored } from '../../resources/table-keeper.ts'
import {
  type Admission,
  type CallerRow,
  callerColumns,
  leaveBehind,
  toAdmission,
  toCaller,
} from './identities.ts'
import { signInTag } from './members.ts'
import { hashSecret, newSecret } from './secrets.ts'

/** Precision in milliseconds with which a token's last use is kept: finer would cost a write a request. */
const usePrecision = 60 * 60 * 1_000

/** Tokens of one owner, expired ones among them: more than anybody tells apart, few enough to go in one statement. */
const tokensMax = 100

const Token = Type.Object({
  tokenId: readOnly(Type.String({ description: 'Name of the token in paths.' })),
  name: name(80, { description: 'What the token is for.' }),
  expiresAt: clearable(
    Type.String({
      maxLength: 40,
      pattern: instantPattern,
      expects: "a time such as '2027-01-31T12:00:00Z'",
      description:
        'When it ends (RFC 3339; seconds may be missing): at most, and unless told, when the token ends that asks; else it does not expire.',
    }),
  ),
  userLevel: Type.Integer({
    enum: Object.values(levels),
    description: 'What the token may do; at most, and unless told, the level of whoever makes it.',
  }),
  lastUsedAt: readOnly(Type.String({ description: 'To the hour; absent when it was never used.' })),
  token: readOnly(Type.String({ description: 'The secret; only in the answer to its creation.' })),
})

type Token = Static<typeof Token>

/** Milliseconds since 1970. What is refused today, such as 24:00, stays with the tokens that had it before. */
function endAt(expiresAt: string): number {
  return readInstant(expiresAt) ?? Date.parse(expiresAt)
}

const table = defineTable<Token>({
  name: 'tokens',
  key: ['identity_key', 'token_id'],
  listed: { Name: words('name', (token) => token.name) },
  stored: {
    level: ({ userLevel }) => userLevel,
    expires_at: ({ expiresAt }) => (expiresAt === undefined ? null : endAt(expiresAt)),
  },
})

type TokenRow = CallerRow & {
  token_level: number
  token_name: string
  token_expires_at: number | null
  token_id: string
  used_at: number | null
}

const selectToken = sql<TokenRow>(
  `SELECT ${callerColumns}, tokens.level AS token_level, tokens.name AS token_name,
     tokens.expires_at AS token_expires_at, tokens.token_id, tokens.used_at
   FROM tokens JOIN identities ON identities.identity_key = tokens.identity_key
   WHERE tokens.secret_hash = ? AND (tokens.expires_at IS NULL OR tokens.expires_at > ?)
     AND identities.level IS NOT NULL`,
)
const updateUse = sql('UPDATE tokens SET used_at = ? WHERE identity_key = ? AND token_id = ?')
const selectUse = sql<{ used_at: number | null }>(
  'SELECT used_at FROM tokens WHERE identity_key = ? AND token_id = ?',
)
const updateSecret = sql(
  'UPDATE tokens SET secret_hash = ? WHERE identity_key = ? AND token_id = ?',
)
const selectLiving = sql<{ count: number }>(
  `SELECT count(*) AS count FROM tokens
   WHERE identity_key = ? AND (expires_at IS NULL OR expires_at > ?)`,
)
/** Removes the expired tokens of an owner who has as many as there may be. */
const makeRoom = sql(
  `DELETE FROM tokens WHERE identity_key = ? AND expires_at <= ?
     AND (SELECT count(*) FROM tokens WHERE identity_key = ?) >= ${tokensMax}`,
)

async function noteUse(
  database: Database,
  row: TokenRow,
  { secretHash, hour }: { secretHash: string; hour: number },
): Promise<void> {
  await leaveBehind(secretHash, () =>
    database.write(
      (transaction) => transaction.run(updateUse, hour, row.identity_key, row.token_id),
      'keys',
    ),
  )
}

/** Whoever uses a token may do what both it and its owner may. */
function admissionOf(row: TokenRow): Admission {
  const { token_level: level, token_expires_at: expiresAt } = row
  return {
    ...toAdmission(row),
    level: Math.min(row.level, level),
    tokenName: row.token_name,
    token: { level, expiresAt },
  }
}

/** Who a token speaks for, with the lower of its own level and theirs. */
export async function findByToken(
  database: Database,
  secretText: string,
): Promise<Caller | undefined> {
  const secretHash = hashSecret(secretText)
  const find = (reader: Reader) => reader.get(selectToken, secretHash, Date.now())
  const row = await find(database)
  if (!row) return undefined
  const now = Date.now()
  const hour = now - (now % usePrecision)
  if (row.used_at !== hour) await noteUse(database, row, { secretHash, hour })
  return toCaller(admissionOf(row), async (reader) => {
    const later = await find(reader)
    return later && admissionOf(later)
  })
}

function outlives(expiresAt: string | undefined, { token }: Caller): boolean {
  if (!token || token.expiresAt === null) return false
  return expiresAt === undefined || endAt(expiresAt) > token.expiresAt
}

function* checkToken(value: Token, before: Token | undefined, caller: Caller): Iterable<Fault> {
  const { userLevel, expiresAt } = value
  if (userLevel > caller.level && userLevel !== before?.userLevel) {
    yield invalid('userLevel', `The 'userLevel' field must be at most ${caller.level}.`)
  }
  if (outlives(expiresAt, caller)) {
    yield invalid('expiresAt', 'A token cannot make one that outlives it.')
  }
  if (expiresAt === undefined || expiresAt === before?.expiresAt) return
  if ((readInstant(expiresAt) ?? 0) <= Date.now()) {
    yield invalid('expiresAt', "The 'expiresAt' field must be a time to come.")
  }
}

/** What stands against another token of the same owner. */
async function checkRoom(reader: Reader, { identityKey }: Caller): Promise<Fault[]> {
  const living = Number((await reader.get(selectLiving, identityKey, Date.now()))?.count)
  if (living < tokensMax) return []
  const message = `There are ${tokensMax} tokens that have not expired, the most that one owner may have: delete one.`
  return [{ code: 2, message }]
}

/**
 * A token touches neither a token of a higher level nor one that outlives it: whoever finds a weak token must not
 * prolong a strong one, or take it away.
 *
 * @throws Refusal 403.
 */
async function admitToken(reader: Reader, { caller }: Site, { tokenId = '' }: Token) {
  if (!caller.token) return
  const stored = await findStored(tokens, reader, [caller.identityKey, tokenId])
  if (stored === undefined) return
  const { userLevel, expiresAt } = stored
  if (userLevel > caller.token.level || outlives(expiresAt, caller)) throw forbidden()
}

/** No token may do more than whoever makes or changes it, and nobody has more than so many. */
const isLimited: Part<Token> = {
  async complete(value, { site: { caller } }) {
    const latest = caller.token?.expiresAt ?? null
    return {
      ...(latest !== null && { expiresAt: new Date(latest).toISOString() }),
      ...value,
      tokenId: value.tokenId ?? randomUUIDv7(),
      userLevel: value.userLevel ?? caller.level,
    }
  },
  admit: admitToken,
  check: async ({ transaction, value, before, caller }) => [
    ...checkToken(value, before, caller),
    ...(before ? [] : await checkRoom(transaction, caller)),
  ],
  async beforeRow({ transaction, before, caller: { identityKey } }) {
    if (!before) await transaction.run(makeRoom, identityKey, Date.now(), identityKey)
  },
}

/** Its secret is shown once, and only the hash of it is kept. */
const hasSecret: Part<Token> = {
  prepare: async (_secrets, { isNew }) => (isNew ? { token: newSecret() } : {}),
  async afterRow({ transaction, key, prepared: { token } }) {
    if (token !== undefined) await transaction.run(updateSecret, hashSecret(token), ...key)
  },
  reveal: ({ token }) => ({ token }),
}

function lastUse(usedAt: unknown): { lastUsedAt?: string } {
  return typeof usedAt === 'number' ? { lastUsedAt: new Date(usedAt).toISOString() } : {}
}

const document = defineDocument({ schema: Token, filled: ['userLevel'] })

const example = {
  tokenId: '019a5c1e-7c3a-7d4b-9f5e-2b6a8c0d1e2f',
  name: 'provisioning',
  expiresAt: '2027-01-31T12:00:00.000Z',
  userLevel: levels.GroupAdmin,
}

const examples = examplesOf('tokens', {
  create: { name: example.name, expiresAt: example.expiresAt, userLevel: example.userLevel },
  shown: { ...example, lastUsedAt: '2026-11-24T03:00:00.000Z' },
  change: { name: 'nightly provisioning' },
})

/** The caller's own API tokens. */
export const tokens: Resource<Token> = {
  noun: 'token',
  path: '/api/v1/tokens/',
  id: { member: 'tokenId', parameter: 'token_id' },
  permissions: all('oneself'),
  document,
  table,
  collection: { scope: ({ caller }) => [caller.identityKey] },
  list: {
    member: 'tokens',
    item: {
      columns: ['value', 'used_at'],
      schema: document.schemas.documented.shown,
      from: ({ value, used_at }) => ({ ...JSON.parse(String(value)), ...lastUse(used_at) }),
    },
  },
  parts: [isLimited, hasSecret],
  computed: {
    members: ['lastUsedAt'],
    async read(reader: Reader, key: readonly string[]) {
      return lastUse((await reader.get(selectUse, ...key))?.used_at)
    },
  },
  documentation: {
    tag: signInTag,
    description:
      'Tokens are for scripts, which send them as `Authorization: Bearer …`. ' +
      `Everybody may have ${tokensMax}; expired ones go when there would be more.`,
    examples: {
      ...examples,
      create: {
        ...examples.create,
        response: { ...example, token: 'JvVsR1k0m2Yz7bT3cXqWnE5uPhLdAfGi9oKxS4rN6yM' },
      },
    },
  },
}
