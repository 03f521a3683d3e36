import { type Reader, sql, type Value } from '../database/database.ts'
import type { Compared, Filter, ListQuery, Page } from './query.ts'
import { nextTurn } from './turns.ts'

/** The columns, or expressions, behind one field of a list: as shown, and folded for comparison without case. */
export interface ListField {
  column: string
  folded: string
  /** The join that `folded` is read from where it is no column of the list's own; made only when it is asked for. */
  join?: string
}

/** The fields by which a list is filtered and sorted, by the name that they have in parameters. */
export type ListFields = Readonly<Record<string, ListField>>

export interface ListSource {
  /** A table, a view, or a join. */
  from: string
  columns: readonly string[]
  fields: ListFields
  /** The columns that bound the list, and their values. */
  scope: Record<string, string>
  /** The column, or several with commas, that orders items and tells them apart. */
  key: string
}

interface Column {
  column: string
  join: string | undefined
}

function columnOf(fields: ListFields, { field, isSensitive }: Compared): Column {
  const found = fields[field]
  if (!found) throw new Error(`The list has no field ${field}.`)
  if (isSensitive) return { column: found.column, join: undefined }
  return { column: found.folded, join: found.join }
}

const lastCodePoint = 0x10ffff

/** The code points before and after the surrogates, which no text holds. */
const surrogates = { before: 0xd7ff, after: 0xe000 }

/** The first text by code points after all that start with `prefix`; undefined where none comes after them. */
function successor(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0)
  while (points.at(-1) === lastCodePoint) points.pop()
  const last = points.pop()
  if (last === undefined) return undefined
  return String.fromCodePoint(...points, last === surrogates.before ? surrogates.after : last + 1)
}

interface Condition {
  sql: string
  values: Value[]
}

function conditionOn(column: string, { operator, value }: Filter): Condition {
  if (operator === 'Equals') return { sql: `${column} = ?`, values: [value] }
  if (operator === 'Contains') return { sql: `instr(${column}, ?) > 0`, values: [value] }
  const end = successor(value)
  if (end === undefined) return { sql: `${column} >= ?`, values: [value] }
  return { sql: `${column} >= ? AND ${column} < ?`, values: [value, end] }
}

/** What the items of a page are sorted by; the key comes last. */
function orderOf({ fields, key }: ListSource, { order }: ListQuery) {
  const all = order.map((one) => ({ ...columnOf(fields, one), isDescending: one.isDescending }))
  // A column that was compared already tells nothing new, and some are dear.
  const columns = all.map(({ column }) => column)
  const compared = all.filter(({ column }, index) => columns.indexOf(column) === index)
  const terms = compared.map(({ column, isDescending }) =>
    isDescending ? `${column} DESC` : column,
  )
  return { compared, text: [...terms, key].join(', ') }
}

/** The statements of a list, which share all but the joins that only sorting needs. */
function textsOf(source: ListSource, query: ListQuery) {
  const filtered = query.filters.map((filter) => {
    const column = columnOf(source.fields, filter)
    return { ...column, ...conditionOn(column.column, filter) }
  })
  const scope = Object.keys(source.scope).map((column) => `${column} = ?`)
  const where = [...scope, ...filtered.map((one) => one.sql)].join(' AND ')
  const from = (users: readonly Column[]) => {
    const joins = new Set(users.flatMap(({ join }) => join ?? []))
    return `FROM ${[source.from, ...joins].join(' ')}${where ? ` WHERE ${where}` : ''}`
  }
  const { compared, text } = orderOf(source, query)
  const columns = source.columns.join(', ')
  return {
    select: `SELECT ${columns} ${from([...filtered, ...compared])} ORDER BY ${text}`,
    count: `SELECT count(*) AS total ${from(filtered)}`,
    values: [...Object.values(source.scope), ...filtered.flatMap(({ values }) => values)],
  }
}

/** Reads one page, and how many items there are on all. */
export async function readPage<Row>(
  reader: Reader,
  source: ListSource,
  query: ListQuery,
): Promise<Page<Row>> {
  const { startIndex } = query
  const { select, count, values } = textsOf(source, query)
  if (query.pageSize === undefined && startIndex === 1) {
    const rows = await reader.all(sql<Row>(select), ...values)
    return { rows, total: rows.length }
  }
  const pageSize = query.pageSize ?? Number.MAX_SAFE_INTEGER
  const page = sql<Row>(`${select} LIMIT ? OFFSET ?`)
  const rows = await reader.all(page, ...values, pageSize, startIndex - 1)
  if (startIndex === 1 && rows.length < pageSize) return { rows, total: rows.length }
  // Both statements may look at every item: others have a turn in between.
  await nextTurn()
  const counted = await reader.get(sql<{ total: number }>(count), ...values)
  return { rows, total: counted?.total ?? 0 }
}
