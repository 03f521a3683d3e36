/** Whether an engine is ours to command: of several programs one has it at a time. */
export interface Lease {
  /** Rises with each that takes it. */
  readonly generation: number
  /** Milliseconds that are left of it, unless it is renewed; 0 when it is over. */
  leftMilliseconds(): number
}

/** The lease of a program that is alone. */
export const noRivals: Lease = { generation: 1, leftMilliseconds: () => Number.POSITIVE_INFINITY }

/** Somebody else treats the calls of an engine by now: what was to be written is not. */
export class LeaseLost extends Error {
  constructor() {
    super('Another node treats the calls of the engine.')
  }
}
