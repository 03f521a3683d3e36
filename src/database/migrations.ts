import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Migration {
  version: number
  name: string
  /** For both engines. */
  sql: string
  /** What one engine needs beside, run after it. */
  own?: Partial<Record<(typeof engineNames)[number], string>>
}

const engineNames = ['sqlite', 'postgres'] as const

/** What each database remembers of the migrations that it has had. */
export const versionTable = `CREATE TABLE IF NOT EXISTS schema_versions (
  version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)`

const migrationFile = /^(\d{4})-([a-z0-9-]+)\.sql$/

/** Of one engine, beside the one for both. */
const ownFile = /\.(?:sqlite|postgres)\.sql$/

function readOwn(
  folder: string,
  files: readonly string[],
  stem: string,
): NonNullable<Migration['own']> {
  const own = engineNames.filter((engine) => files.includes(`${stem}.${engine}.sql`))
  return Object.fromEntries(
    own.map((engine) => [engine, readFileSync(join(folder, `${stem}.${engine}.sql`), 'utf8')]),
  )
}

/**
 * Reads the numbered `.sql` files of a folder, in order: `NNNN-what-it-does.sql`, and what only one engine needs in
 * `NNNN-what-it-does.postgres.sql` or `….sqlite.sql` beside it.
 *
 * @throws Error when a file is misnamed or a number is missing or doubled.
 */
export function loadMigrations(folder = join(import.meta.dirname, 'migrations')): Migration[] {
  const files = readdirSync(folder).sort()
  const isBeside = (file: string) =>
    ownFile.test(file) && files.includes(file.replace(ownFile, '.sql'))
  return files
    .filter((file) => !isBeside(file))
    .map((file, index) => {
      const [, number, name] = migrationFile.exec(file) ?? []
      if (!number || !name) throw new Error(`Migration ${file} is not named NNNN-what-it-does.sql.`)
      const version = Number(number)
      if (version !== index + 1) throw new Error(`Migration ${file} should be number ${index + 1}.`)
      const sql = readFileSync(join(folder, file), 'utf8')
      return { version, name, sql, own: readOwn(folder, files, `${number}-${name}`) }
    })
}

/**
 * The migrations that a database at `version` still lacks.
 *
 * @throws Error when the database is newer than the program.
 */
export function pendingMigrations(migrations: readonly Migration[], version: number): Migration[] {
  const newest = migrations.at(-1)?.version ?? 0
  if (version > newest) {
    throw new Error(
      `The database has schema ${version}, this program knows ${newest}: start a newer Pointsman.`,
    )
  }
  return migrations.filter((migration) => migration.version > version)
}

/** Node tells of several addresses that failed with an empty message and a code. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message || ('code' in error ? String(error.code) : error.name)
}

/** What is told of a migration that failed. */
export function failed({ version, name }: Migration, error: unknown): Error {
  return new Error(`migration ${version}, ${name}: ${messageOf(error)}`, { cause: error })
}
