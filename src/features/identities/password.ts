import { availableParallelism } from 'node:os'
import { hash, verify } from '@node-rs/argon2'
import Type from 'typebox'
import { secret } from '../../documents/vocabulary.ts'
import type { Client } from '../../http/clients.ts'
import { createFairLine } from '../../http/fair-line.ts'

/** The library's enum cannot be imported under `verbatimModuleSyntax`. */
const argon2id = 2

/** OWASP's password storage cheat sheet: argon2id with 19 MiB, two passes, one lane. */
const parameters = {
  algorithm: argon2id,
  memoryCost: 19_456,
  timeCost: 2,
  parallelism: 1,
} as const

/** Longer texts only cost time to hash; shorter ones are guessed (NIST SP 800-63B asks for at least 8). */
export const NewPassword = Type.String({
  minLength: 8,
  maxLength: 128,
  description: 'Used as given, neither trimmed nor normalised; never shown.',
})

export const Password = Type.Optional(secret(NewPassword))

/** A hash that no password has, so that a missing user costs the time of a wrong password. */
const nobody = hash(crypto.randomUUID(), parameters)

/** The dear work, which only a turn hands out: each takes a processor for about 15 ms. */
export interface Passwords {
  hash(password: string): Promise<string>
  /** Whether the hash is the password's; nobody has the password of null and undefined. */
  verify(passwordHash: string | null | undefined, password: string): Promise<boolean>
}

const passwords: Passwords = {
  hash: (password) => hash(password, parameters),
  async verify(passwordHash, password) {
    const isRight = await verify(passwordHash ?? (await nobody), password)
    return isRight && typeof passwordHash === 'string'
  },
}

/** Node.js has four threads for slow work; files and host names need one as well. */
const hashingThreads = 3

/** A line is worked off in about a second, that of one payer in half a second. */
const line = createFairLine({
  atOnce: Math.min(availableParallelism(), hashingThreads),
  waitingMax: 128,
  waitingEachMax: 64,
})

/**
 * Does work on passwords when the client's turn comes.
 *
 * @throws Refusal 503 when too many are waiting; nothing was done then.
 */
export function withPasswords<Result>(
  client: Client,
  work: (passwords: Passwords) => Promise<Result>,
): Promise<Result> {
  return line.run(client, () => work(passwords))
}

/** The write's part of a document's password: its hash. */
export async function hashSecrets(
  { password }: Record<string, string>,
  { client }: { client: Client },
): Promise<Record<string, string>> {
  if (password === undefined) return {}
  return { passwordHash: await withPasswords(client, ({ hash }) => hash(password)) }
}
