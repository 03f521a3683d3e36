import { soundOf } from '../sounds.ts'
import { overflow } from './overflow.ts'
import type { Turn } from './turn.ts'

/** When music that could not be played, or has ended twice meanwhile, is tried again. */
export const musicSeconds = 30

/** Waits, at the place that the call has or at the end. */
export function wait(turn: Turn): void {
  turn.become({ name: 'waiting' })
  turn.change({ waitingSince: turn.call.waitingSince ?? turn.now })
  if (turn.look('failover_policy', 'perCallEnableFailoverSupport')) {
    const seconds = turn.look('failover_policy', 'perCallCallFailureTimeoutSeconds')
    turn.keepTimer('silence', turn.now + seconds * 1_000)
  }
  reconsider(turn)
  if (turn.call.phase.name === 'waiting') turn.tell({ kind: 'call.queued' })
}

/** A call waits on unless it is time for something else, by the settings as they now are. */
export function reconsider(turn: Turn): void {
  if (!turn.world.isRouted && failOver(turn)) return
  if (overflowIsDue(turn)) overflow(turn, 'It waited too long.')
  else if (turn.call.hearing.what !== 'music') playMusic(turn)
}

export function playMusic(turn: Turn): void {
  const { settings, dnis } = turn.state
  const isOwn = dnis?.dnis.useCustomDnisAnnouncementSettings === true
  const { announcements } = isOwn ? dnis : settings
  const setting = isOwn ? 'dnis_announcements' : 'announcements'
  const { mediaOnHoldForQueuedCalls: selection } = announcements
  const member = 'mediaOnHoldForQueuedCalls.audioMessageSelection'
  turn.note({ setting, member, value: selection.audioMessageSelection })
  turn.play(soundOf('music', selection))
}

/**
 * Music has come to an end. What could not be played is not tried again at once, nor is what was begun again shortly before: an engine
 * that says at once that all was played would be asked without end.
 */
export function musicEnded(turn: Turn, isWhole: boolean): void {
  const isFirst = turn.call.timers.music === undefined
  if (isWhole && isFirst) playMusic(turn)
  if (!isWhole || isFirst) turn.keepTimer('music', turn.now + musicSeconds * 1_000)
}

function failOver(turn: Turn): boolean {
  if (!turn.decide('failover_policy', 'enableFailoverSupport')) return false
  const destination = turn.decide('failover_policy', 'failoverPhoneNumber')
  if (destination === undefined) return false
  turn.leave(destination, { outcome: 'forwarded', reason: 'No routing system is connected.' })
  return true
}

/** No routing system has said anything about the call. */
export function endSilence(turn: Turn): void {
  if (!turn.decide('failover_policy', 'perCallEnableFailoverSupport')) return
  const destination = turn.decide('failover_policy', 'perCallFailoverPhoneNumber')
  if (destination === undefined) return
  const reason = 'No routing system said anything about it.'
  turn.leave(destination, { outcome: 'forwarded', reason })
}

/** Keeps the moment at which it will be, where it is not yet. */
function overflowIsDue(turn: Turn): boolean {
  const { waitingSince } = turn.call
  if (waitingSince === null || !turn.look('overflow', 'overflowAfterTimeout')) return false
  const at = waitingSince + turn.look('overflow', 'timeoutSeconds') * 1_000
  if (at > turn.now) {
    turn.keepTimer('overflow', at)
    return false
  }
  turn.decide('overflow', 'overflowAfterTimeout')
  turn.decide('overflow', 'timeoutSeconds')
  return true
}
