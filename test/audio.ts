/** A WAVE file that every switch can play: PCM 16-bit, mono, 8 kHz, of this many seconds of silence. */
export function waveFile(seconds = 0.1): Buffer {
  const samples = Buffer.alloc(Math.round(seconds * 16_000))
  const header = Buffer.alloc(44)
  header.write('RIFF', 0)
  header.writeUInt32LE(36 + samples.length, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(1, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(8_000, 24)
  header.writeUInt32LE(16_000, 28)
  header.writeUInt16LE(2, 32)
  header.writeUInt16LE(16, 34)
  header.write('data', 36)
  header.writeUInt32LE(samples.length, 40)
  return Buffer.concat([header, samples])
}

/** The same in base64, as a JSON body carries it. */
export function wave(): string {
  return waveFile().toString('base64')
}
