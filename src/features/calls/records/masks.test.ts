import { describe, expect, it } from 'vitest'
import { maskCaller } from './masks.ts'

describe('a caller whose last digits are not kept', () => {
  it.each([
    ['a number', '+3225550100', 3, '+3225550xxx'],
    ['one with signs between its digits', '02/555.01-00', 4, '02/555.xx-xx'],
    ['one that is shorter', '112', 5, 'xxx'],
    ['one in other digits', '٠١٢٣', 2, '٠١xx'],
    ['what is no number', 'anna', 4, 'anna'],
    ['none', '', 4, ''],
    ['any where all is kept', '+3225550100', 0, '+3225550100'],
  ])('has of %s what is left', (_, number, digits, kept) => {
    expect(maskCaller({ name: '', number }, digits).number).toBe(kept)
  })

  it.each([
    ['a number, as telephones show that know no name', '+32 (2) 555 01 00', '+32 (2) 555 xx xx'],
    ['a name', 'Anna Caller', 'Anna Caller'],
    ['a name with digits', 'Room 5001', 'Room 5001'],
    ['a number as an address', 'tel:+3225550100', 'tel:+322555xxxx'],
    ['a name with a number', 'Bob 02 555 01 00', 'Bob 02 555 xx xx'],
    ['none', '', ''],
  ])('keeps of a name that is %s', (_, name, kept) => {
    expect(maskCaller({ name, number: '' }, 4).name).toBe(kept)
  })
})
