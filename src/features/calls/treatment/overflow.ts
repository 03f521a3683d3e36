import { type Cause, causes } from '../../../engines/engine.ts'
import type { ToneOutcome } from '../call.ts'
import { soundOf } from '../sounds.ts'
import { announce } from './announcing.ts'
import type { Turn } from './turn.ts'

/** How long a caller hears the busy tone before they are let go. */
export const busySecondsMax = 10

/** How long a caller may hear ringing that nobody will answer: as long as it rings anywhere. */
export const ringingSecondsMax = 180

/** A call has no place in the queue, or no longer. */
export function overflow(turn: Turn, reason: string): void {
  turn.tell({ kind: 'call.overflowed', reason })
  if (turn.decide('overflow', 'playAnnouncementBeforeOverflowProcessing')) {
    const sound = soundOf('announcement', turn.state.settings.overflow)
    announce(turn, { before: 'overflow', reason }, sound)
  } else {
    sendAway(turn, reason)
  }
}

/** What overflow does with a call that has heard what it was to hear. */
export function sendAway(turn: Turn, reason: string): void {
  const action = turn.decide('overflow', 'action')
  if (action === 'Ringing') ringUntilGivenUp(turn, reason)
  else if (action === 'Busy') beBusy(turn, { outcome: 'overflowed', reason })
  else transfer(turn, reason)
}

function transfer(turn: Turn, reason: string): void {
  const destination = turn.decide('overflow', 'transferPhoneNumber')
  if (destination === undefined) beBusy(turn, { outcome: 'overflowed', reason })
  else turn.leave(destination, { outcome: 'overflowed', reason })
}

/** The caller is told that there is nobody: by the cause before the answer, and by a tone after it. */
export function beBusy(
  turn: Turn,
  { outcome, reason }: { outcome: ToneOutcome; reason: string },
  cause: Cause = causes.busy,
): void {
  if (!turn.call.isAnswered) {
    turn.end(outcome, reason, cause)
    return
  }
  turn.become({ name: 'overflowed', outcome, reason })
  turn.busy()
  turn.keepTimer('tone', turn.now + busySecondsMax * 1_000)
}

function ringUntilGivenUp(turn: Turn, reason: string): void {
  turn.become({ name: 'overflowed', outcome: 'overflowed', reason })
  turn.ring()
  turn.keepTimer('tone', turn.now + ringingSecondsMax * 1_000)
}
