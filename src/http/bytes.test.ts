import { describe, expect, it } from 'vitest'
import { readRange } from './bytes.ts'

describe('a range of bytes', () => {
  it.each([
    ['bytes=100-', 'unsatisfiable'],
    ['bytes=100-200', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=99999999999999999999-', 'unsatisfiable'],
    // Not understood, so the whole is answered.
    [undefined, undefined],
    ['', undefined],
    ['bytes', undefined],
    ['bytes=', undefined],
    ['bytes=-', undefined],
    ['bytes=a-b', undefined],
    ['bytes=5-4', undefined],
    ['bytes=-1-2', undefined],
    ['lines=0-1', undefined],
    ['bytes=0-1,5-6', undefined],
    ['bytes=0-0', [0, 0]],
    ['bytes=0-', [0, 99]],
    ['bytes=99-', [99, 99]],
    ['bytes=10-19', [10, 19]],
    ['bytes=10-1000', [10, 99]],
    ['bytes=-1', [99, 99]],
    ['bytes=-100', [0, 99]],
    ['bytes=-1000', [0, 99]],
    ['Bytes=0-9', [0, 9]],
  ] as const)('of 100, asked for by %s, is %j', (header, expected) => {
    const [first, last] = Array.isArray(expected) ? expected : []
    expect(readRange(header, 100)).toEqual(first === undefined ? expected : { first, last })
  })
})
