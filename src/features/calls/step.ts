import { causes } from '../../engines/engine.ts'
import type {
  Action,
  Call,
  CallEvent,
  Found,
  Hearing,
  Outcome,
  Phase,
  Reason,
  TimerName,
  Told,
} from './call.ts'
import { admit, arrive } from './treatment/arrival.ts'
import { connectAgain, conversationFailed, converse } from './treatment/conversation.ts'
import { forwardingFailed, goTo, sendForward } from './treatment/forwarding.ts'
import { offer, offerFailed, offerUnanswered, offerWithdrawn } from './treatment/offering.ts'
import { sendAway } from './treatment/overflow.ts'
import { Turn, type World } from './treatment/turn.ts'
import { endSilence, musicEnded, playMusic, reconsider } from './treatment/waiting.ts'

/** What an event makes of a call. */
export interface Step {
  call: Call
  /** To be done in this order, once the call is kept as it now is. */
  actions: readonly Action[]
  /** The members of settings that decided, in their order. */
  reasons: readonly Reason[]
  /** What is told of it, in order. */
  told: readonly Told[]
  /** The event was a command that cannot be followed as the call stands: nothing has changed. */
  isRefused: boolean
}

type Event<Type extends CallEvent['type']> = CallEvent & { type: Type }

/**
 * Treats a call: the only place that decides. It has no clock and asks nobody, so that what is live, tried in thought
 * (`simulation.ts`) and tested cannot differ.
 */
export function step(call: Call, event: CallEvent, world: World): Step {
  const turn = new Turn(call, world)
  const isTaken = take(turn, event)
  turn.tellRest(call)
  const { actions, reasons, told } = turn
  return { call: turn.call, actions, reasons, told, isRefused: !isTaken }
}

/** @returns false for a command that cannot be followed. */
function take(turn: Turn, event: CallEvent): boolean {
  const { call } = turn
  if (call.phase.name === 'ended') return afterEnd(turn, event)
  // Also where there is no such route point any more: what ends has come.
  if (event.type === 'arrived' && call.phase.name === 'arriving') {
    turn.tell({ kind: 'call.arrived' })
  }
  if (event.type === 'ended' && event.leg === call.leg) {
    callerLeft(turn)
  } else if (event.type === 'lost') {
    callerLost(turn)
  } else if (event.type === 'due' && event.timer === 'life') {
    turn.end(endedAs(call.phase, 'released'), 'It had lived as long as a call may.')
  } else if (!turn.world.state && needsRoutePoint(call)) {
    endWithoutRoutePoint(turn)
  } else if (event.type === 'offered') {
    return takeOffer(turn, event)
  } else if (event.type === 'withdrawn') {
    return takeBack(turn, event)
  } else if (event.type === 'coded') {
    return takeCodes(turn, event)
  } else {
    happen(turn, event)
  }
  return true
}

function happen(
  turn: Turn,
  event: Exclude<CallEvent, Event<'offered' | 'withdrawn' | 'coded' | 'lost'>>,
): void {
  const { phase } = turn.call
  switch (event.type) {
    case 'arrived':
      if (phase.name === 'arriving') arrive(turn)
      break
    case 'resolved':
      if (phase.name === 'leaving') goTo(turn, phase, event.route)
      break
    case 'played':
      played(turn, event)
      break
    case 'answered':
      answered(turn, event.leg)
      break
    case 'ended':
      legEnded(turn, event)
      break
    case 'due':
      due(turn, event.timer)
      break
    case 'released':
      release(turn, event)
      break
    case 'routing':
      if (phase.name === 'waiting') reconsider(turn)
      break
    case 'undone':
      undone(turn, event)
      break
    case 'found':
      found(turn, event.found)
      break
  }
}

/** Nothing brings a call back; but the caller must be let go. */
function afterEnd(turn: Turn, event: CallEvent): boolean {
  const { phase, leg } = turn.call
  if (phase.name !== 'ended') return false
  const isGone = event.type === 'lost' || (event.type === 'ended' && event.leg === leg)
  if (isGone) {
    turn.change({ phase: { ...phase, ending: { ...phase.ending, isGone } } })
  } else if (event.type === 'found') {
    turn.act({ do: 'release', cause: phase.ending.cause })
  } else if (event.type === 'answered') {
    turn.act({ do: 'hang up', leg: event.leg })
  }
  return !['offered', 'withdrawn', 'coded', 'released'].includes(event.type)
}

function endWithoutRoutePoint(turn: Turn): void {
  if (turn.world.isDamaged) {
    turn.end('failed', 'What is kept of its route point is damaged.', causes.failure)
  } else {
    turn.end('failed', 'Its route point is no more.', causes.unknownNumber)
  }
}

/** Calls that speak or are on their way elsewhere go on. */
function needsRoutePoint({ phase }: Call): boolean {
  return !['connected', 'forwarded', 'overflowed'].includes(phase.name)
}

/** How a call ends from outside: as what it has become, or else. */
function endedAs(phase: Phase, otherwise: Outcome): Outcome {
  const hasOutcome = phase.name === 'connected' || phase.name === 'overflowed'
  return hasOutcome ? phase.outcome : otherwise
}

function callerLeft(turn: Turn): void {
  turn.endWithoutCaller(endedAs(turn.call.phase, 'abandoned'), 'The caller hung up.')
}

/** Whoever spoke has spoken; of the others nobody knows what they heard last. */
function callerLost(turn: Turn): void {
  turn.endWithoutCaller(endedAs(turn.call.phase, 'failed'), 'The engine no longer has it.')
}

function takeOffer(turn: Turn, event: Event<'offered'>): boolean {
  if (turn.call.phase.name !== 'waiting') return false
  offer(turn, event)
  return true
}

