import {
  type AudioAddress,
  type Copy,
  findCopy,
  groupsWithCopies,
  readCopy,
  removeOthers,
} from './kept-copies.ts'
import type { MediaSource } from './make-file.ts'
import { Memory } from './memory.ts'
import { createRefresh, isFresh, type RefreshOptions } from './refresh.ts'

/** How long what is kept is known without asking the database: another node may have fetched anew. */
const rememberedMilliseconds = 60_000

/** Audio from addresses that tenants have configured: fetched, checked and kept by us, so that no engine asks them. */
export interface Copies {
  /**
   * What is kept of an address; where it is older than an hour it is fetched anew meanwhile. What was never fetched is fetched now.
   *
   * @throws Error when there is nothing, and it cannot be fetched, or failed shortly before.
   */
  sourceOf(address: AudioAddress): Promise<MediaSource>
  /** Removes what is kept of addresses that no setting names any more. */
  tidy(): Promise<void>
  /** Gives up what is being fetched. */
  close(): Promise<void>
}

const keyOf = ({ tenantKey, groupKey, url }: AudioAddress) => [tenantKey, groupKey, url].join('\n')

export function openCopies(options: RefreshOptions): Copies {
  const { database, namedUrls } = options
  const { refresh, close } = createRefresh(options)
  const remembered = new Memory<{ copy: Copy; until: number }>()

  /** @throws DatabaseUnavailable when it is not known and cannot be. */
  async function find(key: string, address: AudioAddress): Promise<Copy | undefined> {
    const known = remembered.get(key)
    if (known && performance.now() < known.until) return known.copy
    try {
      const copy = await findCopy(database, address)
      if (copy) remembered.set(key, { copy, until: performance.now() + rememberedMilliseconds })
      else remembered.delete(key)
      return copy
    } catch (error) {
      if (known) return known.copy
      throw error
    }
  }

  async function refreshNow(key: string, address: AudioAddress): Promise<void> {
    await refresh(key, address)
    remembered.delete(key)
  }

  return {
    async sourceOf(address) {
      const key = keyOf(address)
      const kept = await find(key, address)
      if (!kept) await refreshNow(key, address)
      // What cannot be fetched anew goes on being played.
      else if (!isFresh(kept)) refreshNow(key, address).catch(() => {})
      const copy = kept ?? (await find(key, address))
      if (!copy) throw new Error('It was removed while it was fetched.')
      const { sha256 } = copy
      const { tenantKey } = address
      return { sha256, tenantKey, read: () => readCopy(database, tenantKey, copy) }
    },
    async tidy() {
      for await (const group of groupsWithCopies(database)) {
        await removeOthers(database, group, await namedUrls(group))
      }
    },
    close,
  }
}
