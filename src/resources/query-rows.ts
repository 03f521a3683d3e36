import { fold } from '../documents/normalise.ts'
import type { Compared, Filter, ListQuery, Page } from './query.ts'

/** How a list of rows in memory is read: what each field says of a row, and what tells rows apart. */
export interface RowSource<Row> {
  fields: Readonly<Record<string, (row: Row) => string>>
  key(row: Row): string
}

const tests: Record<Filter['operator'], (text: string, value: string) => boolean> = {
  Equals: (text, value) => text === value,
  Contains: (text, value) => text.includes(value),
  Starts: (text, value) => text.startsWith(value),
}

/** In the order of code points, as databases sort; that of UTF-16 puts the characters past U+FFFF before U+E000. */
function compareTexts(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}

/** Answers a list request from rows in memory, for whatever keeps them elsewhere than in a database. */
export function pageOf<Row>(
  rows: readonly Row[],
  { fields, key }: RowSource<Row>,
  query: ListQuery,
): Page<Row> {
  function textOf(row: Row, { field, isSensitive }: Compared): string {
    const read = fields[field]
    if (!read) throw new Error(`The list has no field ${field}.`)
    return isSensitive ? read(row) : fold(read(row))
  }

  function compare(one: Row, other: Row): number {
    for (const order of query.order) {
      const result = compareTexts(textOf(one, order), textOf(other, order))
      if (result !== 0) return order.isDescending ? -result : result
    }
    return compareTexts(key(one), key(other))
  }

  const found = rows
    .filter((row) => query.filters.every((one) => tests[one.operator](textOf(row, one), one.value)))
    .sort(compare)
  const start = query.startIndex - 1
  const end = query.pageSize === undefined ? undefined : start + query.pageSize
  return { rows: found.slice(start, end), total: found.length }
}
