/** In hertz: the least that an announcement may have. */
const sampleRate = 8_000
const bytesPerSample = 2
const headerBytes = 44

/** A WAVE file of silence: PCM, 16 bits, mono. */
export function silence(seconds: number): Buffer {
  const dataBytes = seconds * sampleRate * bytesPerSample
  const file = Buffer.alloc(headerBytes + dataBytes)
  file.write('RIFF', 0)
  file.writeUInt32LE(file.length - 8, 4)
  file.write('WAVEfmt ', 8)
  file.writeUInt32LE(16, 16)
  file.writeUInt16LE(1, 20)
  file.writeUInt16LE(1, 22)
  file.writeUInt32LE(sampleRate, 24)
  file.writeUInt32LE(sampleRate * bytesPerSample, 28)
  file.writeUInt16LE(bytesPerSample, 32)
  file.writeUInt16LE(bytesPerSample * 8, 34)
  file.write('data', 36)
  file.writeUInt32LE(dataBytes, 40)
  return file
}
