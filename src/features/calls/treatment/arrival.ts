import { causes } from '../../../engines/engine.ts'
import { forceForwarding } from './forwarding.ts'
import { overflow } from './overflow.ts'
import type { Turn } from './turn.ts'
import { wait } from './waiting.ts'

/** A call has come, from outside or from another route point. */
export function arrive(turn: Turn): void {
  if (!turn.decide('route_points', 'active')) {
    turn.end('refused', 'The route point is not active.', causes.noAnswer)
  } else if (turn.decide('forced_forwarding', 'active')) {
    forceForwarding(turn, admit)
  } else {
    admit(turn)
  }
}

/** Calls that are offered have their place in the queue still. */
export function admit(turn: Turn): void {
  const { waiting } = turn.world
  if (waiting >= turn.decide('route_points', 'queueLength')) overflow(turn, 'The queue is full.')
  else wait(turn)
}
