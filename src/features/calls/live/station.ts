import type { EngineConfiguration } from '../../../engines/configuration.ts'
import type { Engine } from '../../../engines/engine.ts'
import type { MediaPlace } from '../../media/media.ts'

/** An engine, and what the treatment must know of how it is set up. */
export interface Station {
  engine: Engine
  configuration: Pick<
    EngineConfiguration,
    'country' | 'domain' | 'peers' | 'alertInfo' | 'callSecondsMax'
  >
  media: MediaPlace
}

/** An engine of ours, set up as its file says. */
export function stationOf(engine: Engine, configuration: EngineConfiguration): Station {
  const { media } = configuration
  const place: MediaPlace =
    media.kind === 'folder'
      ? { folder: media.folder, ourFolder: media.ourFolder }
      : { url: media.url, fetch: ({ address }) => engine.fetch(address) }
  return { engine, configuration, media: place }
}
