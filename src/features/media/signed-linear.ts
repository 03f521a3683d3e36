import { Buffer } from 'node:buffer'

/** Audio as engines play it from a file: samples of 16 bits, the lower byte first, and nothing else. */
export interface SignedLinear {
  /** Samples a second. */
  rate: number
  /** Read once. */
  pieces: AsyncIterable<Uint8Array>
}

/** What a file is that cannot be played. */
export class Unplayable extends Error {}

/** The most that is held of a file at a time, besides the piece that it comes in. */
const headerBytesMax = 64

/** Real files have a handful. */
const chunksMax = 1_000

/** A file that comes in pieces, taken in order. */
class Source {
  readonly #pieces: AsyncIterator<Uint8Array>
  #held: Uint8Array = new Uint8Array()

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]()
  }

  /** Up to `count` bytes as they come; none only at the end. */
  async some(count: number): Promise<Uint8Array> {
    while (this.#held.length === 0) {
      const { value, done } = await this.#pieces.next()
      if (done) return this.#held
      this.#held = value
    }
    const taken = this.#held.subarray(0, count)
    this.#held = this.#held.subarray(taken.length)
    return taken
  }

  /** The next `count` bytes as they come, fewer where the file ends before. */
  async *next(count: number): AsyncGenerator<Uint8Array, void> {
    for (let left = count; left > 0; ) {
      const taken = await this.some(left)
      if (taken.length === 0) return
      left -= taken.length
      yield taken
    }
  }

  /** The next `count` bytes in one; undefined where the file ends before. */
  async whole(count: number): Promise<Buffer | undefined> {
    const parts: Uint8Array[] = []
    for await (const part of this.next(count)) parts.push(part)
    const bytes = Buffer.concat(parts)
    return bytes.length === count ? bytes : undefined
  }

  async skip(count: number): Promise<void> {
    for await (const _ of this.next(count));
  }
}

/** The sample of an A-law code word (ITU-T G.711, table 1), of 13 bits, in the upper ones of 16. */
function fromAlaw(code: number): number {
  const word = code ^ 0x55
  const segment = (word >> 4) & 7
  const step = ((word & 15) << 4) + 8
  const size = segment === 0 ? step : (step + 256) << (segment - 1)
  return word & 0x80 ? size : -size
}

/** The sample of a µ-law code word (ITU-T G.711, table 2), of 14 bits, in the upper ones of 16. */
function fromMulaw(code: number): number {
  const word = ~code
  const size = ((((word & 15) << 3) + 132) << ((word >> 4) & 7)) - 132
  return word & 0x80 ? -size : size
}

/** The two bytes of each code word's sample. */
function tableOf(decode: (code: number) => number): Buffer {
  const table = Buffer.alloc(512)
  for (let code = 0; code < 256; code += 1) table.writeInt16LE(decode(code), code * 2)
  return table
}

/** By the tag of the format: nothing where samples are as they shall be. */
const tables: Readonly<Record<number, Buffer | undefined>> = {
  1: undefined,
  6: tableOf(fromAlaw),
  7: tableOf(fromMulaw),
}

const extensible = 0xfffe

interface Format {
  tag: number
  rate: number
}

function readFormat(chunk: Buffer): Format {
  const told = chunk.readUInt16LE(0)
  const tag = told === extensible && chunk.length >= 26 ? chunk.readUInt16LE(24) : told
  const format = { tag, rate: chunk.readUInt32LE(4) }
  const bits = chunk.readUInt16LE(14)
  const isKnown = Object.hasOwn(tables, tag) && bits === (tag === 1 ? 16 : 8)
  if (isKnown && chunk.readUInt16LE(2) === 1 && [8_000, 16_000].includes(format.rate)) return format
  throw new Unplayable('It has another format.')
}

/** Goes to the audio; what follows it is never read. */
async function findAudio(source: Source): Promise<Format & { bytes: number }> {
  const start = (await source.whole(12))?.toString('latin1')
  if (!start?.startsWith('RIFF') || !start.endsWith('WAVE')) throw new Unplayable('It is no WAVE.')
  let format: Format | undefined
  for (let count = 0; count < chunksMax; count += 1) {
    const header = await source.whole(8)
    if (!header) break
    const id = header.toString('latin1', 0, 4)
    const size = header.readUInt32LE(4)
    if (id === 'data' && format) return { ...format, bytes: size }
    const held = id === 'fmt ' ? Math.min(size, headerBytesMax) : 0
    const chunk = await source.whole(held)
    if (chunk && chunk.length >= 16) format = readFormat(chunk)
    await source.skip(size - held + (size % 2))
  }
  throw new Unplayable('There is no audio in it.')
}

/** @param table the two bytes of each byte's sample. */
function decode(coded: Uint8Array, table: Buffer): Buffer {
  const samples = Buffer.allocUnsafe(coded.length * 2)
  for (let at = 0; at < coded.length; at += 1) {
    const from = (coded[at] ?? 0) * 2
    samples[at * 2] = table[from] ?? 0
    samples[at * 2 + 1] = table[from + 1] ?? 0
  }
  return samples
}

async function* audioOf(
  source: Source,
  { tag, bytes }: Format & { bytes: number },
): AsyncGenerator<Uint8Array, void> {
  const table = tables[tag]
  for await (const piece of source.next(bytes)) yield table ? decode(piece, table) : piece
}

/**
 * The audio of a WAVE file that `examine()` of the announcements found playable, piece by piece: as much is in memory as one
 * piece takes. What a header promises beyond the end of the file is passed over.
 *
 * @throws Unplayable for any other file.
 */
export async function toSignedLinear(pieces: AsyncIterable<Uint8Array>): Promise<SignedLinear> {
  const source = new Source(pieces)
  const audio = await findAudio(source)
  return { rate: audio.rate, pieces: audioOf(source, audio) }
}