function takeBack(turn: Turn, event: Event<'withdrawn'>): boolean {
  const { phase } = turn.call
  if (phase.name !== 'offered' || phase.offer.id !== event.offer) return false
  offerWithdrawn(turn, phase.offer)
  return true
}

/** Codes say how a conversation was: there must be one. */
function takeCodes(turn: Turn, { codes }: Event<'coded'>): boolean {
  if (turn.call.phase.name !== 'connected') return false
  turn.change({ dispositionCodes: codes })
  return true
}

function played(turn: Turn, { play, isWhole }: Event<'played'>): void {
  const { phase, hearing } = turn.call
  if (!('play' in hearing) || hearing.play !== play) return
  turn.change({ hearing: { what: 'nothing' } })
  if (phase.name === 'announced') goOn(turn, phase)
  else if (hearing.what === 'music') musicEnded(turn, isWhole)
}

/** The announcement has been heard. */
function goOn(turn: Turn, { before, reason }: Call['phase'] & { name: 'announced' }): void {
  if (before === 'overflow') sendAway(turn, reason)
  else sendForward(turn, admit)
}

function answered(turn: Turn, leg: string): void {
  const { phase } = turn.call
  if (phase.name === 'offered' && phase.offer.leg === leg) {
    converse(turn, { leg, offer: phase.offer, outcome: 'answered' })
  } else if (phase.name === 'forwarded' && phase.leg === leg) {
    converse(turn, { leg, offer: null, outcome: phase.outcome })
  } else if (phase.name !== 'connected' || phase.leg !== leg) {
    // It was withdrawn in the moment of its answer.
    turn.act({ do: 'hang up', leg })
  }
}

function legEnded(turn: Turn, { leg, how }: Event<'ended'>): void {
  const { phase } = turn.call
  if (phase.name === 'offered' && phase.offer.leg === leg) offerFailed(turn, phase.offer, how)
  else if (phase.name === 'forwarded' && phase.leg === leg) forwardingFailed(turn, phase, how)
  else if (phase.name === 'connected' && phase.leg === leg) {
    turn.end(phase.outcome, 'The other side hung up.')
  }
}

function due(turn: Turn, timer: TimerName): void {
  const { phase, timers, hearing } = turn.call
  const { [timer]: _, ...others } = timers
  turn.change({ timers: others })
  if (phase.name === 'waiting' && timer === 'overflow') reconsider(turn)
  else if (phase.name === 'waiting' && timer === 'silence') endSilence(turn)
  else if (phase.name === 'offered' && timer === 'noAnswer') offerUnanswered(turn, phase.offer)
  else if (phase.name === 'forwarded' && timer === 'noAnswer') {
    forwardingFailed(turn, phase, 'noAnswer')
  } else if (phase.name === 'overflowed' && timer === 'tone') {
    turn.end(phase.outcome, phase.reason, causes.noAnswer)
  } else if (phase.name === 'announced' && timer === 'announcement') {
    turn.hush()
    goOn(turn, phase)
  } else if (timer === 'music' && hearing.what === 'nothing') {
    playMusic(turn)
  }
}

function release(turn: Turn, { cause }: Event<'released'>): void {
  const { phase } = turn.call
  turn.end(
    endedAs(phase, 'released'),
    'A routing system or an admin ended it.',
    cause ?? causes.normal,
  )
}

function undone(turn: Turn, { action, isGone }: Event<'undone'>): void {
  const { phase } = turn.call
  switch (action.do) {
    case 'connect':
      if (phase.name === 'connected' && phase.bridge === action.bridge) {
        conversationFailed(turn, phase)
      }
      break
    case 'dial':
      legEnded(turn, { type: 'ended', leg: action.leg, how: 'failed' })
      break
    case 'stop':
      if (!isGone) turn.noteStop(action.play)
      break
    case 'answer':
    case 'ring':
      if (isGone) callerLeft(turn)
      break
    case 'play':
    case 'tone':
      if (isGone) callerLeft(turn)
      else played(turn, { type: 'played', play: action.play, isWhole: false })
      break
  }
}

/** The engine was looked through: what is lacking is done again. */
function found(turn: Turn, { isAnswered, leg, isConnected, isPlaying }: Found): void {
  const { phase, hearing, isAnswered: wasAnswered } = turn.call
  if (wasAnswered && !isAnswered) turn.act({ do: 'answer' })
  if (!isPlaying) turn.change({ hearing: { what: 'nothing' } })
  if (phase.name === 'connected') {
    if (leg === 'absent') turn.end(phase.outcome, 'The other side hung up.')
    else if (!isConnected) connectAgain(turn, phase)
  } else if (leg === 'absent' && phase.name === 'offered') {
    offerFailed(turn, phase.offer, 'failed')
  } else if (leg === 'absent' && phase.name === 'forwarded') {
    forwardingFailed(turn, phase, 'failed')
  } else if (leg === 'answered' && (phase.name === 'offered' || phase.name === 'forwarded')) {
    answered(turn, phase.name === 'offered' ? phase.offer.leg : phase.leg)
  } else if (!isPlaying) {
    hearAgain(turn, hearing)
  }
}

/** @param hearing what the caller should hear. */
function hearAgain(turn: Turn, hearing: Hearing): void {
  const { phase } = turn.call
  if (phase.name === 'announced') goOn(turn, phase)
  else if (hearing.what === 'ringing') turn.ring()
  else if (hearing.what === 'busy') turn.busy()
  else if (phase.name === 'waiting') reconsider(turn)
  else if (hearing.what === 'music') playMusic(turn)
}
