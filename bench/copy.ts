import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import pg from 'pg'
import { openDatabase } from '../src/database/open.ts'
import { startPostgres } from '../test/postgres-server.ts'
import { furnish } from './installation.ts'

/**
 * `npm run bench:copy [route points]`: an installation is moved from SQLite to PostgreSQL, which flushes as in earnest,
 * and back into a new file, by the program's own command. The last file is then compared with the first by SQLite.
 */
const routePointCount = Number(process.argv[2] ?? 100_000)
const announcementCount = 200
const main = join(import.meta.dirname, '..', 'src', 'main.ts')

/** Seconds that `act` took. */
async function time(act: () => unknown): Promise<number> {
  const started = performance.now()
  await act()
  return (performance.now() - started) / 1_000
}

function copy(from: string, to: string): void {
  execFileSync(process.execPath, [main, 'copy', from, to], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Rows of the first file; throws when the second has any that differs. */
function compare(one: string, other: string): number {
  const connection = new Sqlite(one, { readonly: true })
  connection.prepare('ATTACH ? AS other').run(other)
  const names = connection
    .prepare(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'schema_versions' ORDER BY name",
    )
    .pluck()
    .all()
  let rows = 0
  for (const name of names) {
    const count = connection.prepare(`SELECT count(*) FROM main.${name}`).pluck().get() as number
    const differing = connection
      .prepare(
        `SELECT count(*) FROM (
           SELECT * FROM (SELECT * FROM main.${name} EXCEPT SELECT * FROM other.${name})
           UNION ALL
           SELECT * FROM (SELECT * FROM other.${name} EXCEPT SELECT * FROM main.${name}))`,
      )
      .pluck()
      .get()
    if (differing !== 0) throw new Error(`${name}: ${differing} rows differ`)
    rows += count
  }
  connection.close()
  return rows
}

const folder = mkdtempSync(join(tmpdir(), 'pointsman-bench-'))
const server = await startPostgres()
try {
  const client = new pg.Client({ connectionString: `${server.url}/postgres` })
  await client.connect()
  await client.query('CREATE DATABASE pointsman')
  await client.end()
  const postgres = `${server.url}/pointsman`
  const [first, second] = [join(folder, 'first.db'), join(folder, 'second.db')]

  const furnished = await time(async () => {
    const database = await openDatabase(`sqlite:${first}`)
    await furnish(database, { routePointCount, announcementCount })
    await database.close()
  })
  const toPostgres = await time(() => copy(`sqlite:${first}`, postgres))
  const toSqlite = await time(() => copy(postgres, `sqlite:${second}`))
  const rows = compare(first, second)
  const megabytes = statSync(first).size / 1_000_000
  const result = {
    routePoints: routePointCount,
    rows,
    'file, MB': Math.round(megabytes),
    'made, s': furnished.toFixed(1),
    'SQLite to PostgreSQL, s': toPostgres.toFixed(1),
    'PostgreSQL to SQLite, s': toSqlite.toFixed(1),
  }
  // biome-ignore lint/suspicious/noConsole: the table is what the script is for
  console.table(result)
} finally {
  await server.stop()
  rmSync(folder, { recursive: true })
}
