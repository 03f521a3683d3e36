import { busy, type Refusal } from '../errors.ts'
import type { Client } from './clients.ts'

export interface LineLimits {
  /** Pieces of work that are done at the same time. */
  atOnce: number
  /** Those of one payer that are; as many unless told. */
  atOnceEach?: number
  /** Pieces of work that may wait. */
  waitingMax: number
  /** Those of one payer that may wait. */
  waitingEachMax: number
  /** What must have passed after a piece of work that took so long before the next one has its place; nothing unless told. */
  rest?(milliseconds: number): Promise<void>
}

interface Waiting {
  client: Client
  begin(): void
  refuse(): void
}

/** Seconds after which a refused client should try again: a line is worked off in less. */
const retryAfterSeconds = 1

function tooMany(): Refusal {
  return busy('Too many are waiting for this; try again.', retryAfterSeconds)
}

/** The last of those that have the largest size. */
function largestBy<Item>(items: readonly Item[], sizeOf: (item: Item) => number): Item | undefined {
  const most = Math.max(...items.map(sizeOf))
  return items.findLast((item) => sizeOf(item) === most)
}

function longestOf(lines: readonly Waiting[][]): Waiting[] | undefined {
  return largestBy(lines, ({ length }) => length)
}

function countIn(lines: readonly Waiting[][]): number {
  return lines.reduce((count, { length }) => count + length, 0)
}

/** By payer; the one whose turn is next comes first. */
type Lines = Map<string, Waiting[]>

/** Those who have gone must not take the places of others until their turn; answers how many there were. */
function dropGone(lines: Lines): number {
  let count = 0
  for (const [payer, line] of lines) {
    const here = line.filter(({ client }) => !client.isGone())
    const gone = line.filter((one) => !here.includes(one))
    count += gone.length
    for (const { refuse } of gone) refuse()
    line.splice(0, line.length, ...here)
    if (line.length === 0) lines.delete(payer)
  }
  return count
}

/** The line whose last makes room for one more of `client`'s, which has `own` waiting. */
function lineToShorten(
  lines: Lines,
  { payer, site = payer }: Client,
  own: readonly Waiting[],
): Waiting[] | undefined {
  const sites = Map.groupBy(lines.values(), ([first]) => first?.client.site ?? first?.client.payer)
  const neighbours = sites.get(site) ?? []
  const largest = largestBy([...sites.values()], countIn) ?? []
  if (countIn(neighbours) + 1 < countIn(largest)) return longestOf(largest)
  const longest = longestOf(neighbours)
  return longest && longest.length > own.length + 1 ? longest : undefined
}

/** The places of those whose work is being done. */
function createPlaces({ atOnce, atOnceEach = atOnce }: LineLimits) {
  const taken = new Map<string, number>()
  let all = 0
  return {
    hasFor: (payer: string) => all < atOnce && (taken.get(payer) ?? 0) < atOnceEach,
    take(payer: string): void {
      all += 1
      taken.set(payer, (taken.get(payer) ?? 0) + 1)
    },
    leave(payer: string): void {
      all -= 1
      const left = (taken.get(payer) ?? 0) - 1
      if (left > 0) taken.set(payer, left)
      else taken.delete(payer)
    },
  }
}

/**
 * A bounded line in which payers take turns: somebody who comes with one piece of work waits for one of each other
 * payer's, however many those have brought. When all places are taken, the last of the longest line makes room for whoever
 * has a shorter one, first of all in the site that has most waiting.
 */
export function createFairLine(limits: LineLimits) {
  const { waitingMax, waitingEachMax, rest } = limits
  const lines: Lines = new Map()
  const places = createPlaces(limits)
  let waiting = 0

  function beginNext(): void {
    for (const [payer, line] of lines) {
      if (!places.hasFor(payer)) continue
      const next = line.shift()
      lines.delete(payer)
      if (line.length > 0) lines.set(payer, line)
      if (!next) continue
      waiting -= 1
      if (next.client.isGone()) {
        next.refuse()
        continue
      }
      places.take(payer)
      next.begin()
    }
  }

  /** @throws Refusal 503 when `line` is full, or when nobody else has more waiting while all places are taken. */
  function makeRoom(client: Client, line: readonly Waiting[]): void {
    if (line.length < waitingEachMax && waiting < waitingMax) return
    waiting -= dropGone(lines)
    if (line.length >= waitingEachMax) throw tooMany()
    if (waiting < waitingMax) return
    const shortened = lineToShorten(lines, client, line)
    const last = shortened?.pop()
    if (!last) throw tooMany()
    waiting -= 1
    if (shortened?.length === 0) lines.delete(last.client.payer)
    last.refuse()
  }

  async function enter(client: Client): Promise<void> {
    if (places.hasFor(client.payer)) {
      places.take(client.payer)
      return
    }
    const line = lines.get(client.payer) ?? []
    makeRoom(client, line)
    waiting += 1
    lines.set(client.payer, line)
    await new Promise<void>((resolve, reject) => {
      line.push({ client, begin: resolve, refuse: () => reject(tooMany()) })
    })
  }

  /** The place is kept until the rest is over, the answer is not. */
  async function leave({ payer }: Client, milliseconds: number): Promise<void> {
    await rest?.(milliseconds)
    places.leave(payer)
    beginNext()
  }

  return {
    /**
     * Does `work` when its turn comes.
     *
     * @throws Refusal 503 when too many are waiting, or the client has gone meanwhile.
     */
    async run<Result>(client: Client, work: () => Promise<Result>): Promise<Result> {
      await enter(client)
      const begun = performance.now()
      try {
        return await work()
      } finally {
        void leave(client, performance.now() - begun)
      }
    },
  }
}
