import type Sqlite from 'better-sqlite3'
import { failed, type Migration, pendingMigrations, versionTable } from '../migrations.ts'

/** Applies what is pending in one exclusive transaction: a second process waits and then finds nothing to do. */
export function migrateSqlite(connection: Sqlite.Database, migrations: readonly Migration[]): void {
  const apply = connection.transaction(() => {
    connection.exec(versionTable)
    const current = connection
      .prepare<[], { version: number | null }>(
        'SELECT max(version) AS version FROM schema_versions',
      )
      .get()
    const insert = connection.prepare('INSERT INTO schema_versions VALUES (?, ?, ?)')
    for (const migration of pendingMigrations(migrations, current?.version ?? 0)) {
      const { version, name, sql, own } = migration
      try {
        connection.exec(sql)
        if (own?.sqlite) connection.exec(own.sqlite)
      } catch (error) {
        throw failed(migration, error)
      }
      insert.run(version, name, Date.now())
    }
  })
  apply.exclusive()
}
