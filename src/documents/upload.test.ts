import { describe, expect, it } from 'vitest'
import { fromBase64, gather, pieceBytes } from './upload.ts'

const bytesMax = 3 * pieceBytes

function pattern(size: number): Buffer {
  return Buffer.from(Array.from({ length: size }, (_, index) => (index * 31 + (index >> 8)) % 256))
}

/** Cut as a network would cut it. */
function* cut(bytes: Buffer, size: number): Iterable<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const sizes = [0, 1, pieceBytes - 1, pieceBytes, pieceBytes + 1, bytesMax - 1, bytesMax]

describe('an uploaded file', () => {
  it('is refused as soon as it is too large, with what was too large', async () => {
    let taken = 0
    function* endless() {
      for (;;) {
        taken += 1
        yield Buffer.alloc(1_000)
      }
    }
    const refusal = {
      faults: [{ code: 413, parameter: 'content', message: expect.stringContaining('196608') }],
      headers: { connection: 'close' },
    }
    await expect(gather(endless(), 'content', bytesMax)).rejects.toMatchObject(refusal)
    expect(taken).toBe(Math.floor(bytesMax / 1_000) + 1)
    const text = pattern(bytesMax + 1).toString('base64')
    expect(() => fromBase64(text, 'content', bytesMax)).toThrow(expect.objectContaining(refusal))
  })

  it.each([
    '',
    '=',
    '====',
    'A',
    'AAA',
    'AA=A',
    'AAAA====',
    'not base64',
    'AAA_',
    'AAA-',
    'data:audio/wav;base64,AAAA',
    'AAAA\u0000AAA',
  ])('is not %j', (text) => {
    expect(fromBase64(text, 'content', bytesMax)).toBeUndefined()
  })

  it.each(sizes)('of %i bytes is whole, however it was cut on the way', async (size) => {
    const bytes = pattern(size)
    for (const step of [1_000, 4_093, pieceBytes, pieceBytes + 7, bytesMax]) {
      const { pieces, size: told } = await gather(cut(bytes, step), 'content', bytesMax)
      expect(told).toBe(size)
      expect(Buffer.concat(pieces).equals(bytes)).toBe(true)
      expect(pieces.slice(0, -1).every((piece) => piece.length === pieceBytes)).toBe(true)
    }
  })

  it.each(sizes.slice(1))('of %i bytes is the one that its base64 tells', (size) => {
    const bytes = pattern(size)
    const text = bytes.toString('base64')
    for (const given of [
      text,
      text.replaceAll(/.{76}/g, '$&\r\n'),
      ` ${text}\n`,
      [...text].join(' '),
    ]) {
      const upload = fromBase64(given, 'content', bytesMax)
      expect(Buffer.concat(upload?.pieces ?? []).equals(bytes)).toBe(true)
    }
  })

  it('gives every part of itself', async () => {
    const bytes = pattern(2 * pieceBytes + 100)
    const upload = await gather([bytes], 'content', bytesMax)
    const positions = [0, 1, 12, pieceBytes - 1, pieceBytes, pieceBytes + 5, 2 * pieceBytes + 99]
    for (const start of positions) {
      for (const length of [0, 1, 8, pieceBytes, bytesMax]) {
        const expected = bytes.subarray(start, start + length)
        expect(upload.slice(start, start + length).equals(expected), `${start} ${length}`).toBe(
          true,
        )
      }
    }
    expect(upload.slice(bytes.length, bytes.length + 1)).toHaveLength(0)
  })
})
