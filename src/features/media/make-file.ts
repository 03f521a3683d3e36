import { Buffer } from 'node:buffer'
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { nameAt, silenceAfter, stemOf } from './files.ts'
import { toSignedLinear, Unplayable } from './signed-linear.ts'

/** What a file is made of. */
export interface MediaSource {
  /** Of the bytes that `read` gives, in hexadecimal. */
  sha256: string
  /** Whose it is, who takes turns with others and has a part of the room; none where everybody plays it. */
  tenantKey?: string
  /** The bytes of a WAVE file, in pieces. */
  read(): AsyncIterable<Uint8Array>
}

/**
 * Writes the audio of a source to a new file. It has its final name only when it is whole and on the disk, so that no engine
 * plays half of it, not even after the machine has lost its power.
 */
export async function makeFile(folder: string, source: MediaSource): Promise<string> {
  const stem = stemOf(source)
  await mkdir(folder, { recursive: true })
  const unfinished = join(folder, `${stem}.${randomUUID()}.part`)
  const hash = createHash('sha256')
  async function* hashed() {
    for await (const piece of source.read()) {
      hash.update(piece)
      yield piece
    }
  }
  const file = await open(unfinished, 'wx')
  try {
    const read = hashed()
    const { rate, pieces } = await toSignedLinear(read)
    let bytes = 0
    for await (const piece of pieces) bytes += (await file.write(piece)).bytesWritten
    if (bytes === 0) throw new Unplayable('There is no audio in it.')
    await file.write(Buffer.alloc(silenceAfter(bytes, rate)))
    // What follows the audio belongs to the hash as well.
    for await (const _ of read);
    if (hash.digest('hex') !== source.sha256) throw new Unplayable('It is not what its hash tells.')
    // Who may enter the folder may read what is in it: the engine is another user than the service, whose mask may be strict.
    await file.chmod(0o644)
    await file.datasync()
    const name = nameAt(stem, rate)
    await rename(unfinished, join(folder, name))
    return name
  } finally {
    await file.close()
    await rm(unfinished, { force: true })
  }
}
