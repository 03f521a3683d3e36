import type { FastifyRequest } from 'fastify'
import Type from 'typebox'
import type { Api, ApiConfig } from '../../api.ts'
import { type Database, type Reader, sql, type Transaction } from '../../database/database.ts'
import { defineDocument } from '../../documents/document.ts'
import { fold } from '../../documents/normalise.ts'
import { named, secret, text } from '../../documents/vocabulary.ts'
import { invalid, refuseIfAny } from '../../errors.ts'
import { type Answer, done, message } from '../../http/answer.ts'
import { clientOf } from '../../http/clients.ts'
import { sessionCookie, sessionSecrets } from '../../http/identification.ts'
import { addOperation } from '../../http/operation.ts'
import type { Caller } from '../../http/permissions.ts'
import { isOverTls } from '../../http/proxies.ts'
import { countSignIns } from '../../metrics/sign-ins.ts'
import { defineExpiry } from '../../writes/expiry.ts'
import { intentOf } from '../../writes/intent.ts'
import { rowsPerStep } from '../../writes/steps.ts'
import { acceptAttempt, admitAttempt } from './attempts.ts'
import { observeGuess, WrongGuess } from './guesses.ts'
import {
  type CallerRow,
  callerColumns,
  leaveBehind,
  setPassword,
  toAdmission,
  toCaller,
} from './identities.ts'
import { signInTag } from './members.ts'
import { NewPassword, type Passwords, withPasswords } from './password.ts'
import { hashSecret, newSecret } from './secrets.ts'
import { recordRefusedSignIn, recordSignIn } from './sign-in-record.ts'

/** What is recorded: of a session, and of one's own password. */
const ofSession = { kind: 'session', target: '/api/v1/login/' } as const
const ofSignOut = { kind: 'session', target: '/api/v1/logout/' } as const
const ofPassword = { kind: 'password', target: '/api/v1/password/' } as const

/** The largest body, in bytes, that brings a name or passwords: more than they can take in UTF-8, for anybody may send one. */
const credentialsBytesMax = 16_384

const GivenPassword = secret(
  Type.String({ maxLength: 1_024, description: 'The password that holds now.' }),
)

const credentials = defineDocument({
  schema: Type.Object({
    username: text(161, {
      refers: true,
      description: 'Id to sign in with, without regard to case.',
    }),
    password: GivenPassword,
    provide_basic_profile: Type.Optional(Type.Unknown({ description: 'Accepted and ignored.' })),
  }),
})

const passwordChange = defineDocument({
  schema: Type.Object({ oldPassword: GivenPassword, newPassword: secret(NewPassword) }),
})

const SignedIn = named(
  'SignedIn',
  Type.Object({
    ids: Type.Object(
      {
        tenant_id: Type.Optional(Type.String({ description: 'The tenant, where there is one.' })),
        group_id: Type.Optional(Type.String({ description: 'The group, where there is one.' })),
        user_id: Type.String({ description: 'The id that has signed in.' }),
      },
      { description: 'Who has signed in, and where.' },
    ),
    profile: Type.Object(
      {
        user_level: Type.Integer({
          description: '0 End User, 4 Department Admin, 8 Group Admin, 12 Tenant Admin, 16 System.',
        }),
        is_first_login: Type.Boolean({ description: 'Whether it is the first time.' }),
      },
      { description: 'What the caller may do.' },
    ),
  }),
  'Who has signed in.',
)

/**
 * Sessions of one account. A script that signs in every three minutes has fewer in twelve hours, so it ends nobody's
 * who shares the account with it; and all go in one statement.
 */
const sessionsMax = 300

const expiry = defineExpiry({ name: 'sessions', key: ['secret_hash'] }, 'expires_at')
const selectSession = sql<CallerRow & { expires_at: number }>(
  `SELECT ${callerColumns}, sessions.expires_at FROM sessions
   JOIN identities ON identities.identity_key = sessions.identity_key
   WHERE sessions.secret_hash = ? AND sessions.expires_at > ? AND identities.level IS NOT NULL`,
)
const insertSession = sql(
  'INSERT INTO sessions (secret_hash, identity_key, expires_at) VALUES (?, ?, ?)',
)
/** Makes room for one more: those go that would have ended first. */
const deleteOldest = sql(
  `DELETE FROM sessions WHERE secret_hash IN (
     SELECT secret_hash FROM sessions WHERE identity_key = ?
     ORDER BY expires_at DESC LIMIT ${rowsPerStep} OFFSET ${sessionsMax - 1})`,
)
const selectOwner = sql<{ identity_key: string }>(
  'SELECT identity_key FROM sessions WHERE secret_hash = ? AND expires_at > ?',
)
const deleteSession = sql('DELETE FROM sessions WHERE secret_hash = ?')

interface Account {
  identity_id: string
  level: number | null
  password_hash: string | null
  signed_in_at: number | null
  tenant_id: string | null
  group_id: string | null
}

