import { fold, type Members } from '../../documents/normalise.ts'
import { type Fault, invalid } from '../../errors.ts'
import type { Part } from '../../resources/part.ts'
import type { Write } from '../../resources/resource.ts'
import { checkIdentity, removeIdentity, saveIdentity } from './identities.ts'
import { hashSecrets } from './password.ts'

/** Whoever finds a token or an open session must not make a lasting way in of it. */
function checkOwnPassword({ prepared, caller }: Write<unknown>, identityKey: string): Fault[] {
  if (prepared.passwordHash === undefined || identityKey !== caller.identityKey) return []
  const message =
    'Change your own password with POST /api/v1/password/, which asks for the old one.'
  return [invalid('password', message)]
}

interface SignIn<Value> {
  /** The member that names whoever signs in. */
  id: keyof Value & string
  /** Null for what has a SIP address and cannot sign in. */
  level(value: Value): number | null
  /** The department that bounds what they write. */
  boundTo?(value: Value): string | undefined
}

/** Has an identity, by which it signs in and is called: with a document's row it comes and goes. */
export function signsIn<Value extends Members>({ id, level, boundTo }: SignIn<Value>): Part<Value> {
  const idOf = (value: Value) => String(value[id])
  return {
    prepare: hashSecrets,
    async check(write) {
      const identityId = idOf(write.value)
      return write.before
        ? checkOwnPassword(write, fold(identityId))
        : checkIdentity(write, id, identityId)
    },
    async beforeRow(write) {
      const { place, value, before, prepared } = write
      const identity = {
        identityId: idOf(value),
        level: level(value),
        tenantKey: place.tenantKey ?? null,
        groupKey: place.groupKey ?? null,
        departmentName: boundTo?.(value) ?? null,
      }
      const options = { isNew: before === undefined, passwordHash: prepared.passwordHash }
      await saveIdentity(write, identity, options)
    },
    afterRemoval: (write) => removeIdentity(write, fold(idOf(write.value))),
  }
}
