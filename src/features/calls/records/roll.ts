import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import { type Database, sql, type Transaction } from '../../../database/database.ts'
import {
  type Grouping,
  groupings,
  measureColumns,
  measures,
  measuresOfRecords,
  sources,
} from './measures.ts'
import { figuresUntil, quarterMilliseconds } from './record.ts'

/** Calls that ended so long ago no longer change: their codes could, until an hour after their end, by clocks that are not quite right. */
export const settledMilliseconds = 7_200_000

/** Seconds of the spans of which figures are kept. */
export const spans = { quarter: 900, hour: 3_600 } as const

/** How often it is looked whether a quarter of an hour has settled. */
const lookMilliseconds = 60_000

/** The shortest rest between two steps, in milliseconds; one that took longer rests as long. */
const restMilliseconds = 5

const keyColumns = 'tenant_key, group_key, route_point_key, seconds, by_what, began_at, name, level'

/** Figures of the calls that ended from one moment on and before another, as those of the quarter that began at a third. */
function countQuarter(grouping: Grouping) {
  const { from, table, name, level } = sources[grouping]
  const whose = ['tenant_key', 'group_key', 'route_point_key'].map((column) => `${table}.${column}`)
  return sql(
    `INSERT INTO call_figures (${keyColumns}, ${measureColumns})
     SELECT ${whose.join(', ')}, ${spans.quarter}, '${grouping}', CAST(? AS BIGINT), ${name}, ${level}, ${measuresOfRecords}
     FROM ${from} WHERE ${table}.ended_at >= ? AND ${table}.ended_at < ?
     GROUP BY ${[...whose, name, level].filter((column) => column !== "''").join(', ')}`,
  )
}

const countQuarters = (['', ...groupings] as const).map(countQuarter)

const added = measures.map(({ column, together }) => {
  const [kept, more] = [`call_figures.${column}`, `excluded.${column}`]
  const larger = `CASE WHEN ${more} > ${kept} THEN ${more} ELSE ${kept} END`
  return `${column} = ${together === 'sum' ? `${kept} + ${more}` : larger}`
})

// The hour is what has been counted of it.
const addToHour = sql(
  `INSERT INTO call_figures (${keyColumns}, ${measureColumns})
   SELECT tenant_key, group_key, route_point_key, ${spans.hour}, by_what, CAST(? AS BIGINT), name, level, ${measureColumns}
   FROM call_figures WHERE began_at = ? AND seconds = ${spans.quarter}
   ON CONFLICT (${keyColumns}) DO UPDATE SET ${added.join(', ')}`,
)

const selectUntil = sql<{ until_at: number }>(`SELECT ${figuresUntil} AS until_at`)
const selectNext = sql<{ ended_at: number | null }>(
  'SELECT min(ended_at) AS ended_at FROM call_records WHERE ended_at >= ?',
)
const moveUntil = sql(
  `INSERT INTO call_figures_until (one, until_at) VALUES (1, ?)
   ON CONFLICT (one) DO UPDATE SET until_at = excluded.until_at`,
)

const beginOf = (moment: number, milliseconds: number) => moment - (moment % milliseconds)

async function countOne(transaction: Transaction, began: number): Promise<void> {
  const ended = began + quarterMilliseconds
  for (const statement of countQuarters) await transaction.run(statement, began, began, ended)
  await transaction.run(addToHour, beginOf(began, spans.hour * 1_000), began)
}

/**
 * Makes the figures of the next quarter of an hour in which calls ended, where it has settled, and moves on up to which they are made, both
 * or neither: of two nodes that do so at once one finds that the other has.
 *
 * @param now milliseconds since 1970.
 * @returns whether there may be more to do, and nobody else is at it.
 */
export async function rollOnce(database: Database, now: number): Promise<boolean> {
  const limit = beginOf(now - settledMilliseconds, quarterMilliseconds)
  const until = (await database.get(selectUntil))?.until_at ?? 0
  if (until >= limit) return false
  return database.write(async (transaction) => {
    // Whoever moves it on meanwhile goes on, and two would only be in each other's way.
    if (((await transaction.get(selectUntil))?.until_at ?? 0) !== until) return false
    const next = (await transaction.get(selectNext, until))?.ended_at ?? limit
    const began = beginOf(next, quarterMilliseconds)
    const isSettled = began < limit
    const reached = isSettled ? began + quarterMilliseconds : limit
    await transaction.run(moveUntil, reached)
    if (isSettled) await countOne(transaction, began)
    return reached < limit
  }, 'keys')
}

/**
 * Makes figures as records settle, and of all there are at the first start, step by step beside all else.
 *
 * @returns what ends it, after the step that is under way.
 */
export function keepRolling(
  database: Database,
  logger: Pick<FastifyBaseLogger, 'warn'>,
): () => Promise<void> {
  const stopping = new AbortController()
  const { signal } = stopping

  async function roll(): Promise<void> {
    for (let isMore = true; isMore && !signal.aborted; ) {
      const since = performance.now()
      isMore = await rollOnce(database, Date.now())
      if (isMore) await delay(Math.max(restMilliseconds, performance.now() - since))
    }
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      try {
        await roll()
      } catch (error) {
        logger.warn({ err: error }, 'Figures of calls could not be made; it is tried again later')
      }
      await delay(lookMilliseconds, undefined, { signal }).catch(() => {})
    }
  }

  const ended = run()
  return async () => {
    stopping.abort()
    await ended
  }
}
