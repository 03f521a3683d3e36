import { type Reader, sql, type Value, whereEqual } from '../../../database/database.ts'
import { nextTurn } from '../../../resources/turns.ts'
import type { RoutePointKey } from '../../route-points/route-point.ts'
import {
  type Grouping,
  measureColumns,
  measures,
  measuresOfFigures,
  measuresOfRecords,
  sources,
} from './measures.ts'
import { figuresUntil } from './record.ts'
import { spans } from './roll.ts'

/** Which figures are asked for. */
export interface FiguresQuery {
  /** Milliseconds since 1970: where the first interval begins, and the last one ends. */
  from: number
  to: number
  /** Of each interval. */
  milliseconds: number
  by: Grouping
}

/** The figures of an interval, or of what is named in it, as they are kept. */
export interface FiguresRow {
  /** 0 for the first interval. */
  slot: number
  name: string
  level: string
  /** Id of the user whom an agent's key names, as long as there is one. */
  user_id: string | null
  [measure: string]: Value
}

/** The longest kept span of which intervals are made up. */
export function spanOf({ from, to, milliseconds }: FiguresQuery): number {
  const hour = spans.hour * 1_000
  const isWhole = [from, to, milliseconds].every((moment) => moment % hour === 0)
  return isWhole ? spans.hour : spans.quarter
}

const dayMilliseconds = 86_400_000

/** Days that are read in one turn: some ten thousand rows, since in each span there are as many as agents, or codes. */
const daysPerTurn = { together: 100, bySomething: 7 }

const scope = ['tenant_key', 'group_key', 'route_point_key']
const parts = 'slot, name, level'

const slotOf = (moment: string) => `(${moment} - CAST(? AS BIGINT)) / CAST(? AS BIGINT) AS slot`

/**
 * Whose the records are. Codes are found by their time: what is not counted yet is a matter of hours, be it of everybody, while the index
 * that has a route point has all codes that it ever had. An expression keeps SQLite from that one.
 */
function scopeOf(table: 'records' | 'codes'): string {
  if (table === 'records') return whereEqual(scope, table)
  return scope.map((column) => `(codes.${column} || '') = ?`).join(' AND ')
}

/** What was counted, and what is not yet: since when that is, is looked up in the same moment. */
function statementOf(by: Grouping, span: number) {
  const { from, table, name, level } = sources[by]
  const since = `(SELECT CASE WHEN ${figuresUntil} > ? THEN ${figuresUntil} ELSE ? END)`
  const users =
    by === 'agent'
      ? '(SELECT user_id FROM users WHERE tenant_key = ? AND group_key = ? AND user_key = name)'
      : 'NULL'
  return sql<FiguresRow>(
    `SELECT ${parts}, ${measuresOfFigures}, ${users} AS user_id FROM (
       SELECT ${slotOf('began_at')}, name, level, ${measureColumns} FROM call_figures
       WHERE ${whereEqual(scope)} AND seconds = ${span} AND by_what = '${by}' AND began_at >= ? AND began_at < ?
       UNION ALL
       SELECT ${slotOf(`${table}.ended_at`)}, ${name} AS name, ${level} AS level, ${measuresOfRecords} FROM ${from}
       WHERE ${scopeOf(table)} AND ${table}.ended_at >= ${since} AND ${table}.ended_at < ?
       GROUP BY ${[1, 2, 3].join(', ')}
     ) AS counted GROUP BY ${parts} LIMIT ?`,
  )
}

/** Figures of a part of the time; each part tells all that there is of it at one moment. */
function readPart(
  reader: Reader,
  routePoint: RoutePointKey,
  {
    query,
    begin,
    end,
    rowsMax,
  }: { query: FiguresQuery; begin: number; end: number; rowsMax: number },
): Promise<FiguresRow[]> {
  const { from, milliseconds, by } = query
  const [tenantKey, groupKey] = routePoint
  const slots = [from, milliseconds]
  const values: Value[] = [
    ...(by === 'agent' ? [tenantKey, groupKey] : []),
    ...[...slots, ...routePoint, begin, end],
    ...[...slots, ...routePoint, begin, begin, end],
  ]
  return reader.all(statementOf(by, spanOf(query)), ...values, rowsMax)
}

/** Adds what a part has to what those before it had of the same. */
function add(sums: Map<string, FiguresRow>, row: FiguresRow): void {
  const key = `${row.slot} ${row.level} ${row.name}`
  const sum = sums.get(key)
  sums.set(key, row)
  if (!sum) return
  for (const { column, together } of measures) {
    const [one, other] = [Number(sum[column]), Number(row[column])]
    row[column] = together === 'sum' ? one + other : Math.max(one, other)
  }
}

const compare = (one: string, other: string) => Number(one > other) - Number(one < other)

/**
 * Reads figures in the order of their intervals, and in each of their names.
 *
 * @param rowsMax where there are more, some more than so many are answered, and not all.
 */
export async function readFigures(
  reader: Reader,
  routePoint: RoutePointKey,
  { query, rowsMax }: { query: FiguresQuery; rowsMax: number },
): Promise<FiguresRow[]> {
  const { from, to, by } = query
  const step = (by === '' ? daysPerTurn.together : daysPerTurn.bySomething) * dayMilliseconds
  const sums = new Map<string, FiguresRow>()
  for (let begin = from; begin < to && sums.size <= rowsMax; begin += step) {
    if (begin > from) await nextTurn()
    const part = { query, begin, end: Math.min(begin + step, to), rowsMax: rowsMax + 1 }
    for (const row of await readPart(reader, routePoint, part)) add(sums, row)
  }
  return [...sums.values()].sort(
    (one, other) =>
      one.slot - other.slot || compare(one.name, other.name) || compare(one.level, other.level),
  )
}
