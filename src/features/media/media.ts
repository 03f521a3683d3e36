import { posix } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { Reader } from '../../database/database.ts'
import { readWholeContent } from '../announcements/contents.ts'
import type { MediaFile } from './files.ts'
import { readHoldMusic } from './hold-music.ts'
import type { MediaSource } from './make-file.ts'
import { openStore, type Store } from './store.ts'
import type { StoreLimits } from './tidy.ts'

/** What a call can play. */
export type Medium =
  /** What `Default` means. */
  | { kind: 'hold music' }
  /** One of a group; what it is called is for the log. */
  | {
      kind: 'announcement'
      tenantKey: string
      contentId: string
      sha256: string
      name: string
    }

/** An engine that shares a folder with us. */
export interface SharedFolder {
  /** As the engine sees it. */
  folder: string
  /** As we see it. */
  ourFolder: string
}

/** An engine that fetches files from us. Where it has lost what it fetched, as after a restart, it is a new place. */
export interface FetchingEngine {
  /** Where it reaches us, without a slash at the end. */
  url: string
  /**
   * Has the engine fetch an address apart from any call, and ends when it has. Asterisk keeps what it fetched, but of two calls that fetch
   * the same at the same time one plays nothing, and a channel that fetches does not notice a hang-up.
   */
  fetch(playable: Playable): Promise<void>
}

/** Where an engine finds files. */
export type MediaPlace = SharedFolder | FetchingEngine

export interface Playable {
  /** As ARI plays it: `sound:…`. */
  address: string
  seconds: number
}

export interface Media {
  /**
   * What of these an engine can play now, in their order, each made ready. It waits for what is not ready for 2 s at most; what
   * cannot be played by then is left out, and told in the log, once in 5 minutes each. Never throws.
   */
  playable(place: MediaPlace, media: readonly Medium[]): Promise<Playable[]>
  /** The files that engines fetch. */
  readonly files: Store
  /** Bytes that the files of all folders take. */
  bytes(): number
  /** Ends what it does by itself. */
  close(): Promise<void>
}

export interface MediaOptions {
  reader: Reader
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

function nameOf(medium: Medium): string {
  return medium.kind === 'announcement'
    ? `${medium.tenantKey}: announcement ${medium.name}`
    : medium.kind
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

/** Has each engine fetch each address once. */
function createFetching() {
  const fetched = new WeakMap<FetchingEngine, Map<string, Promise<void>>>()
  return (engine: FetchingEngine, playable: Playable): Promise<void> => {
    const known = fetched.get(engine) ?? new Map<string, Promise<void>>()
    fetched.set(engine, known)
    const running = known.get(playable.address)
    if (running) return running
    const begun = engine.fetch(playable).catch((error: unknown) => {
      known.delete(playable.address)
      throw error
    })
    known.set(playable.address, begun)
    return begun
  }
}

/** Opens what makes media ready for engines. */
export async function openMedia(options: MediaOptions): Promise<Media> {
  const { reader, logger, folder, limits } = options
  const holdMusic = await readHoldMusic()
  const warn = createWarnings(logger)
  const fetchOnce = createFetching()
  const files = openStore(folder, limits)
  const stores = new Map<string, Store>([[folder, files]])
  const closing = new AbortController()

  function storeIn(path: string): Store {
    const store = stores.get(path) ?? openStore(path, limits)
    stores.set(path, store)
    return store
  }

  function sourceOf(medium: Medium): MediaSource {
    if (medium.kind === 'hold music') return holdMusic
    const { tenantKey, contentId, sha256 } = medium
    const read = () => readWholeContent(reader, tenantKey, contentId)
    return { sha256, payer: tenantKey, read }
  }

  async function makeReady(place: MediaPlace, medium: Medium): Promise<Playable> {
    const source = sourceOf(medium)
    if ('url' in place) {
      const { name, seconds } = await files.ensure(source)
      const playable = { address: `sound:${place.url}${mediaPath}${name}`, seconds }
      await fetchOnce(place, playable)
      return playable
    }
    const { name, seconds } = await storeIn(place.ourFolder).ensure(source)
    return { address: addressIn(place.folder, name), seconds }
  }

  async function tidy(): Promise<void> {
    const { signal } = closing
    while (!signal.aborted) {
      for (const store of stores.values()) {
        await store.tidy().catch((error: unknown) => {
          logger.warn({ err: error }, 'Old media could not be removed; it is tried again later')
        })
      }
      await delay(tidyMilliseconds, undefined, { signal }).catch(() => {})
    }
  }

  const tidied = tidy()
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
    bytes: () => [...stores.values()].reduce((sum, store) => sum + store.bytes(), 0),
    async close() {
      closing.abort()
      await tidied
    },
  }
}

/** Asterisk looks for the ending that it likes best. */
function addressIn(folder: string, name: MediaFile['name']): string {
  return `sound:${posix.join(folder, posix.parse(name).name)}`
}
