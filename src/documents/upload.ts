import { Refusal } from '../errors.ts'

/** Bytes of a piece: large enough to be quick to keep one by one, small enough to be read as a stream. */
export const pieceBytes = 65_536

/** A file that a request brought, held once, in pieces of `pieceBytes`; only the last one may be shorter. */
export class Upload {
  readonly pieces: readonly Buffer[]
  /** Bytes. */
  readonly size: number

  constructor(pieces: readonly Buffer[]) {
    this.pieces = pieces
    this.size = pieces.reduce((size, piece) => size + piece.length, 0)
  }

  /** A copy of the bytes from `start` up to, not including, `end`; fewer where the file ends before. */
  slice(start: number, end: number): Buffer {
    const parts: Buffer[] = []
    for (let at = start; at < Math.min(end, this.size); ) {
      const offset = at % pieceBytes
      const part = this.pieces[Math.floor(at / pieceBytes)]?.subarray(offset, offset + end - at)
      if (part === undefined) break
      parts.push(part)
      at += part.length
    }
    return Buffer.concat(parts)
  }
}

function tooLarge(parameter: string, bytesMax: number): Refusal {
  const message = `The '${parameter}' file is larger than ${bytesMax} bytes.`
  // The rest of the body is not waited for.
  return new Refusal([{ code: 413, message, parameter }], { connection: 'close' })
}

/**
 * Gathers a file as it comes.
 *
 * @param parameter the member that it is, for the refusal.
 * @throws Refusal 413 as soon as it has more than `bytesMax` bytes.
 */
export async function gather(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  parameter: string,
  bytesMax: number,
): Promise<Upload> {
  const pieces: Buffer[] = []
  let size = 0
  for await (const chunk of source) {
    if (size + chunk.length > bytesMax) throw tooLarge(parameter, bytesMax)
    for (let at = 0; at < chunk.length; ) {
      const offset = size % pieceBytes
      if (offset === 0) pieces.push(Buffer.allocUnsafeSlow(pieceBytes))
      const part = chunk.subarray(at, at + pieceBytes - offset)
      pieces.at(-1)?.set(part, offset)
      at += part.length
      size += part.length
    }
  }
  const last = size % pieceBytes
  if (last > 0) pieces.push((pieces.pop() ?? Buffer.alloc(0)).subarray(0, last))
  return new Upload(pieces)
}

/**
 * The file that a base64 text is; undefined when it is none. Spaces and line breaks, which many encoders write, are
 * passed over.
 *
 * @throws Refusal 413 when the file has more than `bytesMax` bytes.
 */
export function fromBase64(text: string, parameter: string, bytesMax: number): Upload | undefined {
  const bytes = decodeBase64(text)
  if (!bytes?.length) return undefined
  if (bytes.length > bytesMax) throw tooLarge(parameter, bytesMax)
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    pieces.push(Buffer.from(bytes.buffer, at, Math.min(pieceBytes, bytes.length - at)))
  }
  return new Upload(pieces)
}

function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    // Without its padding a text may have been cut off.
    return Uint8Array.fromBase64(text, { lastChunkHandling: 'strict' })
  } catch {
    return undefined
  }
}
