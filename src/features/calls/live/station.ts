import type { EngineConfiguration } from '../../../engines/configuration.ts'
import type { Engine } from '../../../engines/engine.ts'
import type { Lease } from '../../../engines/lease.ts'
import type { MediaPlace } from '../../media/media.ts'

/** An engine whose calls are treated here, as long as its lease is held, and what the treatment must know of how it is set up. */
export interface Station {
  engine: Engine
  configuration: Pick<
    EngineConfiguration,
    'country' | 'domain' | 'peers' | 'headers' | 'callSecondsMax'
  >
  media: MediaPlace
  lease: Lease
}

/** An engine whose calls may be treated here. */
export interface Post {
  name: string
  /** Begins to treat them; nothing is asked of it before its station is attached. */
  open(lease: Lease): Station
}

/** An engine of ours, set up as its file says. */
export function postOf(
  configuration: EngineConfiguration,
  openEngine: (lease: Lease) => Engine,
): Post {
  const { name, media } = configuration
  return {
    name,
    open(lease) {
      const engine = openEngine(lease)
      const place: MediaPlace =
        media.kind === 'folder'
          ? { folder: media.folder, ourFolder: media.ourFolder }
          : { url: media.url, fetch: ({ address }) => engine.fetch(address) }
      return { engine, configuration, media: place, lease }
    },
  }
}
