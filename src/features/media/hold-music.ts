import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pieceBytes } from '../../documents/upload.ts'
import type { MediaSource } from './make-file.ts'

const file = join(import.meta.dirname, 'hold-music.wav')

/** The music that the repository ships, which `scripts/hold-music.ts` made. */
export async function readHoldMusic(): Promise<MediaSource> {
  const bytes = await readFile(file)
  return {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    async *read() {
      for (let at = 0; at < bytes.length; at += pieceBytes) {
        yield bytes.subarray(at, at + pieceBytes)
      }
    },
  }
}
