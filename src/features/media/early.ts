import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { Feed } from '../../writes/follow.ts'
import type { KeptChange } from '../../writes/kept-changes.ts'
import { audioUrlsIn } from '../route-points/audio-urls.ts'
import type { AudioAddress } from './kept-copies.ts'

/** After an error of the feed. */
const restMilliseconds = 10_000

/** Tells of each address that a setting names as it is written from now on, until the signal. */
export async function followAddresses(
  feed: Feed<KeptChange>,
  tell: (address: AudioAddress) => void,
  { signal, logger }: { signal: AbortSignal; logger: Pick<FastifyBaseLogger, 'warn'> },
): Promise<void> {
  async function follow(): Promise<void> {
    for await (const { rows } of feed.follow(undefined, { signal })) {
      for (const { tenant_key: tenantKey, group_key: groupKey, kind, after_value } of rows) {
        for (const url of audioUrlsIn(kind, after_value ?? '')) tell({ tenantKey, groupKey, url })
      }
    }
  }
  while (!signal.aborted) {
    await follow().catch((error: unknown) => {
      logger.warn({ err: error }, 'Changes could not be followed; it is tried again later')
    })
    await delay(restMilliseconds, undefined, { signal }).catch(() => {})
  }
}
