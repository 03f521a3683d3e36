import { posix } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { Database } from '../../database/database.ts'
import { openFeed } from '../../writes/follow.ts'
import { changesLog } from '../../writes/kept-changes.ts'
import { readWholeContent } from '../announcements/contents.ts'
import { makeChime } from './chime.ts'
import type { Copies } from './copies.ts'
import { followAddresses } from './early.ts'
import type { MediaFile } from './files.ts'
import { readHoldMusic } from './hold-music.ts'
import type { AudioAddress } from './kept-copies.ts'
import type { MediaSource } from './make-file.ts'
import { shownUrl } from './refresh.ts'
import { openStore, type Store } from './store.ts'
import type { StoreLimits } from './tidy.ts'

/** What a call can play. */
export type Medium =
  /** What `Default` means for those who wait. */
  | { kind: 'hold music' }
  /** What `Default` means where an announcement is played. */
  | { kind: 'chime' }
  /** One of a group; what it is called is for the log. */
  | {
      kind: 'announcement'
      tenantKey: string
      contentId: string
      sha256: string
      name: string
    }
  /** From the web, named by a setting of the group. */
  | ({ kind: 'url' } & AudioAddress)

/** An engine that shares a folder with us. */
export interface SharedFolder {
  /** As the engine sees it. */
  folder: string
  /** As we see it. */
  ourFolder: string
}

/** An engine that fetches files from us. */
export interface FetchingEngine {
  /** Where it reaches us, without a slash at the end. */
  url: string
  /**
   * Has the engine fetch an address apart from any call, unless it has it, and ends when it has. Asterisk keeps what it fetched, but of two calls that fetch
   * the same at the same time one plays nothing, and a channel that fetches does not notice a hang-up. By ARI: `play` into an empty bridge,
   * with an `offsetms` beyond the end, until `PlaybackFinished` (`PlaybackStarted` comes before the fetch).
   */
  fetch(playable: Playable): Promise<void>
}

/** Where an engine finds files. */
export type MediaPlace = SharedFolder | FetchingEngine

export interface Playable {
  /** A path of the engine without its ending, or an address of the web. */
  address: string
  seconds: number
}

export interface Media {
  /**
   * What of these an engine can play now, in their order, each made ready. It waits for what is not ready for 2 s at most; what
   * cannot be played by then is left out, and told in the log, once in 5 minutes each. Never throws.
   */
  playable(place: MediaPlace, media: readonly Medium[]): Promise<Playable[]>
  /** Begins to fetch what settings name as they are written, so that the first call has it. To be called once, where there are engines. */
  fetchEarly(): void
  /** The files that engines fetch. */
  readonly files: Store
  /** Bytes that the files of all folders take. */
  bytes(): number
  /** Ends what it does by itself. */
  close(): Promise<void>
}

export interface MediaOptions {
  database: Database
  copies: Copies
  logger: Pick<FastifyBaseLogger, 'info' | 'warn'>
  /** Where the files lie that engines fetch. */
  folder: string
  limits: StoreLimits
}

/** So long a caller may hear nothing. */
const patienceMilliseconds = 2_000

const sameWarningMilliseconds = 5 * 60_000
/** Warnings that are remembered; with one more all are told again. */
const warningsMax = 1_000

/** Between two looks for files that nobody uses any more. */
const tidyMilliseconds = 3_600_000

/** Under this path engines fetch. */
export const mediaPath = '/media/'

/** @throws Error after the time; what is waited for goes on. */
async function inTime<Result>(work: Promise<Result>): Promise<Result> {
  const ending = new AbortController()
  const late = delay(patienceMilliseconds, undefined, { ...ending, ref: false }).then(() => {
    throw new Error(`It was not ready within ${patienceMilliseconds} ms.`)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    ending.abort()
    late.catch(() => {})
  }
}

/** How the log names a medium. */
function nameOf(medium: Medium): string {
  if (medium.kind === 'hold music' || medium.kind === 'chime') return medium.kind
  const name = medium.kind === 'announcement' ? medium.name : shownUrl(medium.url)
  return `${medium.tenantKey}: ${medium.kind} ${name}`
}

/** Tells of each medium that cannot be played, but not at every call. */
function createWarnings(logger: MediaOptions['logger']) {
  const toldAt = new Map<string, number>()
  return (medium: Medium, error: unknown) => {
    const name = nameOf(medium)
    const now = performance.now()
    if (now - (toldAt.get(name) ?? Number.NEGATIVE_INFINITY) < sameWarningMilliseconds) return
    if (toldAt.size >= warningsMax) toldAt.clear()
    toldAt.set(name, now)
    logger.warn({ err: error, medium: name }, 'a medium cannot be played')
  }
}

/** Opens what makes media ready for engines. */
export async function openMedia(options: MediaOptions): Promise<Media> {
  const { database, copies, logger, folder, limits } = options
  const holdMusic = await readHoldMusic()
  const chime = makeChime()
  const warn = createWarnings(logger)
  const files = openStore(folder, limits)
  const stores = new Map<string, Store>([[folder, files]])
  const closing = new AbortController()

  function storeIn(path: string): Store {
    const store = stores.get(path) ?? openStore(path, limits)
    stores.set(path, store)
    return store
  }

  async function sourceOf(medium: Medium): Promise<MediaSource> {
    if (medium.kind === 'hold music') return holdMusic
    if (medium.kind === 'chime') return chime
    if (medium.kind === 'url') return copies.sourceOf(medium)
    const { tenantKey, contentId, sha256 } = medium
    const read = () => readWholeContent(database, tenantKey, contentId)
    return { sha256, tenantKey, read }
  }

  async function makeReady(place: MediaPlace, medium: Medium): Promise<Playable> {
    const source = await sourceOf(medium)
    if ('url' in place) {
      const { name, seconds } = await files.ensure(source)
      const playable = { address: `${place.url}${mediaPath}${name}`, seconds }
      await place.fetch(playable)
      return playable
    }
    const { name, seconds } = await storeIn(place.ourFolder).ensure(source)
    return { address: addressIn(place.folder, name), seconds }
  }

  async function tidy(): Promise<void> {
    const { signal } = closing
    while (!signal.aborted) {
      for (const kept of [copies, ...stores.values()]) {
        await kept.tidy().catch((error: unknown) => {
          logger.warn({ err: error }, 'Old media could not be removed; it is tried again later')
        })
      }
      await delay(tidyMilliseconds, undefined, { signal }).catch(() => {})
    }
  }

  const tidied = tidy()
  let followed: Promise<void> | undefined
  return {
    files,
    async playable(place, media) {
      const found = await Promise.all(
        media.map((medium) =>
          inTime(makeReady(place, medium)).catch((error: unknown) => warn(medium, error)),
        ),
      )
      return found.filter((one) => one !== undefined)
    },
    fetchEarly() {
      const feed = openFeed(database, changesLog)
      const { signal } = closing
      const fetch = (address: AudioAddress) => void copies.sourceOf(address).catch(() => {})
      followed ??= followAddresses(feed, fetch, { signal, logger }).finally(() => feed.close())
    },
    bytes: () => [...stores.values()].reduce((sum, store) => sum + store.bytes(), 0),
    async close() {
      closing.abort()
      await Promise.all([tidied, followed, copies.close()])
    },
  }
}

/** Asterisk looks for the ending that it likes best. */
function addressIn(folder: string, name: MediaFile['name']): string {
  return posix.join(folder, posix.parse(name).name)
}
