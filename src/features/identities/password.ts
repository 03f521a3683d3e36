import { hash, verify } from '@node-rs/argon2'
import Type from 'typebox'
import { secret } from '../../documents/vocabulary.ts'

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

export function hashPassword(password: string): Promise<string> {
  return hash(password, parameters)
}

/** A hash that no password has, so that a missing user costs the time of a wrong password. */
const nobody = hashPassword(crypto.randomUUID())

export async function verifyPassword(
  passwordHash: string | null | undefined,
  password: string,
): Promise<boolean> {
  const isRight = await verify(passwordHash ?? (await nobody), password)
  return isRight && typeof passwordHash === 'string'
}

/** The write's part of a document's password: its hash. */
export async function hashSecrets(
  secrets: Record<string, string>,
): Promise<Record<string, string>> {
  const { password } = secrets
  return password === undefined ? {} : { passwordHash: await hashPassword(password) }
}
