import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type FoundFile,
  filePattern,
  findFile,
  listFiles,
  ownerIn,
  unfinishedPattern,
} from './files.ts'

const hourMilliseconds = 3_600_000

/** A use is noted at most so often. */
export const noteMilliseconds = hourMilliseconds

/**
 * What was used since may be playing: a call ends after 4 h at the latest, and its use was noted, or had been noted up to an
 * hour before.
 */
const playingMilliseconds = 6 * hourMilliseconds

export interface StoreLimits {
  /** The most that the folder may take, in bytes, before nothing is added. */
  bytesMax: number
  /** How long a file that nobody uses stays, in days. */
  days: number
}

/** The part of a folder that files of one tenant may take. */
const tenantPart = 1 / 4

/** What files take of a folder, in bytes. */
export class Usage {
  readonly #limits: StoreLimits
  readonly #byOwner = new Map<string | undefined, number>()

  constructor(files: readonly FoundFile[], limits: StoreLimits) {
    this.#limits = limits
    for (const file of files) this.add(file)
  }

  get bytes(): number {
    return [...this.#byOwner.values()].reduce((sum, bytes) => sum + bytes, 0)
  }

  add({ name, bytes }: Pick<FoundFile, 'name' | 'bytes'>): void {
    const owner = ownerIn(name)
    this.#byOwner.set(owner, (this.#byOwner.get(owner) ?? 0) + bytes)
  }

  remove({ name, bytes }: FoundFile): void {
    this.add({ name, bytes: -bytes })
  }

  /** Bytes beyond what all files may take. */
  get excess(): number {
    return this.bytes - this.#limits.bytesMax
  }

  /** Bytes beyond what files of an owner may take. */
  excessOf(owner: string | undefined): number {
    if (owner === undefined) return Number.NEGATIVE_INFINITY
    return (this.#byOwner.get(owner) ?? 0) - this.#limits.bytesMax * tenantPart
  }

  /** @throws Error where nothing more of an owner has room. */
  requireRoom(owner: string): void {
    const { bytesMax } = this.#limits
    if (this.excess >= 0) throw new Error(`There are ${this.bytes} bytes, of ${bytesMax} in all.`)
    if (this.excessOf(owner) < 0) return
    throw new Error(
      `The tenant has ${this.#byOwner.get(owner)} bytes, of ${bytesMax * tenantPart}.`,
    )
  }
}

/**
 * Which files go: those unused for too long; of the others those unused for the longest, first of tenants that have more than their
 * part, then where all take too much.
 */
function chooseOld(files: readonly FoundFile[], limits: StoreLimits): FoundFile[] {
  const now = Date.now()
  const usage = new Usage(files, limits)
  const idle = new Set(files.filter(({ usedAt }) => now - usedAt >= playingMilliseconds))
  const old: FoundFile[] = []
  function choose(goes: (file: FoundFile) => boolean): void {
    for (const file of idle) {
      if (!goes(file)) continue
      idle.delete(file)
      usage.remove(file)
      old.push(file)
    }
  }
  choose(({ usedAt }) => now - usedAt >= limits.days * 24 * hourMilliseconds)
  choose(({ name }) => usage.excessOf(ownerIn(name)) >= 0)
  choose(() => usage.excess >= 0)
  return old
}

/**
 * Removes what nobody uses any more, what the folder has no room for, and what was never finished; nothing that may be playing.
 *
 * @param remove removes a file, unless it is wanted now.
 * @returns what is left.
 */
export async function tidyFolder(
  folder: string,
  limits: StoreLimits,
  remove: (name: string) => Promise<void>,
): Promise<Usage> {
  for (const { name, usedAt } of chooseOld(await listFiles(folder, filePattern), limits)) {
    // Somebody else may have used it since.
    if ((await findFile(folder, name))?.usedAt === usedAt) await remove(name)
  }
  for (const { name, usedAt } of await listFiles(folder, unfinishedPattern)) {
    if (Date.now() - usedAt > hourMilliseconds) await rm(join(folder, name), { force: true })
  }
  return new Usage(await listFiles(folder, filePattern), limits)
}
