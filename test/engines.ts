import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { inject } from 'vitest'
import { type Database, sql, type Value } from '../src/database/database.ts'
import type { Migration } from '../src/database/migrations.ts'
import { openDatabase } from '../src/database/open.ts'

/** An engine under test: every storage and API test runs on each. */
export interface Engine {
  name: string
  /** An empty database that nobody else uses, with the newest schema unless told. */
  open(migrations?: readonly Migration[]): Promise<TestDatabase>
}

/** How a statement finds rows. */
export interface Access {
  /** Its name in the statement, or the table's. */
  table: string
  /** The columns by which an index finds them; none when the table is read from end to end. */
  by: string[]
}

/** What SQLite's plan of a statement tells of the tables that it reads; names of its own are no tables. */
function accessesOfSqlite(details: readonly string[]): Access[] {
  const own = details.flatMap(
    (detail) => /^(?:CO-ROUTINE|MATERIALIZE) (\S+)/.exec(detail)?.[1] ?? [],
  )
  return details.flatMap((detail) => {
    const [, step, table = '', rest = ''] = /^(SCAN|SEARCH) (\w+)(.*)$/.exec(detail) ?? []
    if (table === '' || table === 'CONSTANT' || own.includes(table)) return []
    // A search without a condition looks at one end of an index.
    const [, condition = step === 'SEARCH' ? 'end' : ''] = / \((.*)\)/.exec(rest) ?? []
    return [{ table, by: condition.match(/[a-z_]+/g) ?? [] }]
  })
}

interface PlanNode {
  'Node Type': string
  'Relation Name'?: string
  'Index Cond'?: string
  'Recheck Cond'?: string
  Filter?: string
  Plans?: PlanNode[]
}

function accessesOfPostgres(node: PlanNode, isLimited = false): Access[] {
  const type = node['Node Type']
  const below = (node.Plans ?? []).flatMap((one) => accessesOfPostgres(one, type === 'Limit'))
  const table = node['Relation Name']
  if (table === undefined || type === 'ModifyTable') return below
  // Names that are words of SQL stand in quotes.
  const condition = (node['Index Cond'] ?? node['Recheck Cond'])?.replaceAll('"', '')
  if (condition === undefined) {
    // The first row of an index, whatever it is, is one end of it.
    const isEnd = isLimited && type.startsWith('Index') && node.Filter === undefined
    return [{ table, by: isEnd ? ['end'] : [] }, ...below]
  }
  const compared = /(?:ROW\(([^)]*)\)|(\w+)\)?(?:::\w+)?) (?:=|<|>|<=|>=) /g
  const by = [...condition.matchAll(compared)].flatMap(([, row, one]) =>
    (row ?? one ?? '').split(', '),
  )
  return [{ table, by }, ...below]
}

export interface TestDatabase {
  url: string
  database: Database
  /** Gathers what the planner goes by, as an engine does by itself in time. */
  analyze(): Promise<void>
  /** How a statement finds the rows of each table that it reads, where it may use every index. */
  accesses(text: string, values: readonly Value[]): Promise<Access[]>
  /** What a statement must do that takes longer the more rows there are: reading whole tables, sorting. */
  slowSteps(text: string, values: readonly Value[]): Promise<string[]>
  /** Closes the database and removes what it left. */
  remove(): Promise<void>
}

const sqlite: Engine = {
  name: 'SQLite',
  async open(migrations) {
    const folder = mkdtempSync(join(tmpdir(), 'pointsman-test-'))
    const url = `sqlite:${join(folder, 'test.db')}`
    const database = await openDatabase(url, migrations && { migrations })
    return {
      url,
      database,
      async analyze() {
        await database.write((transaction) => transaction.run(sql('ANALYZE')))
      },
      async accesses(text, values) {
        const explain = sql<{ detail: string }>(`EXPLAIN QUERY PLAN ${text}`)
        const steps = await database.all(explain, ...values)
        return accessesOfSqlite(steps.map(({ detail }) => detail))
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

async function onServer<Result>(
  url: string,
  act: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return await act(client)
  } finally {
    await client.end()
  }
}

function administer<Result>(act: (client: pg.Client) => Promise<Result>): Promise<Result> {
  return onServer(`${inject('postgresUrl')}/postgres`, act)
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
  async open(migrations) {
    if (!migrations) template ??= createTemplate()
    const source = migrations ? 'template1' : await template
    const name = newName()
    await administer((client) => client.query(`CREATE DATABASE ${name} TEMPLATE ${source}`))
    const url = `${inject('postgresUrl')}/${name}`
    const database = await openDatabase(url, migrations && { migrations })
    return {
      url,
      database,
      async analyze() {
        await database.write((transaction) => transaction.run(sql('ANALYZE')))
      },
      async accesses(text) {
        let count = 0
        const numbered = text.replaceAll('?', () => {
          count += 1
          return `$${count}`
        })
        // Which index serves is asked, not whether something else is cheaper while a table is small or all of one group.
        const rows = await onServer(url, async (client) => {
          for (const way of ['seqscan', 'hashjoin', 'mergejoin']) {
            await client.query(`SET enable_${way} = off`)
          }
          return (await client.query(`EXPLAIN (GENERIC_PLAN, FORMAT JSON) ${numbered}`)).rows
        })
        return accessesOfPostgres(rows[0]['QUERY PLAN'][0].Plan)
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
