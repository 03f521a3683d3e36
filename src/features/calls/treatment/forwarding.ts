import { type Cause, causes, type LegEnd, type Target } from '../../../engines/engine.ts'
import type { Leaving } from '../call.ts'
import type { Route } from '../find.ts'
import { soundOf } from '../sounds.ts'
import { announce } from './announcing.ts'
import { beBusy } from './overflow.ts'
import type { Turn } from './turn.ts'

/** Route points of ours that a call may be sent on by. */
export const hopsMax = 5

/**
 * Calls of one caller that may ring at once where a route point has sent them. More are one call that comes back again and again,
 * from a number outside that is itself forwarded here; of callers without a number there may be several.
 */
export const alikeMax = { withNumber: 20, withoutNumber: 100 }

/** How long it rings where a call was sent, before it counts as not answered: a proxy waits as long (RFC 3261, timer C). */
export const forwardingSecondsMax = 180

/** @param otherwise what happens to the call where there is nowhere to forward to. */
export function forceForwarding(turn: Turn, otherwise: (turn: Turn) => void): void {
  if (turn.decide('forced_forwarding', 'playAnnouncementBeforeForwarding')) {
    const { forced_forwarding: setting } = turn.state.settings
    const before = { before: 'forced forwarding', reason: 'Calls are forwarded.' } as const
    announce(turn, before, soundOf('announcement', setting))
  } else {
    sendForward(turn, otherwise)
  }
}

/** Forwards a call that has heard what it was to hear: it goes even where forwarding was switched off meanwhile. */
export function sendForward(turn: Turn, otherwise: (turn: Turn) => void): void {
  const destination = turn.decide('forced_forwarding', 'forwardToPhoneNumber')
  if (destination === undefined) otherwise(turn)
  else turn.leave(destination, { outcome: 'forwarded', reason: 'Calls are forwarded.' })
}

/** A call that is to leave, and for where. */
type Leaver = Leaving & { destination: string }

/** It is known where the call goes. */
export function goTo(turn: Turn, leaving: Leaver, route: Route): void {
  if (route.kind === 'route point') {
    goToRoutePoint(turn, leaving, route)
  } else if (route.kind === 'nowhere') {
    turn.end('failed', `${leaving.reason} The destination leads nowhere.`, causes.unknownNumber)
  } else {
    dialDestination(turn, leaving, route)
  }
}

function tellForwarded(turn: Turn, { destination, reason }: Leaver, hasLeft: boolean): void {
  turn.tell({ kind: 'call.forwarded', destination, hasLeft, reason })
}

function goToRoutePoint(turn: Turn, leaving: Leaver, route: Route & { kind: 'route point' }): void {
  const { call } = turn
  if (call.hops >= hopsMax) {
    turn.end('refused', `It was sent on by ${hopsMax} route points.`, causes.noAnswer)
    return
  }
  tellForwarded(turn, leaving, true)
  // What it hears is the other's to say.
  turn.hush()
  const arrived = { hops: call.hops + 1, waitingSince: null, isBounced: false }
  turn.change({ routePoint: route.routePoint, dnis: route.dnisName, ...arrived })
  turn.become({ name: 'arriving' })
  turn.act({ do: 'arrive' })
}

function dialDestination(turn: Turn, leaving: Leaver, to: Target): void {
  const { number } = turn.call.caller
  if (turn.world.alike >= (number === '' ? alikeMax.withoutNumber : alikeMax.withNumber)) {
    turn.end('refused', `${leaving.reason} The call seems to go round.`, causes.noAnswer)
    return
  }
  tellForwarded(turn, leaving, false)
  turn.ring()
  const leg = turn.newId()
  turn.become({ name: 'forwarded', leg, outcome: leaving.outcome, reason: leaving.reason })
  turn.keepTimer('noAnswer', turn.now + forwardingSecondsMax * 1_000)
  turn.act({ do: 'dial', leg, to, from: turn.call.caller, pattern: 'Normal' })
}

/** What the caller is told where the destination did not take the call. */
export const causesOfEnds: Record<LegEnd, Cause> = {
  busy: causes.busy,
  declined: causes.busy,
  forbidden: causes.rejected,
  unknown: causes.unknownNumber,
  unavailable: causes.noAnswer,
  redirected: causes.noAnswer,
  unreachable: causes.noAnswer,
  hungUp: causes.noAnswer,
  failed: causes.congestion,
}

export function forwardingFailed(
  turn: Turn,
  leaving: Leaving & { leg: string },
  how: LegEnd | 'noAnswer',
): void {
  const cause = how === 'noAnswer' ? causes.noAnswer : causesOfEnds[how]
  // It may ring still; the end of the call would end it as well.
  if (turn.call.isAnswered) turn.act({ do: 'hang up', leg: leaving.leg })
  const reason = `${leaving.reason} The destination did not take it: ${how}.`
  beBusy(turn, { outcome: 'failed', reason }, cause)
}
