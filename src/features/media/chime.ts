import { createHash } from 'node:crypto'
import type { MediaSource } from './make-file.ts'

/** Samples a second, as telephone calls have. */
const rate = 8_000
const seconds = 2.4

/** Three notes that go down, as before an announcement in a station: when each begins, in seconds, and its hertz. */
const notes = [
  [0, 659.3],
  [0.45, 523.3],
  [0.9, 392],
] as const

/** A quarter of full scale: not louder than speech. */
const loudness = 8_192

/** How long it takes a note to fall to a third, in seconds. */
const decaySeconds = 0.5

function sampleAt(time: number): number {
  const parts = notes.map(([start, hertz]) => {
    const since = time - start
    if (since < 0) return 0
    // A note that began at once would click.
    const rise = Math.min(since / 0.01, 1)
    return rise * Math.exp(-since / decaySeconds) * Math.sin(2 * Math.PI * hertz * since)
  })
  // As the end comes all is silent.
  const fall = Math.min((seconds - time) / 0.1, 1)
  return Math.round(loudness * fall * parts.reduce((sum, part) => sum + part, 0))
}

/** A WAVE file of 16-bit samples. */
function waveOf(samples: Int16Array): Buffer {
  const header = Buffer.alloc(44)
  header.write('RIFF', 0)
  header.writeUInt32LE(36 + samples.byteLength, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(rate, 24)
  header.writeUInt32LE(2 * rate, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36)
  header.writeUInt32LE(samples.byteLength, 40)
  return Buffer.concat([header, new Uint8Array(samples.buffer)])
}

/** What is heard as an announcement where none was chosen: it tells a caller that something happens, in no language. */
export function makeChime(): MediaSource {
  const samples = Int16Array.from({ length: seconds * rate }, (_, at) => sampleAt(at / rate))
  const bytes = waveOf(samples)
  return {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    async *read() {
      yield bytes
    },
  }
}
