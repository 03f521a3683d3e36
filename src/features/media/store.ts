import { createReadStream } from 'node:fs'
import { rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { createFairLine } from '../../http/fair-line.ts'
import { filePattern, findFile, type MediaFile, namesOf, orNone, toMediaFile } from './files.ts'
import { type MediaSource, makeFile } from './make-file.ts'
import { Unplayable } from './signed-linear.ts'
import { noteMilliseconds, type StoreLimits, tidyFolder } from './tidy.ts'

/** Files that are made at the same time, and that may wait for it, in all and of one tenant. */
const line = { atOnce: 2, waitingMax: 1_000, waitingEachMax: 200 }

const hashPattern = /^[0-9a-f]{64}$/

/** A folder of files for engines, each under the hash of what it was made of, so that none ever changes. */
export interface Store {
  /**
   * The file made of a source, which is made first where there is none yet: once, however many ask meanwhile.
   *
   * @throws Unplayable when it cannot be made of that, Refusal when too many wait, Error when the folder is full or cannot be
   * written.
   */
  ensure(source: MediaSource): Promise<MediaFile>
  /** The file of this name; undefined when there is none, whatever the name is. */
  find(name: string): Promise<MediaFile | undefined>
  /** Bytes of a file, from the first to the last of these positions. */
  read(file: MediaFile, range: { first: number; last: number }): AsyncIterable<Uint8Array>
  /** Removes what nobody uses any more, and what the folder has no room for, but nothing that may be playing. */
  tidy(): Promise<void>
  /** Bytes that the files take, as they were last counted, with those made since. */
  bytes(): number
}

async function find(folder: string, name: string): Promise<MediaFile | undefined> {
  const found = filePattern.test(name) ? await findFile(folder, name) : undefined
  return found && toMediaFile(found)
}

/** The file made of a source, where there is one; that it is used is noted. */
async function use(folder: string, sha256: string): Promise<MediaFile | undefined> {
  for (const name of namesOf(sha256)) {
    const found = await findFile(folder, name)
    const file = found && toMediaFile(found)
    if (!file) continue
    const now = new Date()
    const isNoted = now.getTime() - found.usedAt < noteMilliseconds
    if (!isNoted) await orNone(utimes(join(folder, name), now, now))
    return file
  }
  return undefined
}

/** Opens a folder as a store; it is made when the first file is. */
export function openStore(folder: string, limits: StoreLimits): Store {
  const making = new Map<string, Promise<MediaFile>>()
  const removing = new Map<string, Promise<void>>()
  const turns = createFairLine(line)
  let total: number | undefined
  let tidying: Promise<void> | undefined

  async function remove(name: string): Promise<void> {
    const [sha256 = ''] = name.split('.')
    if (making.has(sha256)) return
    const removal = rm(join(folder, name), { force: true })
    removing.set(sha256, removal)
    await removal.finally(() => removing.delete(sha256))
  }

  async function tidyNow(): Promise<void> {
    total = await tidyFolder(folder, limits, remove)
  }

  function tidy(): Promise<void> {
    tidying ??= tidyNow().finally(() => {
      tidying = undefined
    })
    return tidying
  }

  async function requireRoom(): Promise<void> {
    if (total === undefined || total >= limits.bytesMax) await tidy()
    if ((total ?? 0) < limits.bytesMax) return
    throw new Error(`${folder} has ${total} bytes, of ${limits.bytesMax} that it may have.`)
  }

  async function findOrMake(source: MediaSource): Promise<MediaFile> {
    // It comes from a row that may be damaged, and becomes a path.
    if (!hashPattern.test(source.sha256)) throw new Unplayable('Its hash is none.')
    await removing.get(source.sha256)
    const found = await use(folder, source.sha256)
    if (found) return found
    const made = await turns.run({ payer: source.payer, isGone: () => false }, async () => {
      await requireRoom()
      return find(folder, await makeFile(folder, source))
    })
    if (!made) throw new Unplayable('There is no audio in it.')
    total = (total ?? 0) + made.bytes
    return made
  }

  return {
    tidy,
    find: (name) => find(folder, name),
    bytes: () => total ?? 0,
    read: ({ name }, { first, last }) =>
      createReadStream(join(folder, name), { start: first, end: last }),
    ensure(source) {
      const { sha256 } = source
      const file = making.get(sha256) ?? findOrMake(source).finally(() => making.delete(sha256))
      making.set(sha256, file)
      return file
    },
  }
}
