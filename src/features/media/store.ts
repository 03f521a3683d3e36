import { createReadStream } from 'node:fs'
import { rm, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { createFairLine } from '../../http/fair-line.ts'
import {
  filePattern,
  findFile,
  type MediaFile,
  namesOf,
  orNone,
  ownerOf,
  stemOf,
  toMediaFile,
} from './files.ts'
import { type MediaSource, makeFile } from './make-file.ts'
import { Unplayable } from './signed-linear.ts'
import { noteMilliseconds, type StoreLimits, tidyFolder, type Usage } from './tidy.ts'

/** Files that are made at the same time, and that may wait for it, in all and of one tenant. */
const line = { atOnce: 2, waitingMax: 1_000, waitingEachMax: 200 }

const hashPattern = /^[0-9a-f]{64}$/

/** A folder of files for engines, each under the hash of what it was made of and whose it is, so that none ever changes. */
export interface Store {
  /**
   * The file made of a source, which is made first where there is none yet: once, however many ask meanwhile.
   *
   * @throws Unplayable when it cannot be made of that, Refusal when too many wait, Error when the folder or the tenant's part of it
   * is full, or it cannot be written.
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
async function use(folder: string, stem: string): Promise<MediaFile | undefined> {
  for (const name of namesOf(stem)) {
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
  let usage: Usage | undefined
  let tidying: Promise<void> | undefined

  async function remove(name: string): Promise<void> {
    const [stem = ''] = name.split('.')
    if (making.has(stem)) return
    const removal = rm(join(folder, name), { force: true })
    removing.set(stem, removal)
    await removal.finally(() => removing.delete(stem))
  }

  async function tidyNow(): Promise<void> {
    usage = await tidyFolder(folder, limits, remove)
  }

  function tidy(): Promise<void> {
    tidying ??= tidyNow().finally(() => {
      tidying = undefined
    })
    return tidying
  }

  async function requireRoom(owner: string): Promise<void> {
    try {
      if (usage) return usage.requireRoom(owner)
    } catch {
      // Some may be made.
    }
    await tidy()
    usage?.requireRoom(owner)
  }

  async function findOrMake(source: MediaSource, stem: string): Promise<MediaFile> {
    // It comes from a row that may be damaged, and becomes a path.
    if (!hashPattern.test(source.sha256)) throw new Unplayable('Its hash is none.')
    await removing.get(stem)
    const found = await use(folder, stem)
    if (found) return found
    const { tenantKey } = source
    const made = await turns.run({ payer: tenantKey ?? '', isGone: () => false }, async () => {
      // What everybody plays is little, and is not to be missed because tenants play much.
      if (tenantKey !== undefined) await requireRoom(ownerOf(tenantKey))
      return find(folder, await makeFile(folder, source))
    })
    if (!made) throw new Error('It was removed while it was made.')
    usage?.add(made)
    return made
  }

  return {
    tidy,
    find: (name) => find(folder, name),
    bytes: () => usage?.bytes ?? 0,
    read: ({ name }, { first, last }) =>
      createReadStream(join(folder, name), { start: first, end: last }),
    ensure(source) {
      const stem = stemOf(source)
      const file = making.get(stem) ?? findOrMake(source, stem).finally(() => making.delete(stem))
      making.set(stem, file)
      return file
    },
  }
}
