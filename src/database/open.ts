import type { CommitListener, Database } from './database.ts'
import { loadMigrations } from './migrations.ts'
import { openSqlite } from './sqlite.ts'

/**
 * Opens the engine that `url` names and brings its schema up to date.
 *
 * @throws Error when no engine has this scheme, or as the engine does.
 */
export async function openDatabase(url: string, onCommit?: CommitListener): Promise<Database> {
  const [, scheme, rest] = /^([a-z]+):(.+)$/.exec(url) ?? []
  if (scheme === 'sqlite' && rest) return openSqlite(rest, loadMigrations(), onCommit)
  throw new Error(`No database engine for '${url}': expected sqlite:PATH.`)
}
