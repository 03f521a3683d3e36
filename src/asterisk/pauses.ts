/** Milliseconds before the next attempt to connect: the first, and the longest that the doubled ones become. */
const backoff = { least: 200, most: 10_000 }

/** Milliseconds after another program has taken over, or a version that is not served: neither changes soon. */
const longBackoffMilliseconds = 30_000

export interface Ended {
  /** How long it held, in milliseconds; 0 where it was not made. */
  heldMilliseconds: number
  /** Whether it is to be left alone for longer. */
  isSteppedDown: boolean
}

/**
 * Answers, each time that a connection was lost or could not be made, the milliseconds before the next attempt.
 *
 * @param random tells the lot of one attempt from another, so that many programs do not come back at once.
 */
export function createPauses(random: () => number): (ended: Ended) => number {
  let next = backoff.least
  return ({ heldMilliseconds, isSteppedDown }) => {
    // A connection that held was good: it is asked for again at once.
    if (heldMilliseconds > backoff.most) next = backoff.least
    const pause = isSteppedDown ? longBackoffMilliseconds : next
    next = Math.min(next * 2, backoff.most)
    return pause * (0.5 + random() / 2)
  }
}
