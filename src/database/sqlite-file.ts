import { chmodSync, closeSync, existsSync, openSync, statSync } from 'node:fs'
import { DatabaseUnavailable } from '../errors.ts'

/** The database, its write-ahead log and the index of that: a write is in all of them until the log is emptied. */
const suffixes = ['', '-wal', '-shm']

/**
 * Nobody else on the machine has business with password hashes and customers' numbers. SQLite gives the files beside the
 * database the same rights; files of an earlier day, or from a backup, lose what they have beyond.
 */
export function keepPrivate(path: string): void {
  // An open file must not be opened and closed once more: its process would lose its locks.
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600))
  for (const suffix of suffixes) {
    const mode = statSync(path + suffix, { throwIfNoEntry: false })?.mode ?? 0
    if ((mode & 0o077) !== 0) chmodSync(path + suffix, mode & 0o600)
  }
}

function identityOf(file: string) {
  try {
    return statSync(file, { bigint: true })
  } catch {
    return undefined
  }
}

/**
 * Remembers which files are open. An open file lives on without its name, but what is written to it is gone when the
 * program ends: a write-ahead log that was removed as well as a database.
 *
 * @returns a check that throws DatabaseUnavailable when one of them is not at its place any more.
 */
export function watchPlaces(path: string): () => void {
  const opened = suffixes.map((suffix) => {
    const file = path + suffix
    return { file, identity: identityOf(file) }
  })
  return () => {
    for (const { file, identity } of opened) {
      const found = identityOf(file)
      if (found && found.ino === identity?.ino && found.dev === identity.dev) continue
      const fate = found ? 'is not the file that is open' : 'is gone from its place'
      throw new DatabaseUnavailable(
        new Error(`${file} ${fate}: writes are refused until the open one is back.`),
      )
    }
  }
}
