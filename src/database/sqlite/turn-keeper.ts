import { setImmediate as nextTurn } from 'node:timers/promises'

/**
 * Bounds how long the writing connection keeps the thread. Between two statements of a write others have their turn: they
 * read what was flushed before, on a connection of their own, and whoever writes waits in line.
 */
export function turnKeeper(milliseconds: number) {
  let began = 0
  let taken = 0
  return {
    begin() {
      began = performance.now()
      taken = 0
    },
    isOver: () => performance.now() - began >= milliseconds,
    async next() {
      await nextTurn()
      began = performance.now()
      taken += 1
    },
    taken: () => taken,
  }
}

export type Turns = ReturnType<typeof turnKeeper>
