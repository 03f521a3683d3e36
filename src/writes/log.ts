import { type Reader, type Statement, sql } from '../database/database.ts'
import type { Scope } from './record.ts'

/** A row of a log: what there is to know of where it stands and whose it is. */
export interface LogRow {
  position: number
  /** Null where it is nobody's any more. */
  tenant_key: string | null
  group_key: string | null
  route_point_key: string
}

const scopeColumns = ['tenant_key', 'group_key', 'route_point_key'] as const

/** What bounds a scope, from the tenant down as far as it goes; nothing bounds everybody's rows. */
export function boundsOf(scope: Scope | undefined): string[] {
  const { tenantKey, groupKey, routePointKey } = scope ?? {}
  return [tenantKey, groupKey, routePointKey].filter((key) => key !== undefined)
}

/** Whether a row is of a scope, or of what is below it. */
export function isOfScope(row: LogRow, scope: Scope | undefined): boolean {
  const bounds = boundsOf(scope)
  return scopeColumns.every((column, index) => row[column] === (bounds[index] ?? row[column]))
}

/** A statement by its bounds, one for each number of them: for everybody's rows, then for a tenant's, a group's and a route point's. */
export function statementsByBounds<Row>(
  textOf: (conditions: readonly string[]) => string,
): (bounds: readonly string[]) => Statement<Row> {
  const statements: Statement<Row>[] = []
  return ({ length }) => {
    const bounds = scopeColumns.slice(0, length)
    // The indexes of groups and route points are partial, and used where a statement says so itself.
    const isSet = bounds.slice(1).map((column) => `${column} <> ''`)
    const conditions = [...bounds.map((column) => `${column} = ?`), ...isSet]
    statements[length] ??= sql<Row>(textOf(conditions))
    return statements[length]
  }
}

/** Rows that are read at a time at most. */
export const rowsPerRead = 100

/** Bytes of their values that are read at a time; a single row may have more. */
const bytesPerRead = 256 * 1_024

/** How many of the first items may go together by their bytes: at least one. */
export function countTogether(items: Iterable<{ bytes: number }>): number {
  let count = 0
  let sum = 0
  for (const { bytes } of items) {
    sum += bytes
    if (sum > bytesPerRead && count > 0) return count
    count += 1
  }
  return count
}

/** Positions above the first and not above the other. */
export interface Span {
  after: number
  upTo: number
}

/** What a log is, for whoever follows it. */
export interface LogShape<Row extends LogRow> {
  table: string
  /** The columns of a row as it is followed, the long ones last, as they lie in it. */
  columns: string
  /** Bytes that the long columns take, without reading them. */
  bytes: string
  /** About the same of a row that was read. */
  bytesOf(row: Row): number
  /** Milliseconds between two looks for what other processes have written. */
  lookMilliseconds: number
  /** Commits that follow each other closely are read together: a read for each would cost as much as they do. */
  restMilliseconds: number
  /** What is remembered of the newest rows: how many, and bytes of their long columns. */
  recentMax: { rows: number; bytes: number }
}

/** A table whose rows get positions that rise as they are committed, and are not changed. */
export interface Log<Row extends LogRow> extends LogShape<Row> {
  /** The first rows of a span, in order; everybody's without a scope. */
  read(reader: Reader, span: Span, scope?: Scope): Promise<Row[]>
  /** Shortens a span so that the rows in it are no more, in number and bytes, than may be read at a time. */
  shorten(reader: Reader, span: Span, scope?: Scope): Promise<Span>
  /** The highest position of all; 0 where there are no rows. */
  readLast(reader: Reader): Promise<number>
}

export function defineLog<Row extends LogRow>(shape: LogShape<Row>): Log<Row> {
  const { table, columns, bytes } = shape
  const select = <Selected>(what: string) =>
    statementsByBounds<Selected>(
      (conditions) =>
        `SELECT ${what} FROM ${table} WHERE ${[...conditions, 'position > ?', 'position <= ?'].join(' AND ')}
         ORDER BY position LIMIT ${rowsPerRead}`,
    )
  const selectSizes = select<{ position: number; bytes: number }>(`position, ${bytes} AS bytes`)
  const selectNext = select<Row>(columns)
  const selectLast = sql<{ last: number | null }>(`SELECT max(position) AS last FROM ${table}`)

  return {
    ...shape,
    async read(reader, { after, upTo }, scope) {
      const bounds = boundsOf(scope)
      return reader.all(selectNext(bounds), ...bounds, after, upTo)
    },
    async shorten(reader, { after, upTo }, scope) {
      const bounds = boundsOf(scope)
      const items = await reader.all(selectSizes(bounds), ...bounds, after, upTo)
      const count = countTogether(items)
      const isCut = count < items.length || count === rowsPerRead
      return { after, upTo: isCut ? (items[count - 1]?.position ?? upTo) : upTo }
    },
    async readLast(reader) {
      return (await reader.get(selectLast))?.last ?? 0
    },
  }
}
