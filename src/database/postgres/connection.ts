import type { QueryResult } from 'pg'
import type { Reader, Statement, Value } from '../database.ts'
import { toShapes } from '../shape.ts'
import { postgresShapes } from './shapes.ts'

/** Prepared statements live in every connection; composed list statements beyond this many are sent unnamed. */
const namedMax = 500

export interface Query {
  text: string
  name?: string
}

const queries = new Map<string, Query>()

/** `?` becomes `$1`, `$2`, …; the name makes the server keep the plan. */
export function toQuery({ text }: Statement<unknown>): Query {
  const known = queries.get(text)
  if (known) return known
  let count = 0
  const numbered = text.replaceAll('?', () => {
    count += 1
    return `$${count}`
  })
  const isNamed = queries.size < namedMax
  const query = isNamed ? { text: numbered, name: `s${queries.size}` } : { text: numbered }
  if (isNamed) queries.set(text, query)
  return query
}

export interface Runner {
  query(query: Query & { values: Value[] }): Promise<QueryResult>
}

export function reader(runner: Runner): Reader {
  return {
    async get<Row>(statement: Statement<Row>, ...values: Value[]): Promise<Row | undefined> {
      const { rows } = await runner.query({ ...toQuery(statement), values })
      return rows[0]
    },
    async all<Row>(statement: Statement<Row>, ...values: Value[]): Promise<Row[]> {
      const { rows } = await runner.query({ ...toQuery(statement), values })
      return rows
    },
    async tables() {
      const { rows } = await runner.query({ text: postgresShapes, values: [] })
      return toShapes(rows)
    },
  }
}
