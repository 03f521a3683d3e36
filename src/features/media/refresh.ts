import type { FastifyBaseLogger } from 'fastify'
import type { Database } from '../../database/database.ts'
import { DatabaseUnavailable, Refusal } from '../../errors.ts'
import { createFairLine } from '../../http/fair-line.ts'
import type { FetchOutcome } from '../../metrics/media.ts'
import type { RoutePointBackend } from '../route-points/backend.ts'
import { type Fetched, type FetchOptions, fetchAudio } from './fetch-audio.ts'
import {
  type AudioAddress,
  type Copy,
  type CopyLimits,
  findCopy,
  NoRoom,
  noteUnchanged,
  removeOthers,
  saveCopy,
} from './kept-copies.ts'
import { createPatience } from './patience.ts'

/** What is fetched at the same time, and what may wait for it, in all and of one tenant. */
const line = { atOnce: 4, waitingMax: 1_000, waitingEachMax: 200 }

/** How long a copy is played before it is asked whether it is still what is there. */
const freshMilliseconds = 3_600_000

export interface RefreshOptions extends CopyLimits {
  database: Database
  logger: Pick<FastifyBaseLogger, 'warn'>
  fetching: Omit<FetchOptions, 'payer' | 'known' | 'signal'>
  /** The URLs that settings of a group name. */
  namedUrls: RoutePointBackend['namedUrls']
  /** Told of each fetch. */
  count?(outcome: FetchOutcome): void
}

export function isFresh({ checkedAt }: Copy): boolean {
  // A clock that was ahead must not keep an old one for long.
  return Math.abs(Date.now() - checkedAt) < freshMilliseconds
}

/** Whether it says nothing of the address: too many were waiting, or the database was not available. */
function isOurs(error: unknown): boolean {
  return error instanceof DatabaseUnavailable || (error instanceof Refusal && error.status === 503)
}

/** What of an address the log shows: its query may hold a secret. */
export function shownUrl(url: string): string {
  return url.replace(/[?#].*$/, '')
}

/** Keeps what was fetched; where the group has no room, what no setting names any more makes some. */
async function keep(
  { database, namedUrls, ...limits }: RefreshOptions,
  address: AudioAddress,
  fetched: Fetched,
): Promise<void> {
  const save = () => saveCopy(database, address, { fetched, limits })
  await save().catch(async (error: unknown) => {
    if (!(error instanceof NoRoom)) throw error
    const group = [address.tenantKey, address.groupKey] as const
    await removeOthers(database, group, await namedUrls(group))
    await save()
  })
}

async function fetchAnew(
  options: RefreshOptions,
  address: AudioAddress,
  signal: AbortSignal,
): Promise<FetchOutcome> {
  const { database, fetching } = options
  const known = await findCopy(database, address)
  // Another node was faster.
  if (known && isFresh(known)) return 'unchanged'
  const forWhom = { payer: address.tenantKey, signal, ...(known && { known }) }
  const fetched = await fetchAudio(address.url, { ...fetching, ...forWhom })
  if (fetched) await keep(options, address, fetched)
  else await noteUnchanged(database, address)
  return fetched ? 'new' : 'unchanged'
}

/**
 * Brings what is kept of addresses up to date: each at most once at a time, few at once, in turns of tenants, and not again for a while where
 * it failed.
 */
export function createRefresh(options: RefreshOptions) {
  const turns = createFairLine(line)
  const patience = createPatience()
  const running = new Map<string, Promise<void>>()
  const closing = new AbortController()
  const { signal } = closing

  function told(address: AudioAddress, error: unknown): void {
    options.count?.('failed')
    const { tenantKey, groupKey, url } = address
    const fields = { err: error, tenantKey, groupKey, url: shownUrl(url) }
    options.logger.warn(fields, 'audio could not be fetched')
  }

  async function inTurn(key: string, address: AudioAddress): Promise<void> {
    patience.requireTime(key)
    const client = { payer: address.tenantKey, isGone: () => signal.aborted }
    try {
      const outcome = await turns.run(client, () => fetchAnew(options, address, signal))
      patience.succeeded(key)
      options.count?.(outcome)
    } catch (error) {
      if (!signal.aborted && !isOurs(error)) {
        patience.failed(key, error)
        told(address, error)
      }
      throw error
    }
  }

  return {
    /** @throws Error when it cannot be fetched, or failed shortly before; DatabaseUnavailable; Refusal 503 when too many wait. */
    refresh(key: string, address: AudioAddress): Promise<void> {
      const known = running.get(key)
      if (known) return known
      const begun = inTurn(key, address).finally(() => running.delete(key))
      running.set(key, begun)
      return begun
    },
    /** Gives up what is being fetched. */
    async close(): Promise<void> {
      closing.abort()
      await Promise.allSettled(running.values())
    },
  }
}
