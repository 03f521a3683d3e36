import type { TableShape } from './shape.ts'

/** What a statement binds. Booleans are kept as 0 and 1, times as milliseconds since 1970, so both engines agree. */
export type Value = string | number | null | Uint8Array

/** One SQL text with `?` placeholders, prepared once by each connection that runs it. */
export interface Statement<Row> {
  readonly text: string
  readonly row?: Row
}

/** Names the row that a statement answers; the text must be portable SQL. */
export function sql<Row = never>(text: string): Statement<Row> {
  return { text }
}

/** The condition that each of some columns has a value; of `table` where several have such columns. */
export function whereEqual(columns: readonly string[], table?: string): string {
  const from = table === undefined ? '' : `${table}.`
  return columns.map((column) => `${from}${column} = ?`).join(' AND ')
}

/** What sets each of some columns, in an UPDATE. */
export function setColumns(columns: readonly string[]): string {
  return columns.map((column) => `${column} = ?`).join(', ')
}

/** Reads what is flushed. */
export interface Reader {
  get<Row>(statement: Statement<Row>, ...values: Value[]): Promise<Row | undefined>
  all<Row>(statement: Statement<Row>, ...values: Value[]): Promise<Row[]>
  /** Every table, each after those that it refers to. */
  tables(): Promise<TableShape[]>
}

declare const insideWrite: unique symbol

/** Reads and writes inside one write. Only `Database.write` makes one, so nothing is written outside. */
export interface Transaction extends Reader {
  readonly [insideWrite]: true
  /** Answers the number of rows changed. */
  run(statement: Statement<unknown>, ...values: Value[]): Promise<number>
  /**
   * Lets the engine know of a table that this write has filled: its planner, and what gives its rows their numbers, which
   * go on after the highest. SQLite plans by its indexes, and looks for the highest number itself.
   */
  filled(table: Pick<TableShape, 'name' | 'key'>): Promise<void>
}

/**
 * What keeps a write's decision true that others make untrue at the same moment. `keys`: all that it rests on stands in rows
 * that it writes itself, or is held by foreign keys and unique keys. `reads`: anything that it has read, which on PostgreSQL
 * makes writes meet that have nothing to do with each other, since what was read is noted by index page.
 */
export type Guard = 'reads' | 'keys'

export interface Database extends Reader {
  /**
   * Runs `change` with all of its writes or none, and answers after they are flushed. It waits only for its
   * transaction: on SQLite other writes wait behind it, while reads have their turns between its statements.
   *
   * @param guard `reads` unless told otherwise: it is right for every write.
   * @throws what `change` throws; DatabaseUnavailable when the engine cannot write.
   */
  write<Result>(
    change: (transaction: Transaction) => Promise<Result>,
    guard?: Guard,
  ): Promise<Result>
  /** Reads the database as it is at one moment, which may take minutes; nobody else waits. */
  snapshot<Result>(read: (reader: Reader) => Promise<Result>): Promise<Result>
  /**
   * Waits until gaps in the numbers that the engine gives to rows of `table` are final: no number appears any more below
   * one that could be read when this was called.
   *
   * @throws DatabaseUnavailable; AbortError when `signal` aborts.
   */
  settle(table: string, signal: AbortSignal): Promise<void>
  /** Has `listener` told of each commit of this process, until what is returned is called. */
  onCommit(listener: CommitListener): () => void
  /** @throws DatabaseUnavailable when nothing can be read, or nothing that is written would be kept. */
  verify(): Promise<void>
  /** Bytes that the database takes. */
  size(): Promise<number>
  close(): Promise<void>
}

/** Called after each commit with the number of writes that shared it. */
export type CommitListener = (writes: number) => void
