import type { Turn } from './turn.ts'
import { wait } from './waiting.ts'

/** A call comes back from an agent: it goes elsewhere, or before all others, however many wait. */
export function bounce(turn: Turn): void {
  turn.tell({ kind: 'call.bounced' })
  turn.change({ isBounced: true })
  if (turn.decide('bounced_call', 'enableTransfer')) {
    const destination = turn.decide('bounced_call', 'transferPhoneNumber')
    if (destination !== undefined) {
      turn.leave(destination, { outcome: 'bounced-out', reason: 'No agent took it.' })
      return
    }
  }
  wait(turn)
}
