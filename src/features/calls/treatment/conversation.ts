import { causes } from '../../../engines/engine.ts'
import { type Conversation, type Offer, type Outcome, whomOf } from '../call.ts'
import type { Turn } from './turn.ts'
import { wait } from './waiting.ts'

/** Somebody answered: what the caller hears from us ends first, or nobody would be heard. */
export function converse(
  turn: Turn,
  { leg, offer, outcome }: { leg: string; offer: Offer | null; outcome: Outcome },
): void {
  turn.tell({ kind: 'call.answered' })
  turn.answer()
  turn.silence()
  const bridge = turn.newId()
  turn.become({ name: 'connected', leg, bridge, offer, outcome })
  turn.change({
    taken: { agent: offer?.agent ?? null, at: turn.now, ...(offer && { whom: whomOf(offer) }) },
  })
  turn.act({ do: 'connect', bridge, leg })
}

/** Whoever answered was gone before they could be heard: that was no answer. */
export function conversationFailed(turn: Turn, { leg, bridge, offer }: Conversation): void {
  if (!offer || !turn.world.state) {
    turn.end('failed', 'Whoever answered was gone at once.', causes.congestion)
    return
  }
  turn.tell({ kind: 'call.offerFailed', offer, how: 'hungUp' })
  turn.act({ do: 'hang up', leg })
  turn.act({ do: 'dissolve', bridge })
  turn.change({ taken: null, dispositionCodes: [] })
  wait(turn)
}

/** Connects once more what should be connected and is not. */
export function connectAgain(turn: Turn, conversation: Conversation): void {
  turn.act({ do: 'dissolve', bridge: conversation.bridge })
  turn.silence()
  const bridge = turn.newId()
  turn.become({ name: 'connected', ...conversation, bridge })
  turn.act({ do: 'connect', bridge, leg: conversation.leg })
}
