import { type Reader, sql } from '../../database/database.ts'
import { readEnds } from './pages.ts'

/**
 * By how much a node's clock may be wrong, in milliseconds, so that its changes are found by their time: positions rise in the
 * order of commits, and times nearly do.
 */
const clockErrorMax = 30 * 60 * 1_000

const selectNext = sql<{ position: number; changed_at: number }>(
  'SELECT position, changed_at FROM changes WHERE position >= ? ORDER BY position LIMIT 1',
)

/** The lowest position from which on all changes are later than a time; found by halves, since no index has times. */
async function positionAfter(reader: Reader, time: number): Promise<number> {
  const { first, last } = await readEnds(reader)
  let low = first
  let high = last + 1
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const next = await reader.get(selectNext, middle)
    if (!next || next.position >= high || next.changed_at > time) high = middle
    else low = next.position + 1
  }
  return low
}

/** The positions between which all changes from one time until another stand, and hardly any others. */
export async function positionsBetween(
  reader: Reader,
  { from, until }: { from: number | undefined; until: number | undefined },
): Promise<{ lowest: number; before: number }> {
  const lowest = from === undefined ? 0 : await positionAfter(reader, from - 2 * clockErrorMax)
  const before =
    until === undefined
      ? Number.MAX_SAFE_INTEGER
      : await positionAfter(reader, until + 2 * clockErrorMax)
  return { lowest, before }
}
