import pg from 'pg'
import { DatabaseUnavailable } from '../../errors.ts'

/** The SQLSTATE of what the server answered; undefined for trouble on the way to it. */
export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined
}

/** The server ended the connection, or what it leads to takes no writes any more. */
const lostStates = /^(?:08|25006|25P0[34]|57P0)/

/** Too many of something, a statement that took too long, trouble of the machine, a lock that did not come free. */
const busyStates = /^(?:53|57|58|55P03)/

/** The connection is of no more use, and its host perhaps not either. No COMMIT was sent, so nothing was written. */
export class ConnectionLost extends DatabaseUnavailable {}

/** COMMIT was sent and its answer is missing or says less than it should: the write may be there or not. */
export class OutcomeUnknown extends DatabaseUnavailable {}

function translate(error: unknown): unknown {
  const state = sqlState(error)
  if (state === undefined || lostStates.test(state)) return new ConnectionLost(error)
  return busyStates.test(state) ? new DatabaseUnavailable(error) : error
}

/**
 * Asks the server.
 *
 * @throws ConnectionLost or DatabaseUnavailable when it could not be asked, or not now; else what the server says.
 */
export async function ask<Result>(question: Promise<Result>): Promise<Result> {
  try {
    return await question
  } catch (error) {
    throw translate(error)
  }
}
