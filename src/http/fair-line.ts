import { busy, type Refusal } from '../errors.ts'
import type { Client } from './clients.ts'

export interface LineLimits {
  /** Pieces of work that are done at the same time. */
  atOnce: number
  /** Pieces of work that may wait. */
  waitingMax: number
  /** Those of one payer that may wait. */
  waitingEachMax: number
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

/**
 * A bounded line in which payers take turns: somebody who comes with one piece of work waits for one of each other
 * payer's, however many those have brought. When all places are taken, the last of the longest line makes room for whoever
 * has a shorter one.
 */
export function createFairLine({ atOnce, waitingMax, waitingEachMax }: LineLimits) {
  /** By payer; the one whose turn is next comes first. */
  const lines = new Map<string, Waiting[]>()
  let active = 0
  let waiting = 0

  function beginNext(): void {
    for (const [payer, line] of lines) {
      if (active >= atOnce) return
      const next = line.shift()
      lines.delete(payer)
      if (line.length > 0) lines.set(payer, line)
      if (!next) continue
      waiting -= 1
      if (next.client.isGone()) {
        next.refuse()
        continue
      }
      active += 1
      next.begin()
    }
  }

  /** Those who have gone must not take the places of others until their turn. */
  function dropGone(): void {
    for (const [payer, line] of lines) {
      const here = line.filter(({ client }) => !client.isGone())
      const gone = line.filter((one) => !here.includes(one))
      waiting -= gone.length
      for (const { refuse } of gone) refuse()
      line.splice(0, line.length, ...here)
      if (line.length === 0) lines.delete(payer)
    }
  }

  function longestLine(): Waiting[] {
    let longest: Waiting[] = []
    for (const line of lines.values()) if (line.length > longest.length) longest = line
    return longest
  }

  /** @throws Refusal 503 when `line` is full, or when no other line is longer while all places are taken. */
  function makeRoom(line: readonly Waiting[]): void {
    if (line.length < waitingEachMax && waiting < waitingMax) return
    dropGone()
    if (line.length >= waitingEachMax) throw tooMany()
    if (waiting < waitingMax) return
    const longest = longestLine()
    if (longest.length <= line.length + 1) throw tooMany()
    longest.pop()?.refuse()
    waiting -= 1
  }

  async function enter(client: Client): Promise<void> {
    if (active < atOnce) {
      active += 1
      return
    }
    const line = lines.get(client.payer) ?? []
    makeRoom(line)
    waiting += 1
    lines.set(client.payer, line)
    await new Promise<void>((resolve, reject) => {
      line.push({ client, begin: resolve, refuse: () => reject(tooMany()) })
    })
  }

  return {
    /**
     * Does `work` when its turn comes.
     *
     * @throws Refusal 503 when too many are waiting, or the client has gone meanwhile.
     */
    async run<Result>(client: Client, work: () => Promise<Result>): Promise<Result> {
      await enter(client)
      try {
        return await work()
      } finally {
        active -= 1
        beginNext()
      }
    },
  }
}
