import type { CommitListener, Database } from './database.ts'
import { loadMigrations, type Migration } from './migrations.ts'
import { openPostgres } from './postgres.ts'
import { openSqlite } from './sqlite.ts'

/** Connections that a tool or test makes do with. */
const connectionsMaxDefault = 10

interface OpenOptions {
  /** Connections of this node to PostgreSQL. */
  connectionsMax?: number
  onCommit?: CommitListener
  /** No file is made; on PostgreSQL nothing makes a database anyway. */
  mustExist?: boolean
  /** The schema; that of this program unless told. */
  migrations?: readonly Migration[]
}

/**
 * Opens the engine that `url` names and brings its schema up to date.
 *
 * @throws Error when no engine has this scheme, or as the engine does.
 */
export async function openDatabase(url: string, options: OpenOptions = {}): Promise<Database> {
  const {
    connectionsMax = connectionsMaxDefault,
    mustExist = false,
    migrations = loadMigrations(),
    ...shared
  } = options
  const [, scheme, rest] = /^([a-z]+):(.+)$/.exec(url) ?? []
  if (scheme === 'sqlite' && rest) return openSqlite(rest, migrations, { mustExist, ...shared })
  if (scheme === 'postgres' || scheme === 'postgresql') {
    return openPostgres(url, migrations, { connectionsMax, ...shared })
  }
  throw new Error('No database engine for this URL: expected sqlite:PATH or postgres://…')
}
