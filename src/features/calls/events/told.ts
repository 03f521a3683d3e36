import type { Transaction } from '../../../database/database.ts'
import type { RoutePointKey } from '../../route-points/route-point.ts'
import type { Call, Ending, Told } from '../call.ts'
import { offerOf, showOffer, showTold, showUnknown } from '../shown.ts'
import { type NewEvent, tellEvents } from './tell.ts'

const endOf = ({ outcome, reason }: Pick<Ending, 'outcome' | 'reason'>) => ({ outcome, reason })

/** What an event says besides the call. */
function detailsOf({ telling, call: { phase } }: Told): object {
  switch (telling.kind) {
    case 'call.offerFailed':
      return { offer: showOffer(telling.offer), how: telling.how }
    case 'call.overflowed':
      return { reason: telling.reason }
    case 'call.forwarded': {
      const { destination, hasLeft, reason } = telling
      return { destination, hasLeft, reason }
    }
    case 'call.ended':
      return phase.name === 'ended' ? endOf(phase.ending) : {}
    default:
      return {}
  }
}

function eventOf(
  [tenantKey, groupKey, routePointKey]: RoutePointKey,
  said: Pick<NewEvent, 'kind' | 'at' | 'body' | 'ofCall'>,
): NewEvent {
  return { group: [tenantKey, groupKey], routePointKey, ...said }
}

/** Tells what happens to a call, with the write that makes it so. */
export async function tellCall(transaction: Transaction, told: readonly Told[]): Promise<void> {
  const events = told.map((one) => {
    const { telling, number, at, call } = one
    const lastOffer = telling.kind === 'call.ended' ? telling.offer : null
    const body = { call: showTold(call, lastOffer), ...detailsOf(one) }
    const ofCall = { id: call.id, number }
    return eventOf(call.routePoint, { kind: telling.kind, at, body, ofCall })
  })
  await tellEvents(transaction, events)
}

/** Tells that a call is over which nobody treated any more. @param call undefined where nothing else is known of it. */
export async function tellLost(
  transaction: Transaction,
  { routePoint, id, call }: { routePoint: RoutePointKey; id: string; call?: Call },
  { at, ...ending }: Pick<Ending, 'outcome' | 'reason' | 'at'>,
): Promise<void> {
  const shown = call ? { ...showTold(call, offerOf(call)), state: 'ended' } : showUnknown(id, at)
  const body = { call: shown, ...endOf(ending) }
  const ofCall = { id, number: (call?.told ?? 0) + 1 }
  await tellEvents(transaction, [eventOf(routePoint, { kind: 'call.ended', at, body, ofCall })])
}
