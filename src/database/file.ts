import { existsSync, mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

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

/**
 * Makes the folder of a database's file.
 *
 * @throws Error when it cannot be made, or when something else than a file has the path.
 */
export function prepareFile(path: string): void {
  makeFolder(dirname(path))
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) {
    throw new Error('it is not a file')
  }
}
