import type { FastifyRequest } from 'fastify'
import { LeaseLost } from '../../../engines/lease.ts'
import { busy, DatabaseUnavailable, notFound } from '../../../errors.ts'
import type { Answer } from '../../../http/answer.ts'
import { isRelayed, relay } from '../../../http/relay.ts'
import type { Door, Work } from '../../../writes/door.ts'
import { intentOf } from '../../../writes/intent.ts'
import type { RoutePointKey } from '../../route-points/route-point.ts'
import { type Call, type CallEvent, isSameKey } from '../call.ts'
import { engineOfCall, saveCall } from '../rows.ts'
import { readNodeOf } from './leases/rows.ts'
import type { Switchboard } from './switchboard.ts'
import { adopt, type Decision, decide, type LiveCall, noteOffer, performAll } from './treatment.ts'

/** What somebody wants of a call. */
export interface Command {
  routePoint: RoutePointKey
  callId: string
  /** By whom, and how it is asked for. */
  request: FastifyRequest
  event: CallEvent
  /**
   * Judges it in the write itself, on the call as it then stands and as it would become.
   *
   * @throws Refusal
   */
  judge(
    work: Work,
    decision: Pick<Decision, 'before' | 'call' | 'state' | 'isRefused'>,
  ): Promise<void>
  answer(call: Call): Answer
}

/**
 * Gives the answer that the same command had before, or has it done by the node that treats the call; else there is no such call, or
 * none that can be commanded now.
 */
async function passOn({ desk }: Switchboard, door: Door, command: Command): Promise<Answer> {
  const { routePoint, callId, request } = command
  const engine = await engineOfCall(door.reader, routePoint, callId)
  const node = engine === undefined ? undefined : await readNodeOf(door.reader, engine)
  // A node that has just taken the lease may not know of the call yet.
  const isElsewhere = node !== undefined && !desk.isOwnSession(node.session)
  if (isElsewhere && node.url && !isRelayed(request)) return relay(request, node.url)
  return door.write(intentOf(request), {
    guard: 'keys',
    async act({ transaction }) {
      if ((await engineOfCall(transaction, routePoint, callId)) === undefined) throw notFound()
      desk.logger.warn({ callId, engine }, 'a call is not treated here')
      throw busy('The call is not treated now: its engine is not connected.', 1)
    },
  })
}

/** Writes what a command makes of a call; `kept` hears of it where it is not only tried. */
function write(
  { desk }: Switchboard,
  { live, door, command }: { live: LiveCall; door: Door; command: Command },
  kept: (decision: Decision) => void,
): Promise<Answer> {
  const { request, event, judge, answer } = command
  const intent = intentOf(request)
  return door.write(intent, {
    guard: 'keys',
    prepare: () => decide(desk, live.call, event),
    async act(work, decision) {
      await judge(work, decision)
      const { generation } = live.station.lease
      await saveCall(work.transaction, { ...decision, generation }, desk.keeping)
      if (!intent.isDryRun) kept(decision)
      return answer(decision.call)
    },
  })
}

/**
 * Has a call do something, and answers when that is kept; the engine does it then.
 *
 * @throws Refusal 404 where there is no such call, 503 where it is treated nowhere now, or too much is asked of it at once; what `judge()` throws.
 */
export async function command(board: Switchboard, door: Door, wanted: Command): Promise<Answer> {
  const live = board.find(wanted.callId)
  if (!live || !isSameKey(live.call.routePoint, wanted.routePoint)) {
    return passOn(board, door, wanted)
  }
  if (live.line.isLong) throw busy('Too much is asked of the call at once.', 1)
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  live.line
    .run(() => obey(board, { live, door, command: wanted }, resolve))
    .catch((error) => {
      reject(error instanceof LeaseLost ? busy('Another node is taking the call over.', 1) : error)
    })
  return promise
}

/** Does a command in its turn: whatever happens to the call meanwhile waits behind it. */
async function obey(
  board: Switchboard,
  obeying: { live: LiveCall; door: Door; command: Command },
  answerWith: (answer: Answer) => void,
): Promise<void> {
  const { desk } = board
  const { live } = obeying
  let decided: Decision | undefined
  await board.finish(live)
  try {
    const answer = await write(board, obeying, (decision) => {
      decided = decision
    })
    if (decided) {
      adopt(desk, live, decided)
      noteOffer(desk, decided, obeying.command.event)
    }
    answerWith(answer)
  } catch (error) {
    if (decided && error instanceof DatabaseUnavailable) {
      live.open = { decision: decided, event: obeying.command.event }
      // The client may never ask again.
      void board.tell(live, { type: 'routing' })
    }
    decided = undefined
    throw error
  } finally {
    // What was refused, only tried or answered before has not changed the call's place.
    desk.queues.place(live.call)
  }
  if (decided) board.settle(live, await performAll(desk, live, decided))
}
