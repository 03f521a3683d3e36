/** More that waits for one call than any call can bring about: something is wrong, and a survey will tell how it stands. */
const tasksMax = 100

/** More that is asked for is refused, so that what happens on the engine always has its place. */
const wishesMax = 10

/** Does what concerns one call one after another, in the order in which it came. */
export interface Line {
  /** @throws what `task` throws; LineFull. */
  run<Result>(task: () => Promise<Result>): Promise<Result>
  /** Nothing is being done and nothing waits. */
  readonly isQuiet: boolean
  /** More wait than one who asks for something can want. */
  readonly isLong: boolean
}

class LineFull extends Error {}

export function createLine(): Line {
  let last: Promise<unknown> = Promise.resolve()
  let waiting = 0
  return {
    get isQuiet() {
      return waiting === 0
    },
    get isLong() {
      return waiting >= wishesMax
    },
    run(task) {
      if (waiting >= tasksMax) return Promise.reject(new LineFull('Too much waits for one call.'))
      waiting += 1
      const result = last.then(task).finally(() => {
        waiting -= 1
      })
      last = result.catch(() => {})
      return result
    },
  }
}
