import { hash } from 'node:crypto'
import { networkOf } from '../../addresses.ts'
import { type Database, sql, type Transaction } from '../../database/database.ts'
import { Refusal } from '../../errors.ts'
import { defineExpiry } from '../../writes/expiry.ts'

interface Policy {
  /** Attempts in a row that wait for nothing. */
  free: number
  /** Longest wait, in seconds. */
  secondsMax: number
}

/**
 * A guesser at one address soon waits long, and keeps nobody else out. One with many addresses makes the account slow
 * for everyone but those at an address from which it was signed in to before: a guesser who takes every turn would
 * otherwise lock the owner out.
 */
const policies = {
  address: { free: 10, secondsMax: 900 },
  account: { free: 50, secondsMax: 30 },
} as const satisfies Record<string, Policy>

/** How long a row of attempts is remembered, in milliseconds. */
const memory = 24 * 60 * 60 * 1_000

/** How long an address is known after a sign-in from it, in milliseconds. */
const addressMemory = 30 * 24 * 60 * 60 * 1_000

const expiry = defineExpiry({ name: 'sign_in_attempts', key: ['attempt_key'] }, 'forget_at')
const selectAttempts = sql<{ failures: number; retry_at: number; forget_at: number }>(
  'SELECT failures, retry_at, forget_at FROM sign_in_attempts WHERE attempt_key = ?',
)
const countAttempt = sql(
  `INSERT INTO sign_in_attempts (attempt_key, failures, retry_at, forget_at) VALUES (?, 1, ?, ?)
   ON CONFLICT (attempt_key) DO UPDATE SET
     failures = sign_in_attempts.failures + 1,
     retry_at = excluded.retry_at, forget_at = excluded.forget_at`,
)
const updateTimes = sql(
  'UPDATE sign_in_attempts SET retry_at = ?, forget_at = ? WHERE attempt_key = ?',
)
const deleteAttempts = sql('DELETE FROM sign_in_attempts WHERE attempt_key = ?')

/** Names are hashed: what people type there by mistake is often their password. */
function keyOf(text: string): string {
  return hash('sha256', text, 'base64url')
}

/** By what an account is known where its name must not stand. */
export function accountHash(identityKey: string): string {
  return keyOf(`account ${identityKey}`)
}

function attemptKeys(identityKey: string, address: string) {
  const network = networkOf(address)
  return {
    address: keyOf(`address ${network} ${identityKey}`),
    account: accountHash(identityKey),
    known: keyOf(`known ${network} ${identityKey}`),
  }
}

/** Milliseconds to wait after this many attempts in a row. */
function waitAfter(failures: number, { free, secondsMax }: Policy): number {
  if (failures < free) return 0
  return Math.min(2 ** (failures - free), secondsMax) * 1_000
}

/** A row of failures, and for how many milliseconds it still makes the next attempt wait. */
interface Row {
  key: string
  policy: Policy
  failures: number
  wait: number
}

/** Reads a row. Times that are further away than they can be are a wrong clock's, and are set right. */
async function readRow(transaction: Transaction, key: string, policy: Policy): Promise<Row> {
  const now = Date.now()
  const row = await transaction.get(selectAttempts, key)
  if (!row) return { key, policy, failures: 0, wait: 0 }
  const { failures, retry_at, forget_at } = row
  const wait = Math.min(Math.max(retry_at - now, 0), waitAfter(failures, policy))
  if (retry_at - now > wait || forget_at - now > memory) {
    await transaction.run(updateTimes, now + wait, now + memory, key)
  }
  return { key, policy, failures, wait }
}

async function countFailure(transaction: Transaction, { key, policy, failures }: Row) {
  const now = Date.now()
  await transaction.run(countAttempt, key, now + waitAfter(failures + 1, policy), now + memory)
}

/**
 * Counts an attempt as failed before its password is looked at, so that many at once are no way around the wait.
 *
 * @returns how many there are in a row then, where they are counted that decide how long the next one waits.
 * @throws Refusal 429 while an earlier row of failures makes this one wait.
 */
export async function admitAttempt(
  database: Database,
  identityKey: string,
  address: string,
): Promise<number> {
  const keys = attemptKeys(identityKey, address)
  const { wait, failures } = await expiry.write(database, addressMemory, async (transaction) => {
    const rows = [await readRow(transaction, keys.address, policies.address)]
    if (!(await transaction.get(selectAttempts, keys.known))) {
      rows.push(await readRow(transaction, keys.account, policies.account))
    }
    const longest = Math.max(...rows.map((row) => row.wait))
    if (longest === 0) for (const row of rows) await countFailure(transaction, row)
    return { wait: longest, failures: Math.max(...rows.map((row) => row.failures)) + 1 }
  })
  if (wait === 0) return failures
  const seconds = Math.ceil(wait / 1_000)
  throw new Refusal(
    [{ code: 429, message: `Too many attempts to sign in; try again in ${seconds} s.` }],
    { 'retry-after': String(seconds) },
  )
}

/** A right password ends the row of failures and makes the address known. */
export async function acceptAttempt(
  transaction: Transaction,
  identityKey: string,
  address: string,
): Promise<void> {
  const keys = attemptKeys(identityKey, address)
  await transaction.run(deleteAttempts, keys.address)
  await transaction.run(deleteAttempts, keys.account)
  await transaction.run(countAttempt, keys.known, 0, Date.now() + addressMemory)
}
