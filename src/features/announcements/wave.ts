import { createHash } from 'node:crypto'
import { fileTypeFromBuffer } from 'file-type'
import { parseBuffer } from 'music-metadata'
import { Upload } from '../../documents/upload.ts'

/** What every switch can play. */
const codecs: Record<string, { name: string; bits: number }> = {
  PCM: { name: 'PCM', bits: 16 },
  ALAW: { name: 'A-law', bits: 8 },
  MULAW: { name: 'µ-law', bits: 8 },
}
const sampleRates = [8_000, 16_000]
/** What a recording must be. */
export const expectedAudio = 'WAVE with PCM 16-bit, A-law or µ-law, mono at 8 or 16 kHz'

/** A file that was examined. */
export class Recording extends Upload {
  readonly sha256: string
  /** Why not every switch could play it. */
  readonly flaw: string | undefined

  constructor(upload: Upload, flaw: string | undefined) {
    super(upload.pieces)
    const hash = createHash('sha256')
    for (const piece of upload.pieces) hash.update(piece)
    this.sha256 = hash.digest('hex')
    this.flaw = flaw
  }
}

interface Chunk {
  start: number
  size: number
}

class Damage extends Error {}

/** All that is looked at to name another kind of file, in bytes. */
const magicBytes = 4_096

/** How files begin that are so near to ours that the library does not tell them apart, or does not know them. */
const relatives: Record<string, string> = {
  RIFX: 'RIFX, which is WAVE with its numbers the other way round',
  RF64: 'RF64, which is WAVE for more than 4 GB',
  '.snd': 'audio/basic',
  UklG: 'base64 text, where a form brings the file as it is',
}

/** Real files have a handful. */
const chunksMax = 1_000

/**
 * What writes to a pipe learns the size only when it can no longer write the header, and leaves 0, or nearly the most that
 * fits. Such a file is refused: nobody could tell a whole one from one that was cut off.
 */
const untoldSizeMin = 0x7fff_0000

function refuseUntold(size: number, what: string): void {
  if (size > 0 && size < untoldSizeMin) return
  throw new Damage(
    `a ${what} without its size (${size}), as a program leaves it that writes to a pipe: let it write to a file`,
  )
}

/**
 * Where the chunks of a RIFF file lie. The library reads headers and trusts their sizes, so these are compared with the
 * file's first: a switch that plays what a header promises would play noise or stop.
 *
 * @throws Damage when they are not what the file holds.
 */
function findChunks(upload: Upload): Map<string, Chunk> {
  const size = upload.slice(4, 8).readUInt32LE()
  refuseUntold(size, 'RIFF header')
  const told = size + 8
  // Not every program counts the byte that pads an odd chunk at the end.
  if (told !== upload.size && told + 1 !== upload.size) {
    const why = told > upload.size ? ': it was cut off' : ''
    throw new Damage(`a header that tells of ${told} bytes in a file of ${upload.size}${why}`)
  }
  const chunks = new Map<string, Chunk>()
  let at = 12
  for (let count = 0; at + 8 <= upload.size; count += 1) {
    const header = upload.slice(at, at + 8)
    const id = header.toString('latin1', 0, 4).replaceAll(/[^ -~]/g, '?')
    const chunk = { start: at + 8, size: header.readUInt32LE(4) }
    const left = upload.size - chunk.start
    if (id === 'data' && left > 0) refuseUntold(chunk.size, "'data' chunk")
    if (chunk.size > left) {
      throw new Damage(`a '${id}' chunk that tells of ${chunk.size} bytes where ${left} follow`)
    }
    if ((id === 'fmt ' || id === 'data') && chunks.has(id)) throw new Damage(`two '${id}' chunks`)
    if (count === chunksMax) throw new Damage(`more than ${chunksMax} chunks`)
    chunks.set(id, chunk)
    at = chunk.start + chunk.size + (chunk.size % 2)
  }
  if (at < upload.size) throw new Damage(`${upload.size - at} bytes after the last chunk`)
  return chunks
}

/** The part of an extensible format's GUID that follows the format tag. */
const subformatTail = Buffer.from('000000001000800000aa00389b71', 'hex')
const extensible = 0xfffe
const formatBytesMax = 40

