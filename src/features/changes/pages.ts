import { type Reader, sql } from '../../database/database.ts'
import { nextTurn } from '../../resources/turns.ts'
import { bytesOfValues, type KeptChange, keptColumns } from '../../writes/kept-changes.ts'
import { boundsOf, statementsByBounds } from '../../writes/log.ts'
import type { Scope } from '../../writes/record.ts'

/** What of a change decides whether it is shown, and how long its values are: it is read without them. */
export interface Candidate
  extends Pick<
    KeptChange,
    'position' | 'changed_at' | 'changed_by' | 'action' | 'kind' | 'target'
  > {
  bytes: number
}

/** Changes that one request looks at, at most: with a filter nobody knows how far the next one is that fits it. */
const looksMax = 5_000

/** Changes that one statement looks at: about a millisecond. */
const looksPerTurn = 500

/** Bytes of values that a page holds; a single change may have more. */
const pageBytesMax = 1_024 * 1_024

/** Changes that one statement reads with their values. */
const readTogether = 50

const lookWithin = statementsByBounds<Candidate>(
  (conditions) =>
    `SELECT position, changed_at, changed_by, action, kind, target, ${bytesOfValues} AS bytes
     FROM changes WHERE ${[...conditions, 'position < ?', 'position >= ?'].join(' AND ')}
     ORDER BY position DESC LIMIT ?`,
)

const selectChanges = sql<KeptChange>(
  `SELECT ${keptColumns} FROM changes WHERE position IN (${Array(readTogether).fill('?').join(', ')})`,
)

/** What a page is looked for in. */
export interface Search {
  /** Everybody's changes without it. */
  scope: Scope | undefined
  /** The positions that are looked at: from `lowest`, and below `before`. */
  lowest: number
  before: number
  pageSize: number
  /** Whether any change is shown. */
  isWhole: boolean
  matches(change: Candidate): boolean
}

interface Found {
  positions: number[]
  /** Below which position the next page is looked for; undefined where there is none. */
  next: number | undefined
}

/** Finds the next page, newest first, and looks at a bounded number of changes, be there any that match or not. */
async function find(reader: Reader, search: Search): Promise<Found> {
  const { scope, lowest, pageSize, isWhole, matches } = search
  const bounds = boundsOf(scope)
  const look = lookWithin(bounds)
  const step = isWhole ? Math.min(pageSize + 1, looksPerTurn) : looksPerTurn
  const positions: number[] = []
  let { before } = search
  let bytes = 0
  for (let looked = 0; looked < looksMax; looked += step) {
    if (looked > 0) await nextTurn()
    const candidates = await reader.all(look, ...bounds, before, lowest, step)
    for (const candidate of candidates) {
      if (matches(candidate)) {
        bytes += candidate.bytes
        const isFull = positions.length === pageSize || bytes > pageBytesMax
        if (isFull && positions.length > 0) return { positions, next: before }
        positions.push(candidate.position)
      }
      before = candidate.position
    }
    if (candidates.length < step) return { positions, next: undefined }
  }
  return { positions, next: before }
}

/** Changes with their values, in the order of their positions. */
async function read(reader: Reader, positions: readonly number[]): Promise<KeptChange[]> {
  const changes = new Map<number, KeptChange>()
  for (let first = 0; first < positions.length; first += readTogether) {
    if (first > 0) await nextTurn()
    const some = positions.slice(first, first + readTogether)
    const none = Array<number>(readTogether - some.length).fill(-1)
    const rows = await reader.all(selectChanges, ...some, ...none)
    for (const change of rows) changes.set(change.position, change)
  }
  return positions.flatMap((position) => changes.get(position) ?? [])
}

/** Reads a page of changes, newest first, and where the next one begins. */
export async function readChangesPage(
  reader: Reader,
  search: Search,
): Promise<{ changes: KeptChange[]; next: number | undefined }> {
  const { positions, next } = await find(reader, search)
  return { changes: await read(reader, positions), next }
}

// The condition of the index must stand in the statement as it stands there.
const selectCreation = sql<{ position: number | null }>(
  `SELECT max(position) AS position FROM changes
   WHERE tenant_key = ? AND group_key = ? AND route_point_key = ?
     AND action = 'create' AND kind IN ('tenant', 'group', 'routePoint')`,
)

/**
 * The position from which on the record is of the tenant, group or route point that there is now, and not of an earlier one
 * with the same id; 0 where its creation is no longer kept, since then nothing before it is either.
 */
export async function readCreation(reader: Reader, scope: Scope): Promise<number> {
  const { tenantKey, groupKey = '', routePointKey = '' } = scope
  return (await reader.get(selectCreation, tenantKey, groupKey, routePointKey))?.position ?? 0
}

const selectEnds = sql<{ first: number | null; last: number | null }>(
  'SELECT (SELECT min(position) FROM changes) AS first, (SELECT max(position) FROM changes) AS last',
)

/** The first and the last position that are kept; 1 and 0 where there is none. */
export async function readEnds(reader: Reader): Promise<{ first: number; last: number }> {
  const { first, last } = (await reader.get(selectEnds)) ?? {}
  return { first: first ?? 1, last: last ?? 0 }
}
