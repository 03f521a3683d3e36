import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { EngineFault, ownIdPrefix } from '../engines/engine.ts'
import { type Office, remove } from './channels.ts'
import { type Ended, mediaOf } from './plays.ts'
import { segment } from './requests.ts'

/** Milliseconds that Asterisk has to fetch an address: ours serves it from a file. */
const fetchMilliseconds = 30_000

/** Further than any audio goes, so that nothing of it is played. */
const beyondMilliseconds = 2 ** 31 - 1

/** Has Asterisk fill its cache of media: it does by playing into a bridge in which nobody is, and has no request for it. */
export function fetchCommand({
  configuration,
  requests,
}: Pick<Office, 'configuration' | 'requests'>) {
  const waiting = new Map<string, (isWhole: boolean) => void>()

  async function playIn(bridge: string, play: string, address: string): Promise<void> {
    const { promise: played, resolve } = Promise.withResolvers<boolean>()
    waiting.set(play, resolve)
    const ending = new AbortController()
    const late = delay(fetchMilliseconds, false, { signal: ending.signal }).catch(() => false)
    try {
      const body = { media: [mediaOf(address)], offsetms: beyondMilliseconds }
      await requests.ask('POST', `/bridges/${segment(bridge)}/play/${segment(play)}`, { body })
      if (await Promise.race([played, late])) return
      throw new EngineFault('refused', `The engine did not fetch ${address}`)
    } finally {
      ending.abort()
      waiting.delete(play)
    }
  }

  return {
    async fetch(address: string): Promise<void> {
      const bridge = `${ownIdPrefix}fetch-${randomUUID()}`
      const body = { bridgeId: bridge, type: 'mixing', name: configuration.application }
      await requests.ask('POST', '/bridges', { body })
      try {
        // Else nothing is told of a bridge in which nobody of ours is. It ends with the bridge.
        const subscription = `/applications/${segment(configuration.application)}/subscription`
        await requests.ask('POST', `${subscription}?eventSource=bridge:${segment(bridge)}`)
        await playIn(bridge, `${bridge}-play`, address)
      } finally {
        await remove(requests, `/bridges/${segment(bridge)}`)
      }
    },
    /** @returns whether it was a fetch, which nobody else hears of. */
    fetched({ id, state }: Ended): boolean {
      const resolve = waiting.get(id)
      resolve?.(state === 'done')
      return resolve !== undefined
    },
  }
}