/** A WAVE file without audio, with the format of the given one: all that the library needs to read. */
function excerpt(upload: Upload, { start, size }: Chunk): Buffer {
  const format = upload.slice(start, start + Math.min(size, formatBytesMax))
  const isExtensible =
    format.length === formatBytesMax &&
    format.readUInt16LE() === extensible &&
    format.subarray(26).equals(subformatTail)
  // Some programs write the simple formats in this longer form as well.
  if (isExtensible) format.copy(format, 0, 24, 26)
  const file = Buffer.alloc(20 + format.length)
  file.write('RIFF\0\0\0\0WAVEfmt ', 'latin1')
  file.writeUInt32LE(file.length - 8, 4)
  file.writeUInt32LE(format.length, 16)
  format.copy(file, 20)
  return file
}

interface Audio {
  /** As the library calls it. */
  codec: string
  bits: number
  /** Samples a second. */
  rate: number
  channels: number
}

function isPlayable({ codec, bits, rate, channels }: Audio): boolean {
  return codecs[codec]?.bits === bits && channels === 1 && sampleRates.includes(rate)
}

function describe({ codec, bits, rate, channels }: Audio): string {
  const name = codecs[codec]?.name ?? codec.replaceAll('_', ' ')
  const isTold = bits > 0 && (codec === 'PCM' || bits !== codecs[codec]?.bits)
  const width = isTold ? ` ${bits}-bit` : ''
  const sides = { 1: 'mono', 2: 'stereo' }[channels] ?? `with ${channels} channels`
  return `${name}${width} ${sides} at ${rate / 1_000} kHz`
}

/** @throws Damage when the format chunk is none. */
async function readFormat(upload: Upload, chunk: Chunk): Promise<Audio> {
  const { format } = await parseBuffer(excerpt(upload, chunk), 'audio/wav').catch(() => {
    throw new Damage("a damaged 'fmt ' chunk")
  })
  const { codec = '', bitsPerSample: bits = 0, sampleRate: rate = 0 } = format
  return { codec, bits, rate, channels: format.numberOfChannels ?? 0 }
}

/** What kind of file it is that is no WAVE. */
async function nameOther(upload: Upload): Promise<string> {
  if (upload.size === 0) return 'an empty file'
  const relative = relatives[upload.slice(0, 4).toString('latin1')]
  if (relative) return relative
  const type = await fileTypeFromBuffer(upload.slice(0, magicBytes)).catch(() => undefined)
  return type?.mime ?? 'no audio file'
}

/** What of a playable format's header contradicts it: switches read one or the other. */
function findContradiction(header: Buffer, { bits, rate }: Audio): string | undefined {
  const bytesPerSecond = header.readUInt32LE(8)
  const frameBytes = header.readUInt16LE(12)
  const isLong = header.length === formatBytesMax && header.readUInt16LE() === extensible
  const validBits = isLong ? header.readUInt16LE(18) : bits
  if (frameBytes * 8 !== bits) return `samples of ${bits} bits that take ${frameBytes} bytes each`
  if (bytesPerSecond !== rate * frameBytes) {
    return `a header that tells of ${bytesPerSecond} bytes a second where ${rate * frameBytes} are`
  }
  return validBits === bits ? undefined : `samples of ${bits} bits of which ${validBits} are used`
}

/** What was found where it is not what is expected. */
async function findFlaw(upload: Upload): Promise<string | undefined> {
  const start = upload.slice(0, 12).toString('latin1')
  const isWave = upload.size >= 12 && start.startsWith('RIFF') && start.endsWith('WAVE')
  if (!isWave) return nameOther(upload)
  const chunks = findChunks(upload)
  const [format, data] = [chunks.get('fmt '), chunks.get('data')]
  if (!format) return "no 'fmt ' chunk"
  if (!data) return "no 'data' chunk"
  if (format.start > data.start) return "the 'fmt ' chunk after the audio"
  const audio = await readFormat(upload, format)
  if (!isPlayable(audio)) return describe(audio)
  if (data.size === 0) return 'no audio in it'
  const header = upload.slice(format.start, format.start + Math.min(format.size, formatBytesMax))
  const contradiction = findContradiction(header, audio)
  if (contradiction) return contradiction
  return data.size % (audio.bits / 8) === 0 ? undefined : 'audio that ends within a sample'
}

/** Finds out whether a file is an announcement that every switch can play. */
export async function examine(upload: Upload): Promise<Recording> {
  const found = await findFlaw(upload).catch((error: unknown) => {
    if (error instanceof Damage) return error.message
    throw error
  })
  return new Recording(upload, found && `found ${found}; expected ${expectedAudio}`)
}
