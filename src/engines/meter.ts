/** Counts what an engine is asked, and how its connection does. */
export interface EngineMeter {
  /** A request was answered, or given up. */
  requested(request: RequestOutcome): void
  /** A connection was made or lost. */
  connected(isConnected: boolean): void
}

export interface RequestOutcome {
  /** What it was about, such as `channels`. */
  kind: string
  outcome: 'done' | 'refused' | 'unreachable'
  seconds: number
}
