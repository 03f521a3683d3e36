import { memberKeyIn } from '../../http/place.ts'
import type { MemberPart } from '../../resources/part.ts'
import type { Write } from '../../resources/resource.ts'
import { checkNumbers, type NumberHolder, type Numbers, saveNumbers } from './numbers.ts'

/**
 * Answers to a phone number and an extension, which nobody else may have.
 *
 * @param nameOf the name of a DNIS; left out where the user or route point itself answers.
 */
export function answersTo<Value extends Numbers>(
  nameOf?: (dnis: Value) => string,
): MemberPart<Value> {
  // A DNIS that is not there yet holds nothing; no name is empty.
  const holderOf = ({ place, key }: Write<Value>, dnis: Value | undefined): NumberHolder => ({
    place,
    identityKey: memberKeyIn(key)[2],
    dnisName: nameOf ? (dnis ? nameOf(dnis) : '') : null,
  })
  return {
    check(write) {
      const { transaction, value, before, caller } = write
      return checkNumbers(transaction, holderOf(write, before), { numbers: value, caller })
    },
    // By its name at the time: rows that hold a number follow a rename when the DNIS's row is written.
    async afterRow(write) {
      const { value, before } = write
      await saveNumbers(write, holderOf(write, value), { before, after: value })
    },
  }
}