const selectAccount = sql<Account>(
  `SELECT identities.identity_id, identities.level, identities.password_hash,
     identities.signed_in_at, tenants.tenant_id, groups.group_id
   FROM identities
   LEFT JOIN tenants ON tenants.tenant_key = identities.tenant_key
   LEFT JOIN groups
     ON groups.tenant_key = identities.tenant_key AND groups.group_key = identities.group_key
   WHERE identities.identity_key = ?`,
)
const updateSignIn = sql('UPDATE identities SET signed_in_at = ? WHERE identity_key = ?')

/** Sessions that a clock ahead of ours has made would live for as long as it was ahead. */
async function shortenSessions(database: Database, sessionSeconds: number): Promise<void> {
  await leaveBehind('sessions', () =>
    expiry.write(database, sessionSeconds * 1_000, async () => {}),
  )
}

/** How long a session lives, in seconds. */
export function sessionSecondsOf({ SESSION_HOURS }: Pick<ApiConfig, 'SESSION_HOURS'>): number {
  return Math.round(SESSION_HOURS * 3_600)
}

/** Whose session a secret is. One that lives longer than `sessionSeconds` from now is shortened, with the others. */
export async function findBySession(
  database: Database,
  secretText: string,
  sessionSeconds: number,
): Promise<Caller | undefined> {
  const secretHash = hashSecret(secretText)
  const find = (reader: Reader) => reader.get(selectSession, secretHash, Date.now())
  const row = await find(database)
  if (!row) return undefined
  if (row.expires_at > Date.now() + sessionSeconds * 1_000) {
    await shortenSessions(database, sessionSeconds)
  }
  return toCaller(toAdmission(row), async (reader) => {
    const later = await find(reader)
    return later && toAdmission(later)
  })
}

function wrongPassword(): WrongGuess {
  return new WrongGuess([{ code: 401, message: 'The username or password is wrong.' }])
}

function cookie(request: FastifyRequest, value: string, seconds: number): string {
  const path = request.server.publicUrl?.path || '/'
  const secure = isOverTls(request) ? '; Secure' : ''
  return `${sessionCookie}=${value}; Path=${path}; Max-Age=${seconds}; HttpOnly; SameSite=Lax${secure}`
}

/** @throws Refusal 401 for a wrong name or password alike, 429 after too many of them, 503 when too many sign in. */
async function signIn(
  database: Database,
  attempt: {
    identityKey: string
    password: string
    request: FastifyRequest
    sessionSeconds: number
  },
) {
  const { identityKey: key, request } = attempt
  const { address } = request
  const { account, failures } = await withPasswords(clientOf(request), async ({ verify }) => {
    const failures = await admitAttempt(database, key, address)
    const found = await database.get(selectAccount, key)
    const isRight = await verify(found?.password_hash, attempt.password)
    return { account: isRight ? found : undefined, failures }
  })
  if (!account || account.level === null) {
    void recordRefusedSignIn(database, request, { ...ofSession, identityKey: key, failures })
    throw wrongPassword()
  }
  const { tenant_id, group_id, identity_id, level, password_hash, signed_in_at } = account
  const secretText = newSecret()
  const milliseconds = attempt.sessionSeconds * 1_000
  await expiry.write(database, milliseconds, async (transaction) => {
    // Whoever changed the password meanwhile meant to end this.
    const current = await transaction.get(selectAccount, key)
    if (current?.password_hash !== password_hash) throw wrongPassword()
    await acceptAttempt(transaction, key, address)
    await transaction.run(deleteOldest, key)
    await transaction.run(insertSession, hashSecret(secretText), key, Date.now() + milliseconds)
    // A change of the password changes this row too, so one of the two is run again and sees the other.
    await transaction.run(updateSignIn, Date.now(), key)
    await recordSignIn(transaction, request, { ...ofSession, action: 'sign_in', identityKey: key })
  })
  const ids = {
    ...(tenant_id !== null && { tenant_id }),
    ...(group_id !== null && { group_id }),
    user_id: identity_id,
  }
  const profile = { user_level: level, is_first_login: signed_in_at === null }
  return { secretText, answer: { ids, profile } }
}

