import { type Database, type Reader, sql, type Transaction } from '../database/database.ts'
import { Refusal } from '../errors.ts'
import type { Answer } from '../http/answer.ts'
import type { Caller } from '../http/permissions.ts'
import { defineExpiry } from './expiry.ts'
import type { Retry } from './intent.ts'

/** How long the answer to a write is kept for a client that asks again, in milliseconds. */
const answerMemory = 24 * 60 * 60 * 1_000

/** How long an answer that is over may stay in its table, in milliseconds: so each step removes many. */
const patience = 60 * 60 * 1_000

export const keptAnswers = { name: 'kept_answers', key: ['identity_key', 'key_hash'] }

const expiry = defineExpiry(keptAnswers, 'expires_at', { patience })

interface KeptRow {
  request_hash: string
  status: Answer['status']
  headers: string
  body: string | null
}

const selectKept = sql<KeptRow>(
  `SELECT request_hash, status, headers, body FROM kept_answers
   WHERE identity_key = ? AND key_hash = ? AND expires_at > ?`,
)
const insertKept = sql(
  `INSERT INTO kept_answers
     (identity_key, key_hash, request_hash, status, headers, body, expires_at, bytes)
   VALUES (?, ?, ?, ?, ?, ?, ?, ?)
   ON CONFLICT (identity_key, key_hash) DO UPDATE SET request_hash = excluded.request_hash,
     status = excluded.status, headers = excluded.headers, body = excluded.body,
     expires_at = excluded.expires_at, bytes = excluded.bytes`,
)

/**
 * The answer that a caller's write under a key had; undefined when there was none.
 *
 * @throws Refusal 422 when it was another write, 409 when its answer revealed a secret.
 */
export async function findKept(
  reader: Reader,
  { accountKey }: Caller,
  { keyHash, requestHash }: Retry,
): Promise<Answer | undefined> {
  const row = await reader.get(selectKept, accountKey, keyHash, Date.now())
  if (!row) return undefined
  if (row.request_hash !== requestHash) {
    const message =
      'The Idempotency-Key was used for another request, or with other rights; take a new key for this one.'
    throw new Refusal([{ code: 422, message }])
  }
  if (row.body === null) {
    const message = 'This was done already. Its answer held a secret, which is not kept.'
    throw new Refusal([{ code: 409, message }])
  }
  const headers = { ...JSON.parse(row.headers), 'idempotent-replay': 'true' }
  return { status: row.status, headers, text: row.body }
}

/** What a kept answer takes beside its text and headers, in bytes: hashes, keys, and its places in indexes. */
const rowBytes = 512

/**
 * Keeps the answer to a write, in its transaction: of several at once under the same key one is done.
 *
 * @returns the bytes that it takes.
 */
export async function keepAnswer(
  transaction: Transaction,
  { accountKey }: Caller,
  kept: { retry: Retry; answer: Answer },
): Promise<number> {
  const { keyHash, requestHash } = kept.retry
  const { status, text, isSecret } = kept.answer
  const headers = JSON.stringify(kept.answer.headers)
  const body = isSecret ? null : text
  const bytes = rowBytes + Buffer.byteLength(headers) + Buffer.byteLength(body ?? '')
  const expiresAt = Date.now() + answerMemory
  const row = [accountKey, keyHash, requestHash, status, headers, body, expiresAt, bytes]
  await transaction.run(insertKept, ...row)
  return bytes
}

/** Removes some answers whose time is over, if there are any. */
export function forgetOldAnswers(database: Database): Promise<void> {
  return expiry.tidy(database, answerMemory)
}
