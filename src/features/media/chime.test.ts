import { describe, expect, it } from 'vitest'
import { gather } from '../../documents/upload.ts'
import { examine } from '../announcements/wave.ts'
import { makeChime } from './chime.ts'

describe('the chime', () => {
  it('is a file that every switch can play, and the same each time', async () => {
    const upload = await gather(makeChime().read(), 'content', 100_000)
    expect((await examine(upload)).flaw).toBeUndefined()
    expect(makeChime().sha256).toBe(makeChime().sha256)
  })

  it('is never too loud, and ends in silence', async () => {
    const bytes = Buffer.concat(await Array.fromAsync(makeChime().read()))
    const samples = new Int16Array(
      bytes.buffer.slice(bytes.byteOffset + 44, bytes.byteOffset + bytes.length),
    )
    const peak = Math.max(...samples.map(Math.abs))
    expect(peak).toBeGreaterThan(6_000)
    expect(peak).toBeLessThan(20_000)
    expect(Math.abs(samples.at(-1) ?? 1)).toBeLessThan(10)
  })
})
