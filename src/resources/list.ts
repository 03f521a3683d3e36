import type { FastifyReply, FastifyRequest } from 'fastify'
import { type Reader, sql, type Value } from '../database/database.ts'
import { findUnkeepable } from '../documents/characters.ts'
import { compose, fold, unshowable } from '../documents/normalise.ts'
import type { Schema } from '../documents/vocabulary.ts'
import { type Fault, invalid, refuseIfAny } from '../errors.ts'
import { meaningful, type Query, repeatedParameter, unknownParameter } from '../http/query.ts'
import { nextTurn } from './turns.ts'

/** The most items that one answer holds when the client asks for pages. */
export const pageSizeMax = 1_000

/** The columns, or expressions, behind one field of a list: as shown, and folded for comparison without case. */
export interface ListField {
  column: string
  folded: string
  /** The join that `folded` is read from where it is no column of the list's own; made only when it is asked for. */
  join?: string
}

/** The fields by which a list is filtered and sorted, by the name that they have in parameters. */
export type ListFields = Readonly<Record<string, ListField>>

/** A field whose column has a folded one beside it. */
export function caseless(column: string): ListField {
  return { column, folded: `${column}_key` }
}

/** A field without letters. */
export function exact(column: string): ListField {
  return { column, folded: column }
}

/** More than anybody combines: each is looked at for every item of the list. */
const filtersMax = 10

interface Column {
  column: string
  join: string | undefined
}

interface Condition {
  sql: string
  values: Value[]
  join: string | undefined
}

interface ListOrder extends Column {
  direction: string | undefined
}

