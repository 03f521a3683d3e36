import type { EngineConfiguration } from '../engines/configuration.ts'
import { EngineFault } from '../engines/engine.ts'
import { isFetch } from './fetches.ts'
import { isOwn } from './legs.ts'
import { listBytesMax, type Requests } from './requests.ts'
import { type Bridge, BridgeSchema, type Channel, ChannelSchema, checker } from './resources.ts'

const isChannel = checker(ChannelSchema)
const isBridge = checker(BridgeSchema)

/** What there is in our application, as Asterisk lists it. */
export interface Lists {
  callers: readonly Channel[]
  phones: readonly Channel[]
  bridges: readonly Bridge[]
  /** Bridges in which something is fetched. */
  fetches: readonly string[]
}

function listIn<Item>(value: unknown, isItem: (item: unknown) => item is Item): Item[] {
  if (!Array.isArray(value)) throw new EngineFault('refused', 'a list that was asked for is none')
  return value.filter(isItem)
}

/** @throws EngineFault when a list cannot be had. */
export async function readLists(
  requests: Requests,
  { application }: Pick<EngineConfiguration, 'application'>,
): Promise<Lists> {
  const wish = { bytesMax: listBytesMax }
  const [channels, bridges] = await Promise.all([
    requests.ask('GET', '/channels', wish),
    requests.ask('GET', '/bridges', wish),
  ])
  const ours = listIn(channels, isChannel).filter(({ dialplan: { app_name, app_data = '' } }) => {
    const [name] = app_data.split(',', 1)
    return app_name === 'Stasis' && name === application
  })
  // The name tells ours from those of another program that uses the same ids.
  const own = listIn(bridges, isBridge).filter(({ id, name }) => isOwn(id) && name === application)
  return {
    callers: ours.filter(({ id }) => !isOwn(id)),
    phones: ours.filter(({ id }) => isOwn(id)),
    bridges: own.filter(({ id }) => !isFetch(id)),
    fetches: own.map(({ id }) => id).filter(isFetch),
  }
}
