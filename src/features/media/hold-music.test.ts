import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { gather } from '../../documents/upload.ts'
import { examine } from '../announcements/wave.ts'
import { readHoldMusic } from './hold-music.ts'
import { toSignedLinear } from './signed-linear.ts'

const root = join(import.meta.dirname, '..', '..', '..')

/** As a share of the largest sample. */
const decibels = (share: number) => 20 * Math.log10(share)

describe('the hold music', () => {
  let samples: Float64Array
  beforeAll(async () => {
    const { pieces } = await toSignedLinear((await readHoldMusic()).read())
    const { buffer, byteOffset, length } = Buffer.concat(await Array.fromAsync(pieces))
    samples = Float64Array.from(
      new Int16Array(buffer, byteOffset, length / 2),
      (one) => one / 32_768,
    )
  })

  it('is what the script makes, so that it is nobody else’s', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pointsman-music-'))
    const made = join(folder, 'made.wav')
    await promisify(execFile)(process.execPath, [join(root, 'scripts', 'hold-music.ts'), made])
    const kept = await readFile(join(import.meta.dirname, 'hold-music.wav'))
    expect((await readFile(made)).equals(kept)).toBe(true)
    await rm(folder, { recursive: true })
  })

  it('is a file that every switch can play', async () => {
    const upload = await gather((await readHoldMusic()).read(), 'content', 500_000)
    expect((await examine(upload)).flaw).toBeUndefined()
  })

  it('is as loud as speech, and never too loud', () => {
    const power = samples.reduce((sum, one) => sum + one * one, 0) / samples.length
    expect(decibels(Math.sqrt(power))).toBeCloseTo(-20, 1)
    const peak = samples.reduce((most, one) => Math.max(most, Math.abs(one)), 0)
    expect(decibels(peak)).toBeLessThan(-6)
    expect(Math.abs(samples.reduce((sum, one) => sum + one, 0) / samples.length)).toBeLessThan(
      0.001,
    )
  })

  it('goes on at its end as if it had none', () => {
    const steps = samples.map((one, at) =>
      Math.abs((samples[(at + 1) % samples.length] ?? 0) - one),
    )
    const ordinary = steps.toSorted()[Math.floor(steps.length * 0.99)] ?? 0
    expect(steps.at(-1)).toBeLessThan(ordinary)
    expect(samples.length / 8_000).toBe(48)
  })
})
