import type Sqlite from 'better-sqlite3'
import type { Statement, Transaction, Value } from '../database.ts'
import { type Prepare, reader, translate } from './connection.ts'
import type { Turns } from './turn-keeper.ts'

/**
 * A transaction that refuses to work once its write has ended, so that a forgotten `await` is an error, and once SQLite
 * has undone it by itself: a statement that ran then would be a commit of its own.
 */
export function openTransaction(
  connection: Sqlite.Database,
  prepare: Prepare,
  turns: Turns,
): { transaction: Transaction; end(): void } {
  let open = true
  const live: Prepare = (statement) => {
    if (!open) throw new Error('A statement ran after its write had ended: an await is missing.')
    if (!connection.inTransaction) throw new Error('SQLite has undone the transaction.')
    return prepare(statement)
  }
  // Whoever writes holds the lock that there is to wait for.
  const reads = reader(live, 0)
  const transaction = {
    async get<Row>(statement: Statement<Row>, ...values: Value[]) {
      if (turns.isOver()) await turns.next()
      return reads.get(statement, ...values)
    },
    async all<Row>(statement: Statement<Row>, ...values: Value[]) {
      if (turns.isOver()) await turns.next()
      return reads.all(statement, ...values)
    },
    tables: reads.tables,
    async run(statement: Statement<unknown>, ...values: Value[]) {
      if (turns.isOver()) await turns.next()
      try {
        return live(statement).run(...values).changes
      } catch (error) {
        throw translate(error)
      }
    },
    async filled(_table: unknown) {},
    // What marks it is there for the compiler alone.
  } as Transaction
  return {
    transaction,
    end() {
      open = false
    },
  }
}
