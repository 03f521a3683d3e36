import { describe, expect, it } from 'vitest'
import { chunk, formatChunk, riff, waveFile } from '../../../test/audio.ts'
import { toSignedLinear } from './signed-linear.ts'

const allCodes = Uint8Array.from({ length: 256 }, (_, code) => code)
const alaw = { tag: 6, bits: 8 }
const mulaw = { tag: 7, bits: 8 }

/** The bytes in pieces of a size. */
async function* inPieces(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function convert(bytes: Buffer, size = 65_536) {
  const { rate, pieces } = await toSignedLinear(inPieces(bytes, size))
  return { rate, audio: Buffer.concat(await Array.fromAsync(pieces)) }
}

/** The samples of every code word of a law. */
async function samplesOf(format: { tag: number; bits: number }): Promise<number[]> {
  const { audio } = await convert(riff([formatChunk(format), chunk('data', allCodes)]))
  return [...new Int16Array(audio.buffer, audio.byteOffset, audio.length / 2)]
}

describe('the audio of a file', () => {
  it.each([
    ['nothing', Buffer.alloc(0)],
    ['text', Buffer.from('Welcome, and thank you for waiting.')],
    ['another RIFF file', riff([formatChunk(), chunk('data', allCodes)], 'AVI ')],
    ['audio before its format', riff([chunk('data', allCodes), formatChunk()])],
    ['no audio', riff([formatChunk()])],
    ['a format that is cut off', riff([formatChunk()]).subarray(0, 24)],
    ['a short format', riff([chunk('fmt ', Buffer.alloc(4)), chunk('data', allCodes)])],
    ['stereo', waveFile(0.1, { channels: 2 })],
    ['another rate', waveFile(0.1, { rate: 44_100 })],
    ['8 bits', waveFile(0.1, { bits: 8 })],
    ['A-law of 16 bits', waveFile(0.1, { tag: 6, bits: 16 })],
    ['another codec', waveFile(0.1, { tag: 2 })],
    ['very many chunks', riff([...Array(2_000).fill(chunk('LIST', Buffer.alloc(0)))])],
    ['a chunk beyond its end', riff([chunk('LIST', Buffer.alloc(0), 0xffff_ffff), formatChunk()])],
  ])('is not found in %s', async (_, file) => {
    await expect(convert(file)).rejects.toThrow(
      /^(?:It is no WAVE|It has another format|There is no audio in it)\.$/,
    )
  })

  it.each([
    ['8 kHz', { rate: 8_000 }],
    ['16 kHz', { rate: 16_000 }],
    ['8 kHz, in the long form', { rate: 8_000, tag: 0xfffe }],
  ])('is as it is where it is PCM at %s', async (_, format) => {
    const file = waveFile(1, format)
    const { rate, audio } = await convert(file)
    expect(rate).toBe(format.rate)
    expect(audio.equals(file.subarray(-2 * rate))).toBe(true)
  })

  // ITU-T G.711: the decision values at the ends and the middle, and that each law is odd and rises.
  it('is decoded from A-law', async () => {
    const samples = await samplesOf(alaw)
    const at = [0xd5, 0x55, 0xd4, 0xc5, 0xaa, 0x2a, 0x80, 0xab].map((code) => samples[code])
    expect(at).toEqual([8, -8, 24, 264, 32_256, -32_256, 5_504, 31_232])
    const rising = [...allCodes.subarray(128)].map((code) => samples[code ^ 0x55] ?? 0)
    expect(rising).toEqual(rising.toSorted((one, other) => one - other))
    for (const code of allCodes) expect(samples[code]).toBe(-(samples[code ^ 0x80] ?? 0))
  })

  it('is decoded from µ-law', async () => {
    const samples = await samplesOf(mulaw)
    const at = [0xff, 0xfe, 0x7e, 0xef, 0x80, 0x00, 0xbc, 0x3c].map((code) => samples[code])
    expect(at).toEqual([0, 8, -8, 132, 32_124, -32_124, 2_364, -2_364])
    const rising = [...allCodes.subarray(0, 128)].map((code) => samples[code] ?? 0)
    expect(rising).toEqual(rising.toSorted((one, other) => one - other))
  })

  it.each([1, 3, 7, 64])('is the same from pieces of %i bytes', async (size) => {
    const padded = chunk('LIST', Buffer.alloc(33))
    const file = riff([padded, formatChunk(mulaw), padded, chunk('data', allCodes), padded])
    expect(await convert(file, size)).toEqual(await convert(file))
  })

  it('is what there is where the header promises more', async () => {
    const file = riff([formatChunk(), chunk('data', allCodes, 0xffff_fffe)])
    expect((await convert(file)).audio).toEqual(Buffer.from(allCodes))
  })

  it('is read piece by piece', async () => {
    let read = 0
    async function* endless() {
      yield riff([formatChunk(), chunk('data', Buffer.alloc(0), 0x7fff_0000)])
      for (; ; read += 1) yield Buffer.alloc(1_024)
    }
    const { pieces } = await toSignedLinear(endless())
    let taken = 0
    for await (const _ of pieces) {
      taken += 1
      expect(read).toBeLessThanOrEqual(taken)
      if (taken === 100) break
    }
    expect(taken).toBe(100)
  })
})
