import { describe, expect, it } from 'vitest'
import { repeated } from './repeated.ts'

describe('addresses to be played again and again', () => {
  it('are repeated in their order, as often as is wished', () => {
    expect(repeated(['a', 'b'], 3)).toEqual(['a', 'b', 'a', 'b', 'a', 'b'])
  })

  it('are repeated as often as a request can name them: 444 times of 80 characters', () => {
    expect(repeated(['x'.repeat(80)], 10_000)).toHaveLength(444)
    const media = repeated(['x'.repeat(80)], 10_000).map((one) => `sound:${one}`)
    expect(Buffer.byteLength(JSON.stringify({ media }))).toBeLessThan(40_960)
  })

  it('are measured in bytes', () => {
    expect(repeated(['ü'.repeat(40)], 10_000)).toHaveLength(444)
  })

  it('are named once at least, and not at all where there are none', () => {
    expect(repeated(['x'.repeat(50_000)], 10)).toHaveLength(1)
    expect(repeated(['a', 'b'], 0)).toEqual(['a', 'b'])
    expect(repeated([], 10)).toEqual([])
  })
})