export interface ListQuery {
  startIndex: number
  /** Undefined for the whole list. */
  pageSize: number | undefined
  conditions: Condition[]
  /** Most significant first. */
  order: ListOrder[]
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

function condition({ column, join }: Column, operator: string, value: string): Condition {
  if (operator === 'Equals') return { sql: `${column} = ?`, values: [value], join }
  if (operator === 'Contains') return { sql: `instr(${column}, ?) > 0`, values: [value], join }
  const end = successor(value)
  if (end === undefined) return { sql: `${column} >= ?`, values: [value], join }
  return { sql: `${column} >= ? AND ${column} < ?`, values: [value, end], join }
}

function readCount(name: string, text: string, most: number, faults: Fault[]): number {
  const count = Number(text)
  if (/^\d{1,10}$/.test(text) && count >= 1 && count <= most) return count
  faults.push(invalid(name, `The '${name}' parameter must be a whole number from 1 to ${most}.`))
  return 1
}

function pickColumn(fields: ListFields, sensitivity: string, field: string): Column | undefined {
  const found = Object.hasOwn(fields, field) ? fields[field] : undefined
  if (!found) return undefined
  if (sensitivity === 'sensitive') return { column: found.column, join: undefined }
  return { column: found.folded, join: found.join }
}

function readOrder(text: string, fields: ListFields, faults: Fault[]): ListOrder[] {
  const order = text.split(',').flatMap((part) => {
    const [, sensitivity = '', direction, field = ''] =
      /^(sensitive|insensitive)(Ascending|Descending)(\w+)$/.exec(part.trim()) ?? []
    const column = pickColumn(fields, sensitivity, field)
    return column ? [{ ...column, direction }] : []
  })
  if (order.length < text.split(',').length) {
    const message =
      "The 'sortOrders' parameter is sensitive or insensitive, Ascending or Descending, and one of " +
      `${Object.keys(fields).join(', ')}, as in 'insensitiveAscending${Object.keys(fields)[0]}'.`
    faults.push(invalid('sortOrders', message))
  }
  return order
}

/** A filter, or what is wrong with it. */
function readFilter(name: string, value: string, fields: ListFields): Condition | Fault {
  const [, sensitivity = '', field = '', operator = ''] =
    /^(sensitive|insensitive)(\w+)(Starts|Contains|Equals)$/.exec(name) ?? []
  const column = pickColumn(fields, sensitivity, field)
  if (!column) return unknownParameter(name)
  const character = findUnkeepable(value)
  if (character !== undefined) return unshowable(`'${name}' parameter`, name, character)
  const text = compose(value)
  return condition(column, operator, sensitivity === 'sensitive' ? text : fold(text))
}

function isSame(one: Condition, other: Condition): boolean {
  return one.sql === other.sql && one.values[0] === other.values[0]
}

/**
 * Reads paging, sort orders and filters.
 *
 * @throws Refusal (2) naming each parameter that is unknown or wrong: a misspelt filter must not show everything.
 */
export function readListQuery(
  query: Query,
  fields: ListFields,
  pageSizeDefault: number | undefined,
): ListQuery {
  const faults: Fault[] = []
  const read: ListQuery = { startIndex: 1, pageSize: pageSizeDefault, conditions: [], order: [] }
  for (const name of ['startIndex', 'pageSize']) {
    if (Array.isArray(query[name])) faults.push(repeatedParameter(name))
  }
  for (const [name, value] of meaningful(query)) {
    if (name === 'startIndex') read.startIndex = readCount(name, value, 1_000_000_000, faults)
    else if (name === 'pageSize') read.pageSize = readCount(name, value, pageSizeMax, faults)
    else if (name === 'sortOrders') read.order.push(...readOrder(value, fields, faults))
    else {
      const filter = readFilter(name, value, fields)
      if (!('sql' in filter)) faults.push(filter)
      else if (!read.conditions.some((one) => isSame(one, filter))) read.conditions.push(filter)
    }
  }
  if (read.conditions.length > filtersMax) {
    faults.push({ code: 2, message: `A list takes at most ${filtersMax} different filters.` })
  }
  refuseIfAny(faults)
  return read
}

export interface ListSource {
  /** A table, a view, or a join. */
  from: string
  columns: readonly string[]
  /** The columns that bound the list, and their values. */
  scope: Record<string, string>
  /** The column, or several with commas, that orders items and tells them apart. */
  key: string
}

/** Some of a list's items, and how many there are on all. */
export interface Page<Row> {
  rows: Row[]
  total: number
}

function countOf(from: string) {
  return sql<{ total: number }>(`SELECT count(*) AS total ${from}`)
}

/** Reads one page, and how many items there are on all. */
export async function readPage<Row>(
  reader: Reader,
  source: ListSource,
  query: ListQuery,
): Promise<Page<Row>> {
  const { conditions } = query
  const scope = Object.keys(source.scope).map((column) => `${column} = ?`)
  const where = [...scope, ...conditions.map((one) => one.sql)].join(' AND ')
  const from = (users: readonly { join: string | undefined }[]) => {
    const joins = new Set(users.flatMap(({ join }) => join ?? []))
    return `FROM ${[source.from, ...joins].join(' ')}${where ? ` WHERE ${where}` : ''}`
  }
  const values = [...Object.values(source.scope), ...conditions.flatMap((one) => one.values)]
  // A column that was compared already tells nothing new, and some are dear.
  const columns = query.order.map(({ column }) => column)
  const compared = query.order.filter(({ column }, index) => columns.indexOf(column) === index)
  const order = compared.map(({ column, direction }) =>
    direction === 'Descending' ? `${column} DESC` : column,
  )
  order.push(source.key)
  const selected = source.columns.join(', ')
  const select = `SELECT ${selected} ${from([...conditions, ...compared])} ORDER BY ${order.join(', ')}`

  if (query.pageSize === undefined && query.startIndex === 1) {
    const rows = await reader.all(sql<Row>(select), ...values)
    return { rows, total: rows.length }
  }
  const pageSize = query.pageSize ?? Number.MAX_SAFE_INTEGER
  const rows = await reader.all(
    sql<Row>(`${select} LIMIT ? OFFSET ?`),
    ...values,
    pageSize,
    query.startIndex - 1,
  )
  if (query.startIndex === 1 && rows.length < pageSize) return { rows, total: rows.length }
  // Both statements may look at every item: others have a turn in between.
  await nextTurn()
  const counted = await reader.get(countOf(from(conditions)), ...values)
  return { rows, total: counted?.total ?? 0 }
}

/** What a path holds only percent-encoded (RFC 3986, 3.3), and a lenient parser took as it came. */
const notInPath = /[^\w%/.~!$&'()*+,;=:@-]/g

/** Tells the total, and where the next page is. */
export function addPageHeaders(
  request: FastifyRequest,
  reply: FastifyReply,
  query: ListQuery,
  page: Page<unknown>,
): void {
  reply.header('x-total-count', String(page.total))
  const next = query.startIndex + page.rows.length
  if (next > page.total || page.rows.length === 0) return
  const [path = '', ...search] = request.url.split('?')
  const parameters = new URLSearchParams(search.join('?'))
  parameters.set('startIndex', String(next))
  const target = path.replaceAll(notInPath, encodeURIComponent)
  reply.header('link', `<${target}?${parameters}>; rel="next"`)
}

/** The query parameters of a list, for OpenAPI. */
export function listParameters(fields: ListFields, isPaged: boolean): Record<string, Schema> {
  const names = Object.keys(fields)
  const filters = names.flatMap((field) =>
    ['sensitive', 'insensitive'].flatMap((sensitivity) =>
      ['Starts', 'Contains', 'Equals'].map((operator) => `${sensitivity}${field}${operator}`),
    ),
  )
  const parameters: Record<string, object> = {
    startIndex: { type: 'integer', minimum: 1, default: 1, description: 'First item to show.' },
    pageSize: {
      type: 'integer',
      minimum: 1,
      maximum: pageSizeMax,
      ...(isPaged && { default: pageSizeMax }),
      description: isPaged ? 'Items to show.' : 'Items to show; all of them without it.',
    },
    sortOrders: {
      type: 'string',
      description: `{sensitive|insensitive}{Ascending|Descending}{${names.join('|')}}, several with commas.`,
    },
    ...Object.fromEntries(filters.map((filter) => [filter, { type: 'string' }])),
  }
  return parameters as Record<string, Schema>
}
