/** Does a task, but not once more while it is under way. @param task never rejects. */
export function oneAtATime(task: () => Promise<void>) {
  let running: Promise<void> | undefined
  return {
    run(): Promise<void> {
      running ??= task().finally(() => {
        running = undefined
      })
      return running
    },
    settled: async () => running,
  }
}
