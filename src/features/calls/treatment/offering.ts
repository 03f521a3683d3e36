import type { Party } from '../../../engines/engine.ts'
import type { CallEvent, Leaving, Offer, Ringing, RingPattern, Telling } from '../call.ts'
import { bounce } from './bouncing.ts'
import { goTo } from './forwarding.ts'
import type { Turn } from './turn.ts'
import { wait } from './waiting.ts'

/** How long a telephone rings once; settings count in rings. */
export const ringSeconds = 6

/** A routing system has chosen who shall take the call. */
export function offer(turn: Turn, event: CallEvent & { type: 'offered' }): void {
  const { agent, destination, route } = event
  turn.change({ offers: turn.call.offers + 1 })
  if (route.kind === 'route point' || route.kind === 'nowhere') {
    // Sent on by somebody who decides each time, it goes round no loop of settings.
    turn.change({ hops: 0 })
    const leaving: Leaving = { outcome: 'forwarded', reason: 'The routing system sent it on.' }
    goTo(turn, { destination: destination ?? '', ...leaving }, route)
    return
  }
  turn.tell({ kind: 'call.offered' })
  const leg = turn.newId()
  const isForced = event.isForced ?? turn.decide('route_points', 'forceDeliveryOfCalls')
  const made: Offer = { id: String(turn.call.offers), leg, agent, to: route, destination, isForced }
  turn.become({ name: 'offered', offer: made })
  if (turn.decide('route_points', 'playRingingWhenOfferingCall')) turn.ring()
  const seconds = event.ringSeconds ?? ringsOf(turn) * ringSeconds
  turn.keepTimer('noAnswer', turn.now + seconds * 1_000)
  turn.act({ do: 'dial', leg, to: route, ...ringingOf(turn, made) })
}

function ringingOf(turn: Turn, offer: Offer): Ringing {
  const ringing = { from: displayOf(turn), pattern: patternOf(turn, offer) }
  // Telephones outside are not ours to answer, nor those of whom a destination reaches: they may be another group's.
  const isNamed = offer.to.kind === 'agent' && offer.destination === null
  if (!offer.isForced || !isNamed) return ringing
  const answerAfterSeconds = turn.decide('route_points', 'forceDeliveryWaitTimeSeconds') ?? 0
  return { ...ringing, answerAfterSeconds }
}

function ringsOf(turn: Turn): number {
  return turn.decide('bounced_call', 'active')
    ? turn.decide('bounced_call', 'numberOfRingsBeforeBouncingCall')
    : turn.decide('route_points', 'noAnswerTimeoutRings')
}

function patternOf(turn: Turn, { isForced }: Offer): RingPattern {
  if (!turn.decide('distinctive_ringing', 'distinctiveRinging')) return 'Normal'
  return isForced
    ? turn.decide('distinctive_ringing', 'forceDeliveryRingPattern')
    : turn.decide('distinctive_ringing', 'ringPatternForRoutePoint')
}

/** What the agent sees: the caller, or of the DNIS that was called what is to be shown of it. */
function displayOf(turn: Turn): Party {
  const { caller } = turn.call
  const dnis = turn.state.dnis?.dnis
  if (!dnis) return caller
  const isNumberShown = turn.decide('dnis_config', 'displayDNISNumber')
  const isNameShown = turn.decide('dnis_config', 'displayDNISName')
  const number = dnis.phoneNumber ?? dnis.extension
  return {
    name: isNameShown ? dnis.name : caller.name,
    number: isNumberShown && number !== undefined ? number : caller.number,
  }
}

type HowFailed = (Telling & { kind: 'call.offerFailed' })['how']

function tellFailed(turn: Turn, offer: Offer, how: HowFailed): void {
  turn.tell({ kind: 'call.offerFailed', offer, how })
}

/** Nobody answered in time. */
export function offerUnanswered(turn: Turn, offer: Offer): void {
  tellFailed(turn, offer, 'noAnswer')
  turn.act({ do: 'hang up', leg: offer.leg })
  if (turn.decide('bounced_call', 'active')) bounce(turn)
  else wait(turn)
}

/** The telephone refused, was not reached or went away. */
export function offerFailed(turn: Turn, offer: Offer, how: HowFailed): void {
  tellFailed(turn, offer, how)
  if (turn.decide('bounced_call', 'bounceCallWhenAgentUnavailable')) bounce(turn)
  else wait(turn)
}

/** The routing system takes its offer back. */
export function offerWithdrawn(turn: Turn, offer: Offer): void {
  tellFailed(turn, offer, 'withdrawn')
  turn.act({ do: 'hang up', leg: offer.leg })
  wait(turn)
}
