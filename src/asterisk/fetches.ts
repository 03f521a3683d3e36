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

/** With what the ids of bridges begin in which something is fetched, and nobody speaks. */
const fetchPrefix = `${ownIdPrefix}fetch-`

export const isFetch = (bridge: string) => bridge.startsWith(fetchPrefix)

/** Does a work once for each address, also for those who ask while it goes on, unless it failed. */
function once(work: (address: string) => Promise<void>) {
  let known = new Map<string, Promise<void>>()
  return {
    fetch(address: string): Promise<void> {
      const those = known
      const running = those.get(address)
      if (running) return running
      const begun = work(address).catch((error: unknown) => {
        those.delete(address)
        throw error
      })
      those.set(address, begun)
      return begun
    },
    /** The connection is lost: an engine that was started anew may have lost what it had. */
    forget(): void {
      known = new Map()
    },
  }
}

/** Has Asterisk fill its cache of media: it does by playing into a bridge in which nobody is, and has no request for it. */
export function fetchCommand({
  configuration,
  requests,
}: Pick<Office, 'configuration' | 'requests'>) {
  const waiting = new Map<string, (isWhole: boolean) => void>()
  /** The bridges of those that go on. */
  const bridges = new Set<string>()

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

  async function fetchNow(address: string): Promise<void> {
    const bridge = `${fetchPrefix}${randomUUID()}`
    const body = { bridgeId: bridge, type: 'mixing', name: configuration.application }
    bridges.add(bridge)
    try {
      await requests.ask('POST', '/bridges', { body })
      // Else nothing is told of a bridge in which nobody of ours is. It ends with the bridge.
      const subscription = `/applications/${segment(configuration.application)}/subscription`
      await requests.ask('POST', `${subscription}?eventSource=bridge:${segment(bridge)}`)
      await playIn(bridge, `${bridge}-play`, address)
    } finally {
      bridges.delete(bridge)
      await remove(requests, `/bridges/${segment(bridge)}`)
    }
  }

  return {
    ...once(fetchNow),
    /** Removes what a fetch has left, ours or one of before: nobody waits for it any more. */
    async surveyed(found: readonly string[]): Promise<void> {
      const left = found.filter((bridge) => !bridges.has(bridge))
      await Promise.all(left.map((bridge) => remove(requests, `/bridges/${segment(bridge)}`)))
    },
    /** @returns whether it was a fetch, which nobody else hears of. */
    fetched({ id, state }: Ended): boolean {
      const resolve = waiting.get(id)
      resolve?.(state === 'done')
      return resolve !== undefined
    },
  }
}
