import type { Party } from '../../../engines/engine.ts'

/** What stands for a digit that is not kept. */
const masked = 'x'

/** Whether a name is a number, as telephones show where they know no name: digits and what people write between them. */
const isNumber = /^[\p{Nd}\p{P}\p{S}\p{Z}]*\p{Nd}[\p{Nd}\p{P}\p{S}\p{Z}]*$/u

/** A number in a name: at least six digits, with what people write between them. Fewer are a room or a street. */
const numberInName = /\p{Nd}(?:[\p{P}\p{S}\p{Z}]*\p{Nd}){5,}/gu

/** Puts `x` for the last digits of a number, and leaves all else of it as it is. */
function maskDigits(number: string, digits: number): string {
  let left = digits
  return Array.from(number)
    .reverse()
    .map((character) => {
      if (left === 0 || !/\p{Nd}/u.test(character)) return character
      left -= 1
      return masked
    })
    .reverse()
    .join('')
}

/** A caller as one is kept of whose number so many of the last digits shall not be. */
export function maskCaller({ name, number }: Party, digits: number): Party {
  return {
    name: isNumber.test(name)
      ? maskDigits(name, digits)
      : name.replaceAll(numberInName, (number) => maskDigits(number, digits)),
    number: maskDigits(number, digits),
  }
}
