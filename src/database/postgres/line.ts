import { DatabaseUnavailable } from '../../errors.ts'

/** Ends a turn, so that the next in line has theirs. */
export type Leave = () => void

/** Waits for a turn. */
export type Line = () => Promise<Leave>

/** Whoever comes while so many wait is told at once: they would wait in vain, and take memory meanwhile. */
const waitingMax = 1_000

/**
 * Lets `countMax` have their turn at once; the others wait in the order in which they came.
 *
 * @param patience milliseconds.
 * @throws DatabaseUnavailable (each turn) when none came in `patience`, or too many wait.
 */
export function createLine(countMax: number, patience: number): Line {
  const waiting = new Set<() => void>()
  let free = countMax

  function leave(): void {
    const [next] = waiting
    if (next) {
      waiting.delete(next)
      next()
    } else {
      free += 1
    }
  }

  return async () => {
    if (free > 0) {
      free -= 1
      return leave
    }
    if (waiting.size >= waitingMax) {
      throw new DatabaseUnavailable(new Error(`${waitingMax} wait for a connection already.`))
    }
    await new Promise<void>((resolve, reject) => {
      const enter = () => {
        clearTimeout(timer)
        resolve()
      }
      const timer = setTimeout(() => {
        waiting.delete(enter)
        reject(new DatabaseUnavailable(new Error('No connection of this node came free in time.')))
      }, patience)
      waiting.add(enter)
    })
    return leave
  }
}
