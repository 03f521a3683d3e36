import type { EngineConfiguration } from '../engines/configuration.ts'
import type { Cause } from '../engines/engine.ts'
import { claimVariables } from './phones.ts'
import { isStatus, type Requests, segment, type Wish } from './requests.ts'

/** How often a leg that is not in our application yet is tried, and the milliseconds between: 2 s. */
export const entering = { tries: 40, pauseMilliseconds: 50 }

/** What requests about legs need. */
export interface Office {
  configuration: EngineConfiguration
  requests: Requests
  /** The channel that is a leg. @throws EngineFault when there is none. */
  channelOf(leg: string): string
}

/** @throws EngineFault when it cannot be done, or is not known to be. */
export async function askOf(
  { requests, channelOf }: Office,
  leg: string,
  what: string,
  wish: Wish = {},
): Promise<void> {
  await requests.ask('POST', `/channels/${segment(channelOf(leg))}/${what}`, wish)
}

/** Removes what is at a path; what is gone is as was wanted. */
export async function remove(requests: Requests, path: string): Promise<void> {
  try {
    await requests.ask('DELETE', path)
  } catch (error) {
    if (!isStatus(error, 404)) throw error
  }
}

/** Ends a channel, with a cause of Q.850. */
export function hangUp(requests: Requests, channel: string, cause: number): Promise<void> {
  return remove(requests, `/channels/${segment(channel)}?reason_code=${cause}`)
}

/** What is asked of callers' legs. */
export function callerCommands(office: Office) {
  const { fallback } = office.configuration
  return {
    answer: (leg: string) => askOf(office, leg, 'answer', { isRepeatable: true }),
    ring: (leg: string) => askOf(office, leg, 'ring', { isRepeatable: true }),
    claim(leg: string, { callId, secondsMax }: { callId: string; secondsMax: number }) {
      const body = { variables: claimVariables(callId, secondsMax) }
      return askOf(office, leg, 'variables', { body, isRepeatable: true })
    },
    handBack(leg: string) {
      return askOf(office, leg, 'continue', fallback && { body: { ...fallback, priority: 1 } })
    },
    releaseCaller: (leg: string, cause: Cause) => hangUp(office.requests, leg, cause),
  }
}
