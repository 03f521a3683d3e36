import type { CommitListener, Database } from './database.ts'
import { loadMigrations } from './migrations.ts'
import { openPostgres } from './postgres.ts'
import { openSqlite } from './sqlite.ts'

/** Connections that a tool or test makes do with. */
const connectionsMaxDefault = 10

/**
 * Opens the engine that `url` names and brings its schema up to date.
 *
 * @param options.mustExist no file is made; on PostgreSQL nothing makes a database anyway.
 * @throws Error when no engine has this scheme, or as the engine does.
 */
export async function openDatabase(
  url: string,
  options: { connectionsMax?: number; onCommit?: CommitListener; mustExist?: boolean } = {},
): Promise<Database> {
  const { connectionsMax = connectionsMaxDefault, mustExist = false, ...shared } = options
  const [, scheme, rest] = /^([a-z]+):(.+)$/.exec(url) ?? []
  if (scheme === 'sqlite' && rest)
    return openSqlite(rest, loadMigrations(), { mustExist, ...shared })
  if (scheme === 'postgres' || scheme === 'postgresql') {
    return openPostgres(url, loadMigrations(), { connectionsMax, ...shared })
  }
  throw new Error('No database engine for this URL: expected sqlite:PATH or postgres://…')
}
