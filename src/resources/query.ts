import type { FastifyRequest } from 'fastify'
import { findUnkeepable } from '../documents/characters.ts'
import { compose, fold, type Members, unshowable } from '../documents/normalise.ts'
import type { Schema } from '../documents/vocabulary.ts'
import { type Fault, invalid, refuseIfAny } from '../errors.ts'
import { type Answer, representation } from '../http/answer.ts'
import { componentName } from '../http/openapi/components.ts'
import { meaningful, type Query, repeatedParameter, unknownParameter } from '../http/query.ts'

/** The most items that one answer holds when the client asks for pages. */
export const pageSizeMax = 1_000

/** More than anybody combines: each is looked at for every item of the list. */
const filtersMax = 10

const operators = ['Starts', 'Contains', 'Equals'] as const

/** A field of a list, as it is compared: as it is written, or without case. */
export interface Compared {
  field: string
  isSensitive: boolean
}

export interface Filter extends Compared {
  operator: (typeof operators)[number]
  /** Composed as what is kept, and folded where case does not matter. */
  value: string
}

export interface Order extends Compared {
  isDescending: boolean
}

/** What a request wants of a list, in the words of the API. Whatever keeps the items answers it in its own way. */
export interface ListQuery {
  /** 1 for the first. */
  startIndex: number
  /** Undefined for the whole list. */
  pageSize: number | undefined
  /** An item is shown that matches all of them. */
  filters: readonly Filter[]
  /** Most significant first; the key decides between equals. */
  order: readonly Order[]
}

/** Some of a list's items, and how many there are on all. */
export interface Page<Row> {
  rows: Row[]
  total: number
}

/** Reads a whole number from 1 on; 1 for what is none. */
export function readCount(name: string, text: string, most: number, faults: Fault[]): number {
  const count = Number(text)
  if (/^\d{1,10}$/.test(text) && count >= 1 && count <= most) return count
  faults.push(invalid(name, `The '${name}' parameter must be a whole number from 1 to ${most}.`))
  return 1
}

function readOrder(text: string, fields: readonly string[], faults: Fault[]): Order[] {
  const parts = text.split(',')
  const order = parts.flatMap((part) => {
    const [, sensitivity, direction, field = ''] =
      /^(sensitive|insensitive)(Ascending|Descending)(\w+)$/.exec(part.trim()) ?? []
    if (!fields.includes(field)) return []
    return [
      { field, isSensitive: sensitivity === 'sensitive', isDescending: direction === 'Descending' },
    ]
  })
  if (order.length < parts.length) {
    const message =
      "The 'sortOrders' parameter is sensitive or insensitive, Ascending or Descending, and one of " +
      `${fields.join(', ')}, as in 'insensitiveAscending${fields[0]}'.`
    faults.push(invalid('sortOrders', message))
  }
  return order
}

/** A filter, or what is wrong with it. */
function readFilter(name: string, value: string, fields: readonly string[]): Filter | Fault {
  const [, sensitivity, field = '', ending] =
    /^(sensitive|insensitive)(\w+)(Starts|Contains|Equals)$/.exec(name) ?? []
  const operator = operators.find((one) => one === ending)
  if (!operator || !fields.includes(field)) return unknownParameter(name)
  const character = findUnkeepable(value)
  if (character !== undefined) return unshowable(`'${name}' parameter`, name, character)
  const isSensitive = sensitivity === 'sensitive'
  const text = compose(value)
  return { field, operator, isSensitive, value: isSensitive ? text : fold(text) }
}

function isSame(one: Filter, other: Filter): boolean {
  return (
    one.field === other.field &&
    one.operator === other.operator &&
    one.isSensitive === other.isSensitive &&
    one.value === other.value
  )
}

/**
 * Reads paging, sort orders and filters.
 *
 * @param fields the names of the fields by which the list is filtered and sorted.
 * @throws Refusal (2) naming each parameter that is unknown or wrong: a misspelt filter must not show everything.
 */
