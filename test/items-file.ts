import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { type Database, sql } from '../src/database/database.ts'
import type { Migration } from '../src/database/migrations.ts'
import { openSqlite, type SqliteOptions } from '../src/database/sqlite/engine.ts'

export const items: Migration = {
  version: 1,
  name: 'items',
  sql: 'CREATE TABLE items (name TEXT PRIMARY KEY, parent TEXT REFERENCES items (name))',
}

export const insert = sql('INSERT INTO items (name, parent) VALUES (?, ?)')
export const select = sql<{ name: string }>('SELECT name FROM items ORDER BY name')

interface Opened {
  database: Database
  /** A connection as another process has one. */
  outsider: Sqlite.Database
}

/** A SQLite file of items, in a folder of its own. */
export class ItemsFile {
  readonly folder = mkdtempSync(join(tmpdir(), 'pointsman-sqlite-'))
  readonly path = join(this.folder, 'test.db')
  /** The number of writes of each commit. */
  readonly commits: number[] = []
  #opened: Opened | undefined

  async open(migrations: readonly Migration[], options: SqliteOptions = {}): Promise<void> {
    const database = await openSqlite(this.path, migrations, options)
    database.onCommit((writes) => this.commits.push(writes))
    this.#opened = { database, outsider: new Sqlite(this.path, { timeout: 0 }) }
  }

  get #whileOpen(): Opened {
    if (!this.#opened) throw new Error('The file is not open.')
    return this.#opened
  }

  get database(): Database {
    return this.#whileOpen.database
  }

  get outsider(): Sqlite.Database {
    return this.#whileOpen.outsider
  }

  async close(): Promise<void> {
    this.outsider.close()
    await this.database.close()
  }

  /** What another process sees in it. */
  flushed(): string[] {
    return this.outsider
      .prepare<[], { name: string }>(select.text)
      .all()
      .map(({ name }) => name)
  }

  add(name: string, parent: string | null = null): Promise<number> {
    return this.database.write((transaction) => transaction.run(insert, name, parent))
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }
}
