import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { inject } from 'vitest'
import { type Database, sql, type Value } from '../src/database/database.ts'
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
  /** Gathers what the planner goes by, as an engine does by itself in time. */
  analyze(): Promise<void>
  /** What a statement must do that takes longer the more rows there are: reading whole tables, sorting. */
  slowSteps(text: string, values: readonly Value[]): Promise<string[]>
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
      async analyze() {
        await database.write((transaction) => transaction.run(sql('ANALYZE')))
      },
      async slowSteps(text, values) {
        const explain = sql<{ detail: string }>(`EXPLAIN QUERY PLAN ${text}`)
        const steps = (await database.all(explain, ...values)).map(({ detail }) => detail)
        return steps.filter((step) => /^SCAN|TEMP B-TREE/.test(step))
      },
      async remove() {
        await database.close()
        rmSync(folder, { recursive: true })
      },
    }
  },
}

/** Migrated once for the run; each test's database is a copy, which is much faster. */
let template: Promise<string> | undefined

async function administer<Result>(act: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: `${inject('postgresUrl')}/postgres` })
  await client.connect()
  try {
    return await act(client)
  } finally {
    await client.end()
  }
}

function newName(): string {
  return `pointsman_${randomUUID().replaceAll('-', '')}`
}

async function createTemplate(): Promise<string> {
  const name = newName()
  await administer((client) => client.query(`CREATE DATABASE ${name}`))
  const database = await openDatabase(`${inject('postgresUrl')}/${name}`)
  await database.close()
  return name
}

const postgres: Engine = {
  name: 'PostgreSQL',
  async open() {
    template ??= createTemplate()
    const source = await template
    const name = newName()
    await administer((client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${source}`))
    const url = `${inject('postgresUrl')}/${name}`
    const database = await openDatabase(url)
    return {
      url,
      database,
      async analyze() {
        await database.write((transaction) => transaction.run(sql('ANALYZE')))
      },
      async slowSteps(text, values) {
        const explain = sql<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`)
        const steps = (await database.all(explain, ...values)).map((row) => row['QUERY PLAN'])
        return steps.filter((step) => /Seq Scan|\bSort\b/.test(step))
      },
      async remove() {
        await database.close()
        await administer((client) => client.query(`DROP DATABASE ${name} WITH (FORCE)`))
      },
    }
  },
}

export const engines: readonly Engine[] = [sqlite, postgres]