export function readListQuery(
  query: Query,
  fields: readonly string[],
  pageSizeDefault: number | undefined,
): ListQuery {
  const faults: Fault[] = []
  const filters: Filter[] = []
  const order: Order[] = []
  let startIndex = 1
  let pageSize = pageSizeDefault
  for (const name of ['startIndex', 'pageSize']) {
    if (Array.isArray(query[name])) faults.push(repeatedParameter(name))
  }
  for (const [name, value] of meaningful(query)) {
    if (name === 'startIndex') startIndex = readCount(name, value, 1_000_000_000, faults)
    else if (name === 'pageSize') pageSize = readCount(name, value, pageSizeMax, faults)
    else if (name === 'sortOrders') order.push(...readOrder(value, fields, faults))
    else {
      const filter = readFilter(name, value, fields)
      if (!('operator' in filter)) faults.push(filter)
      else if (!filters.some((one) => isSame(one, filter))) filters.push(filter)
    }
  }
  if (filters.length > filtersMax) {
    faults.push({ code: 2, message: `A list takes at most ${filtersMax} different filters.` })
  }
  refuseIfAny(faults)
  return { startIndex, pageSize, filters, order }
}

/** What a path holds only percent-encoded (RFC 3986, 3.3), and a lenient parser took as it came. */
const notInPath = /[^\w%/.~!$&'()*+,;=:@-]/g

/** Tells where the next page is: the same request, but for `changes` of its parameters. */
export function linkToNext(
  request: FastifyRequest,
  changes: Readonly<Record<string, string>>,
): { link: string } {
  const [path = '', ...search] = request.url.split('?')
  const parameters = new URLSearchParams(search.join('?'))
  for (const [name, value] of Object.entries(changes)) parameters.set(name, value)
  const target = path.replaceAll(notInPath, encodeURIComponent)
  return { link: `<${target}?${parameters}>; rel="next"` }
}

/** Tells the total, and where the next page is. */
function pageHeaders(
  request: FastifyRequest,
  query: ListQuery,
  page: Page<unknown>,
): Record<string, string> {
  const total = { 'x-total-count': String(page.total) }
  const next = query.startIndex + page.rows.length
  if (next > page.total || page.rows.length === 0) return total
  return { ...total, ...linkToNext(request, { startIndex: String(next) }) }
}

/**
 * The answer to a list request.
 *
 * @param list the member that has the items, and what else is told beside it.
 */
export function pageAnswer(
  request: FastifyRequest,
  { query, page }: { query: ListQuery; page: Page<string> },
  { member, totals = {} }: { member: string; totals?: Members },
): Answer {
  const beside = Object.entries(totals).map(
    ([name, total]) => `,"${name}":${JSON.stringify(total)}`,
  )
  const text = `{"${member}":[${page.rows.join(',')}]${beside.join('')}}`
  return representation(text, pageHeaders(request, query, page))
}

const relations = { Starts: 'starts with', Contains: 'contains', Equals: 'equals' }

/** All filters of a field; one of a name means the same in every list, so that they share what OpenAPI says of it. */
function filtersOf(field: string): [string, Schema][] {
  return ['sensitive', 'insensitive'].flatMap((sensitivity) =>
    operators.map((operator): [string, Schema] => {
      const name = `${sensitivity}${field}${operator}`
      const regard = sensitivity === 'sensitive' ? 'with' : 'without'
      const description = `Only items whose ${field} ${relations[operator]} this, ${regard} regard to case.`
      return [name, { component: componentName(name), type: 'string', description }]
    }),
  )
}

/** The query parameters of a list, for OpenAPI. */
export function listParameters(
  fields: readonly string[],
  isPaged: boolean,
): Record<string, Schema> {
  return {
    startIndex: {
      component: 'StartIndex',
      type: 'integer',
      minimum: 1,
      default: 1,
      description: 'First item to show.',
    },
    pageSize: {
      component: isPaged ? 'PageSize' : 'PageSizeOrAll',
      type: 'integer',
      minimum: 1,
      maximum: pageSizeMax,
      ...(isPaged && { default: pageSizeMax }),
      description: isPaged ? 'Items to show.' : 'Items to show; all of them without it.',
    },
    sortOrders: {
      type: 'string',
      description: `{sensitive|insensitive}{Ascending|Descending}{${fields.join('|')}}, several with commas.`,
    },
    ...Object.fromEntries(fields.flatMap(filtersOf)),
  }
}
