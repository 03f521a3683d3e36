import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, sql } from '../src/database/database.ts'
import { openDatabase } from '../src/database/open.ts'

/** An engine under test: every storage and API test runs on each. */
export interface Engine {
  name: string
  /** An empty database with the newest schema, that nobody else uses. */
  open(): Promise<TestDatabase>
}

export interface TestDatabase {
  url: string
  database: Database
  tables(): Promise<string[]>
  /** Closes the database and removes what it left. */
  remove(): Promise<void>
}

const sqlite: Engine = {
  name: 'SQLite',
  async open() {
    const folder = mkdtempSync(join(tmpdir(), 'pointsman-test-'))
    const url = `sqlite:${join(folder, 'test.db')}`
    const database = await openDatabase(url)
    return {
      url,
      database,
      async tables() {
        const select = sql<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'")
        return (await database.all(select)).map(({ name }) => name)
      },
      async remove() {
        await database.close()
        rmSync(folder, { recursive: true })
      },
    }
  },
}

export const engines: readonly Engine[] = [sqlite]
