import { busy, Refusal } from '../errors.ts'
import { payerOf } from './clients.ts'
import type { Caller } from './permissions.ts'

/** How many streams of a kind there may be: more than anybody listens to, and too few to keep others out. */
export interface RoomSize {
  /** Of one account. */
  accountMax: number
  tenantMax: number
  /** Of a node. */
  nodeMax: number
}

/** The part of a server's connections that may be taken by streams of a kind, which never give way to others. */
const partOfConnections = 1 / 4

const retryAfterSeconds = 30

function tooMany(whose: string, most: number): Refusal {
  const message = `${whose} has ${most} streams open, the most that there may be.`
  return new Refusal([{ code: 429, message }], { 'retry-after': String(retryAfterSeconds) })
}

/** The streams of a kind that are open now. */
export interface Room {
  open(): number
  /**
   * Takes a place, until what is returned is called.
   *
   * @throws Refusal 429 when the caller or their tenant has too many, 503 when all together are too many.
   */
  enter(caller: Caller): () => void
}

export function createRoom(
  connectionsMax: number,
  { accountMax, tenantMax, nodeMax }: RoomSize,
): Room {
  const most = Math.max(1, Math.min(nodeMax, Math.floor(connectionsMax * partOfConnections)))
  const counts = new Map<string, number>()
  let open = 0

  function add(holders: readonly string[], count: 1 | -1): void {
    open += count
    for (const holder of holders) {
      const left = (counts.get(holder) ?? 0) + count
      if (left > 0) counts.set(holder, left)
      else counts.delete(holder)
    }
  }

  return {
    open: () => open,
    enter(caller) {
      const account = `account ${caller.identityKey}`
      const payer = payerOf(caller)
      if ((counts.get(account) ?? 0) >= accountMax) throw tooMany('This account', accountMax)
      if ((counts.get(payer) ?? 0) >= tenantMax) throw tooMany('This tenant', tenantMax)
      if (open >= most) throw busy('There are too many streams; try again.', retryAfterSeconds)
      const holders = [account, payer]
      add(holders, 1)
      let hasLeft = false
      return () => {
        if (!hasLeft) add(holders, -1)
        hasLeft = true
      }
    },
  }
}
