import type { AnnouncedBefore } from '../call.ts'
import type { Sound } from '../sounds.ts'
import type { Turn } from './turn.ts'

/** The longest that an announcement is waited for: engines do not always tell that one has ended. */
export const announcementSecondsMax = 300

/** Plays an announcement, after which the call goes on with what was decided. */
export function announce(
  turn: Turn,
  { before, reason }: { before: AnnouncedBefore; reason: string },
  sound: Sound,
): void {
  turn.become({ name: 'announced', before, reason })
  turn.play(sound)
  turn.keepTimer('announcement', turn.now + announcementSecondsMax * 1_000)
}
