import { EngineFault, type Tone } from '../engines/engine.ts'
import { askOf, type Office, remove } from './channels.ts'
import { bodyBytesMax, isStatus, segment } from './requests.ts'

/** Plays that were stopped and whose end is not told yet. It may never be, when their leg has gone. */
const stoppedMax = 10_000

const toneMedia: Record<Tone, string> = { busy: 'tone:busy', ringing: 'tone:ring' }

/** Asterisk finds a file by its path without the end of its name; an address of the web keeps its own. */
export function mediaOf(address: string): string {
  const path = address.startsWith('/')
    ? address.replace(/\.(?:wav|sln|sln16|ulaw|alaw)$/, '')
    : address
  return `sound:${path}`
}

/** A playback that ended, as Asterisk tells it. */
export interface Ended {
  id: string
  state: string
  /** What would have followed. */
  next_media_uri?: string
}

/** What is played to legs. */
export function playCommands(office: Office) {
  const { requests } = office
  const stopped = new Set<string>()

  /** @throws EngineFault `refused` where the addresses are more than Asterisk takes at once. */
  async function playMedia(leg: string, play: string, media: readonly string[]): Promise<void> {
    const body = { media }
    const bytes = Buffer.byteLength(JSON.stringify(body))
    if (bytes > bodyBytesMax) {
      throw new EngineFault('refused', `The addresses of ${play} have ${bytes} bytes`)
    }
    await askOf(office, leg, `play/${segment(play)}`, { body })
  }

  return {
    tone: (leg: string, play: string, tone: Tone) => playMedia(leg, play, [toneMedia[tone]]),
    play: (leg: string, play: string, addresses: readonly string[]) =>
      playMedia(leg, play, addresses.map(mediaOf)),
    async stop(play: string): Promise<void> {
      if (stopped.size >= stoppedMax) stopped.clear()
      stopped.add(play)
      await remove(requests, `/playbacks/${segment(play)}`)
    },
    async isPlaying(play: string): Promise<boolean> {
      try {
        await requests.ask('GET', `/playbacks/${segment(play)}`)
        return true
      } catch (error) {
        if (isStatus(error, 404)) return false
        throw error
      }
    },
    /** Whether a playback that ended was heard to its end. */
    wasWhole({ id, state, next_media_uri }: Ended): boolean {
      return !stopped.delete(id) && state === 'done' && next_media_uri === undefined
    },
  }
}
