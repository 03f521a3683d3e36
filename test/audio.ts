import { createHash } from 'node:crypto'

export interface WaveFormat {
  /** 1 is PCM, 6 A-law, 7 µ-law, 0xfffe tells the format by `subformat`. */
  tag: number
  subformat: number
  channels: number
  /** Samples a second. */
  rate: number
  bits: number
}

const pcm: WaveFormat = { tag: 1, subformat: 1, channels: 1, rate: 8_000, bits: 16 }

export function chunk(id: string, content: Uint8Array, told = content.length): Buffer {
  const header = Buffer.alloc(8)
  header.write(id, 'latin1')
  header.writeUInt32LE(told, 4)
  return Buffer.concat([header, content, Buffer.alloc(content.length % 2)])
}

/** A RIFF file of these chunks. */
export function riff(chunks: readonly Buffer[], type = 'WAVE'): Buffer {
  return chunk('RIFF', Buffer.concat([Buffer.from(type), ...chunks]))
}

/** A format chunk, in the long form where the tag is the extensible one. */
export function formatChunk(given: Partial<WaveFormat> = {}): Buffer {
  const { tag, subformat, channels, rate, bits } = { ...pcm, ...given }
  const format = Buffer.alloc(tag === 1 ? 16 : tag === 0xfffe ? 40 : 18)
  const frameBytes = (channels * bits) / 8
  format.writeUInt16LE(tag)
  format.writeUInt16LE(channels, 2)
  format.writeUInt32LE(rate, 4)
  format.writeUInt32LE(rate * frameBytes, 8)
  format.writeUInt16LE(frameBytes, 12)
  format.writeUInt16LE(bits, 14)
  if (tag === 0xfffe) {
    format.writeUInt16LE(22, 16)
    format.writeUInt16LE(bits, 18)
    format.writeUInt16LE(subformat, 24)
    format.write('000000001000800000aa00389b71', 26, 'hex')
  }
  return chunk('fmt ', format)
}

/** Samples that no two parts of a file have in common. */
function samples(bytes: number): Buffer {
  const blocks: Buffer[] = []
  for (let at = 0; at < bytes; at += 32) blocks.push(createHash('sha256').update(`${at}`).digest())
  return Buffer.concat(blocks).subarray(0, bytes)
}

/** A WAVE file of this many seconds; PCM 16-bit, mono, 8 kHz unless told, which every switch can play. */
export function waveFile(seconds = 0.1, given: Partial<WaveFormat> = {}): Buffer {
  const { rate, bits, channels } = { ...pcm, ...given }
  const bytes = (Math.round(seconds * rate) * bits * channels) / 8
  return riff([formatChunk(given), chunk('data', samples(bytes))])
}

/** The same in base64, as a JSON body carries it. */
export function wave(): string {
  return waveFile().toString('base64')
}
