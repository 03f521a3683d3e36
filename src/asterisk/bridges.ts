import { setTimeout as delay } from 'node:timers/promises'
import { EngineFault } from '../engines/engine.ts'
import { entering, type Office, remove } from './channels.ts'
import { isStatus, segment } from './requests.ts'

/** What lets legs hear one another. */
export function bridgeCommands({ configuration, requests, channelOf }: Office) {
  const pathOf = (bridge: string) => `/bridges/${segment(bridge)}`

  async function make(bridge: string): Promise<void> {
    // The name tells whose it is, among programs that use the same ids.
    const body = { bridgeId: bridge, type: 'mixing', name: configuration.application }
    try {
      await requests.ask('POST', '/bridges', { body, isRepeatable: true })
    } catch (error) {
      // It has been made already.
      if (!isStatus(error, 409)) throw error
    }
  }

  async function add(bridge: string, channels: readonly string[]): Promise<void> {
    // Else each is shown what the other was.
    const body = { channel: channels, inhibitConnectedLineUpdates: true }
    for (let tries = 1; ; tries += 1) {
      try {
        await requests.ask('POST', `${pathOf(bridge)}/addChannel`, { body, isRepeatable: true })
        return
      } catch (error) {
        if (isStatus(error, 400)) {
          throw new EngineFault('gone', `A leg of ${bridge} is gone`, { cause: error })
        }
        if (!isStatus(error, 422) || tries === entering.tries) throw error
      }
      await delay(entering.pauseMilliseconds)
    }
  }

  const dissolve = (bridge: string) => remove(requests, pathOf(bridge))

  return {
    async connect(bridge: string, legs: readonly string[]): Promise<void> {
      const channels = legs.map(channelOf)
      await make(bridge)
      try {
        await add(bridge, channels)
      } catch (error) {
        await dissolve(bridge).catch(() => {})
        throw error
      }
    },
    dissolve,
  }
}
