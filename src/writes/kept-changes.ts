import { type Reader, type Statement, sql } from '../database/database.ts'
import type { Scope } from './record.ts'

/** A change as it is kept. */
export interface KeptChange {
  position: number
  tenant_key: string
  group_key: string
  route_point_key: string
  /** Milliseconds since 1970, by the clock of the node that wrote it. */
  changed_at: number
  changed_by: string
  address: string | null
  token_name: string | null
  request_id: string | null
  action: string
  /** '' of changes before there were kinds. */
  kind: string
  target: string
  before_value: string | null
  after_value: string | null
  because: string | null
}

/** The columns of a kept change, with the values last, as they lie in a row. */
export const keptColumns = `position, tenant_key, group_key, route_point_key, changed_at, changed_by, address, token_name,
  request_id, action, kind, target, before_value, after_value, because`

const scopeColumns = ['tenant_key', 'group_key', 'route_point_key'] as const

/** What bounds a scope, from the tenant down as far as it goes; nothing bounds everybody's changes. */
export function boundsOf(scope: Scope | undefined): string[] {
  const { tenantKey, groupKey, routePointKey } = scope ?? {}
  return [tenantKey, groupKey, routePointKey].filter((key) => key !== undefined)
}

/** Whether a change is of a scope, or of what is below it. */
export function isOfScope(change: KeptChange, scope: Scope | undefined): boolean {
  const bounds = boundsOf(scope)
  return scopeColumns.every((column, index) => change[column] === (bounds[index] ?? change[column]))
}

/** A statement by its bounds, one for each number of them: for everybody's changes, then for a tenant's, a group's and a route point's. */
export function statementsByBounds<Row>(
  textOf: (conditions: readonly string[]) => string,
): (bounds: readonly string[]) => Statement<Row> {
  const statements = [0, 1, 2, 3].map((count) => {
    const bounds = scopeColumns.slice(0, count)
    // The indexes of groups and route points are partial, and used where a statement says so itself.
    const isSet = bounds.slice(1).map((column) => `${column} <> ''`)
    return sql<Row>(textOf([...bounds.map((column) => `${column} = ?`), ...isSet]))
  })
  return (bounds) => {
    const statement = statements[bounds.length]
    if (!statement) throw new Error(`No changes have ${bounds.length} bounds.`)
    return statement
  }
}

/** Changes that are read at a time at most. */
export const changesPerRead = 100

/** Bytes of their values that are read at a time; a single change may have more. */
const bytesPerRead = 256 * 1_024

/** Bytes that a change's values take, without reading them. */
export const bytesColumn =
  'coalesce(octet_length(before_value), 0) + coalesce(octet_length(after_value), 0) AS bytes'

const selectSizes = statementsByBounds<{ position: number; bytes: number }>(
  (conditions) =>
    `SELECT position, ${bytesColumn} FROM changes WHERE ${[...conditions, 'position > ?', 'position <= ?'].join(' AND ')}
     ORDER BY position LIMIT ${changesPerRead}`,
)

const selectNext = statementsByBounds<KeptChange>(
  (conditions) =>
    `SELECT ${keptColumns} FROM changes WHERE ${[...conditions, 'position > ?', 'position <= ?'].join(' AND ')}
     ORDER BY position LIMIT ${changesPerRead}`,
)

/** Positions above the first and not above the other. */
export interface Span {
  after: number
  upTo: number
}

/** The first changes of a span, in order; everybody's without a scope. */
export async function readChanges(
  reader: Reader,
  { after, upTo }: Span,
  scope?: Scope,
): Promise<KeptChange[]> {
  const bounds = boundsOf(scope)
  return reader.all(selectNext(bounds), ...bounds, after, upTo)
}

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

/** Shortens a span so that the changes in it are no more, in number and bytes, than may be read at a time. */
export async function shortenSpan(
  reader: Reader,
  { after, upTo }: Span,
  scope?: Scope,
): Promise<Span> {
  const bounds = boundsOf(scope)
  const items = await reader.all(selectSizes(bounds), ...bounds, after, upTo)
  const count = countTogether(items)
  const isCut = count < items.length || count === changesPerRead
  return { after, upTo: isCut ? (items[count - 1]?.position ?? upTo) : upTo }
}

const selectLast = sql<{ last: number | null }>('SELECT max(position) AS last FROM changes')

/** The highest position of all; 0 where nothing was recorded. */
export async function readLastPosition(reader: Reader): Promise<number> {
  return (await reader.get(selectLast))?.last ?? 0
}
