import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type FoundFile, filePattern, findFile, listFiles, unfinishedPattern } from './files.ts'

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

/** Which files go: those unused for too long, and of the others, where they take too much, those unused for the longest. */
function chooseOld(files: readonly FoundFile[], { bytesMax, days }: StoreLimits): FoundFile[] {
  const now = Date.now()
  let total = files.reduce((sum, { bytes }) => sum + bytes, 0)
  const old: FoundFile[] = []
  for (const file of files) {
    const idle = now - file.usedAt
    if (idle < playingMilliseconds) break
    if (idle < days * 24 * hourMilliseconds && total <= bytesMax) break
    old.push(file)
    total -= file.bytes
  }
  return old
}

/**
 * Removes what nobody uses any more, what the folder has no room for, and what was never finished; nothing that may be playing.
 *
 * @param remove removes a file, unless it is wanted now.
 * @returns the bytes that are left.
 */
export async function tidyFolder(
  folder: string,
  limits: StoreLimits,
  remove: (name: string) => Promise<void>,
): Promise<number> {
  for (const { name, usedAt } of chooseOld(await listFiles(folder, filePattern), limits)) {
    // Somebody else may have used it since.
    if ((await findFile(folder, name))?.usedAt === usedAt) await remove(name)
  }
  for (const { name, usedAt } of await listFiles(folder, unfinishedPattern)) {
    if (Date.now() - usedAt > hourMilliseconds) await rm(join(folder, name), { force: true })
  }
  return (await listFiles(folder, filePattern)).reduce((sum, { bytes }) => sum + bytes, 0)
}
