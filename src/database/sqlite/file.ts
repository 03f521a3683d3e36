import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseUnavailable } from '../../errors.ts'

/** The database, its write-ahead log and the index of that: a write is in all of them until the log is emptied. */
const suffixes = ['', '-wal', '-shm']

/** With `recursive` Node never ends where the system takes no folders, such as in `/proc`. */
function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  makeFolder(dirname(folder))
  try {
    // Nobody else on the machine has business with password hashes and customers' numbers.
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    // Another process may have been first.
    if (!existsSync(folder)) throw error
  }
}

/** What somebody else owns is theirs to protect, as long as they let us write to it. */
function makePrivate(file: string): void {
  const mode = statSync(file, { throwIfNoEntry: false })?.mode ?? 0
  if ((mode & 0o077) === 0) return
  try {
    chmodSync(file, mode & 0o600)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) throw error
  }
}

/**
 * Makes a database's file and its folder where they are missing, readable to nobody else before anything is in them. SQLite
 * gives the files beside it the same rights; files of an earlier day, or from a backup, lose what they have beyond.
 *
 * @throws Error when they cannot be made, or when something else than a file has the path.
 */
export function prepareFile(path: string): void {
  makeFolder(dirname(path))
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) {
    throw new Error('it is not a file')
  }
  // An open file must not be opened and closed once more: its process would lose its locks.
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600))
  for (const suffix of suffixes) makePrivate(path + suffix)
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