/** Checks the old password with the same slow-down as a sign-in: a stolen session must not be a place to guess. */
async function changePassword({ door, database }: Api, request: FastifyRequest): Promise<Answer> {
  const { faults, secrets } = passwordChange.create(request.body)
  refuseIfAny(faults)
  const { oldPassword = '', newPassword = '' } = secrets
  const { address, caller } = request
  const { identityKey, tenantKey, groupKey } = caller
  const guess = { words: 'password change', identityKey }
  const prove = async (passwords: Passwords) => {
    // Whoever lost the right to ask meanwhile is not told whether they guessed right.
    await caller.confirm(database)
    const failures = await admitAttempt(database, identityKey, address)
    const account = await database.get(selectAccount, identityKey)
    if (!(await passwords.verify(account?.password_hash, oldPassword))) {
      void recordRefusedSignIn(database, request, { ...ofPassword, identityKey, failures })
      const message = "The 'oldPassword' field is not the current password."
      throw new WrongGuess([invalid('oldPassword', message)])
    }
    return { before: account?.password_hash, passwordHash: await passwords.hash(newPassword) }
  }
  // Under a known key other passwords would be told from the right ones at once, and for nothing.
  const intent = { ...intentOf(request), retry: undefined }
  return door.write(intent, {
    prepare: () => observeGuess(request, guess, () => withPasswords(clientOf(request), prove)),
    async act(work, { before, passwordHash }) {
      const { transaction } = work
      // An admin may have given another password meanwhile: theirs is the last word.
      const current = await transaction.get(selectAccount, identityKey)
      if (current?.password_hash !== before) throw wrongPassword()
      await acceptAttempt(transaction, identityKey, address)
      const cause = { action: 'change', resource: ofPassword.target } as const
      await setPassword({ ...work, cause }, identityKey, passwordHash)
      await work.record({
        scope: { tenantKey: tenantKey ?? '', groupKey: groupKey ?? '' },
        action: 'change',
        ...ofPassword,
        before: null,
        after: null,
      })
      return done
    },
  })
}

/** As large as configured, or less. */
function bodyBytesMaxIn({ app }: Api): number {
  return Math.min(credentialsBytesMax, app.initialConfig.bodyLimit ?? Infinity)
}

function addSignIn(api: Api): void {
  const { app, database, config, registry } = api
  const sessionSeconds = sessionSecondsOf(config)
  const onSignIn = registry && countSignIns(registry)
  addOperation(app, {
    method: 'POST',
    path: ofSession.target,
    id: 'login',
    summary: 'Sign in: answers the sessionid cookie',
    description: `An account has at most ${sessionsMax} sessions: one more ends the oldest.`,
    tag: signInTag,
    permission: 'public',
    body: named('Credentials', credentials.schemas.documented.forCreation, 'Who signs in.'),
    bodyBytesMax: bodyBytesMaxIn(api),
    answer: SignedIn,
    answerHeaders: ['Set-Cookie'],
    refusals: [401, 429],
    example: {
      request: { username: 'admin', password: 'correct horse battery' },
      response: {
        ids: { user_id: 'admin' },
        profile: { user_level: 16, is_first_login: false },
      },
    },
    isFinal: 'a sign-in gives a session, which a dry run would not',
    async handler(request) {
      const { value, secrets, faults } = credentials.create(request.body)
      refuseIfAny(faults)
      const identityKey = fold(value.username)
      const guess = { words: 'sign-in', identityKey, onOutcome: onSignIn }
      const { secretText, answer } = await observeGuess(request, guess, () =>
        signIn(database, {
          identityKey,
          password: secrets.password ?? '',
          request,
          sessionSeconds,
        }),
      )
      return message(answer, { 'set-cookie': cookie(request, secretText, sessionSeconds) })
    },
  })
}

/** Ends a session, and records who has signed out where it was one. */
async function endSession(
  transaction: Transaction,
  request: FastifyRequest,
  secretHash: string,
): Promise<void> {
  const session = await transaction.get(selectOwner, secretHash, Date.now())
  await transaction.run(deleteSession, secretHash)
  if (!session) return
  const { identity_key: identityKey } = session
  await recordSignIn(transaction, request, { ...ofSignOut, action: 'sign_out', identityKey })
}

function addSignOut({ app, database }: Api): void {
  addOperation(app, {
    method: 'POST',
    path: ofSignOut.target,
    id: 'logout',
    summary: 'Sign out: ends the session of the sessionid cookie',
    tag: signInTag,
    permission: 'public',
    answerHeaders: ['Set-Cookie'],
    example: { response: {} },
    isFinal: 'it takes the cookie away, which ends the session for the browser',
    async handler(request) {
      const secrets = sessionSecrets(request)
      if (secrets.length > 0) {
        await database.write(async (transaction) => {
          for (const one of secrets) await endSession(transaction, request, hashSecret(one))
        }, 'keys')
      }
      return { ...done, headers: { 'set-cookie': cookie(request, '', 0) } }
    },
  })
}

function addPasswordChange(api: Api): void {
  addOperation(api.app, {
    method: 'POST',
    path: ofPassword.target,
    id: 'changePassword',
    summary: 'Change one’s own password',
    description: 'Ends every session and token of the caller, this one too.',
    tag: signInTag,
    permission: 'oneself',
    body: named(
      'PasswordChange',
      passwordChange.schemas.documented.forCreation,
      'The old and the new password.',
    ),
    bodyBytesMax: bodyBytesMaxIn(api),
    refusals: [429],
    example: {
      request: { oldPassword: 'correct horse battery', newPassword: 'staple horse correct' },
      response: {},
    },
    isFinal: 'the attempt counts, be the old password right or wrong',
    ignoresRetryKey: true,
    handler: (request) => changePassword(api, request),
  })
}

/** Signing in and out, and changing one's own password. */
export function addSessions(api: Api): void {
  addSignIn(api)
  addSignOut(api)
  addPasswordChange(api)
}
