import type { Database } from './database.ts'
import { loadMigrations, type Migration } from './migrations.ts'
import { openPostgres } from './postgres/engine.ts'
import { openSqlite } from './sqlite/engine.ts'
import { readDatabaseUrl } from './url.ts'

/** Connections that a tool or test makes do with. */
const connectionsMaxDefault = 10

interface OpenOptions {
  /** Connections of this node to PostgreSQL. */
  connectionsMax?: number
  /** No file is made; on PostgreSQL nothing makes a database anyway. */
  mustExist?: boolean
  /** The schema; that of this program unless told. */
  migrations?: readonly Migration[]
}

/**
 * Opens the engine that `url` names and brings its schema up to date.
 *
 * @throws Error when the URL is none of ours, or as the engine does.
 */
export async function openDatabase(url: string, options: OpenOptions = {}): Promise<Database> {
  const {
    connectionsMax = connectionsMaxDefault,
    mustExist = false,
    migrations = loadMigrations(),
  } = options
  const place = readDatabaseUrl(url)
  if (typeof place === 'string') throw new Error(`No database engine for this URL: it ${place}.`)
  if (place.engine === 'postgres') return openPostgres(url, migrations, { connectionsMax })
  return openSqlite(place.path, migrations, { mustExist })
}
