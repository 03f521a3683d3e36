import type { PoolClient } from 'pg'
import type { Guard, Statement, Transaction, Value } from '../database.ts'
import type { TableShape } from '../shape.ts'
import { type Runner, reader, toQuery } from './connection.ts'
import { ask, ConnectionLost, OutcomeUnknown } from './errors.ts'
import type { Lease } from './pools.ts'

/**
 * Begins a transaction that refuses to work once its write has ended, so that a forgotten `await` is an error. BEGIN and a
 * first SELECT travel together; anything else waits for BEGIN, since without it a statement would be a commit of its
 * own.
 */
function begin(client: PoolClient, mode: string): { transaction: Transaction; end(): void } {
  let isOpen = true
  const begun = ask(client.query(mode))
  // Whoever awaits it hears of its failure; a change that asks nothing hears of it at COMMIT.
  begun.catch(() => {})
  const runner: Runner = {
    async query(query) {
      if (!isOpen)
        throw new Error('A statement ran after its write had ended: an await is missing.')
      if (!query.text.startsWith('SELECT')) await begun
      const [result] = await Promise.all([ask(client.query(query)), begun])
      return result
    },
  }
  const transaction = {
    ...reader(runner),
    async run(statement: Statement<unknown>, ...values: Value[]) {
      return (await runner.query({ ...toQuery(statement), values })).rowCount ?? 0
    },
    async filled({ name, key: [column = ''] }: Pick<TableShape, 'name' | 'key'>) {
      await runner.query({ text: `ANALYZE ${name}`, values: [] })
      const find = 'SELECT pg_get_serial_sequence($1, $2) AS sequence'
      const { sequence } = (await runner.query({ text: find, values: [name, column] })).rows[0]
      if (sequence === null) return
      const goOn = `SELECT setval($1, coalesce(max(${column}), 0) + 1, false) FROM ${name}`
      await runner.query({ text: goOn, values: [sequence] })
    },
    // What marks it is there for the compiler alone.
  } as Transaction
  return {
    transaction,
    end() {
      isOpen = false
    },
  }
}

/**
 * @throws OutcomeUnknown when the answer is lost, or when the server was told not to wait for its standbys: then the
 *   transaction is committed here and may be lost with this server.
 */
async function commit(client: PoolClient): Promise<void> {
  let warning: Error | undefined
  const listen = (notice: { severity: string | undefined; message: string | undefined }) => {
    if (notice.severity === 'WARNING') warning = new Error(notice.message)
  }
  client.on('notice', listen)
  try {
    const { command } = await ask(client.query('COMMIT'))
    if (warning) throw new OutcomeUnknown(warning)
    // PostgreSQL answers so when a statement failed and nobody noticed: all of the write is undone.
    if (command !== 'COMMIT') throw new Error('A statement failed, and its write went on.')
  } catch (error) {
    throw error instanceof ConnectionLost ? new OutcomeUnknown(error.cause) : error
  } finally {
    client.off('notice', listen)
  }
}

export const forWriting: Record<Guard, string> = {
  reads: 'BEGIN ISOLATION LEVEL SERIALIZABLE',
  // A row that somebody else has changed since is not changed: the write is run again.
  keys: 'BEGIN ISOLATION LEVEL REPEATABLE READ',
}

/** It waits for whoever reads as long as that takes. */
export const forSnapshot =
  'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL idle_in_transaction_session_timeout = 0'

export async function transact<Result>(
  { client, spoil }: Lease,
  mode: string,
  change: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  const { transaction, end } = begin(client, mode)
  try {
    const result = await change(transaction)
    end()
    await commit(client)
    return result
  } catch (error) {
    end()
    if (error instanceof ConnectionLost || error instanceof OutcomeUnknown) spoil()
    else await client.query('ROLLBACK').catch(spoil)
    throw error
  }
}
