import { type Database, type Reader, sql } from '../../../../database/database.ts'

/** Which session treats the calls of an engine. */
export interface LeaseRow {
  engine: string
  generation: number
  /** Null where the lease was given back. */
  session: string | null
  is_draining: number
}

/** A program that treats calls. */
export interface NodeRow {
  name: string
  session: string
  url: string | null
  /** Names of the engines that it could treat, as JSON. */
  engines: string
  beat: number
}

/** Nodes of which nothing was heard for so long are forgotten: names may change with each start. */
const forgottenMilliseconds = 86_400_000

const selectLeases = sql<LeaseRow>(
  'SELECT engine, generation, session, is_draining FROM engine_leases',
)
const selectLease = sql<LeaseRow>(
  'SELECT engine, generation, session, is_draining FROM engine_leases WHERE engine = ?',
)
const selectNodes = sql<NodeRow>('SELECT name, session, url, engines, beat FROM nodes')
const insertNode = sql(
  `INSERT INTO nodes (name, session, url, engines, beat) VALUES (?, ?, ?, ?, ?)
   ON CONFLICT (name) DO UPDATE SET session = excluded.session, url = excluded.url,
     engines = excluded.engines, beat = excluded.beat`,
)
const updateBeat = sql('UPDATE nodes SET beat = ? WHERE name = ? AND session = ?')
const deleteNode = sql('DELETE FROM nodes WHERE name = ? AND session = ?')
const deleteOldNodes = sql('DELETE FROM nodes WHERE beat < ?')
const insertLease = sql(
  'INSERT INTO engine_leases (engine, generation) VALUES (?, 0) ON CONFLICT (engine) DO NOTHING',
)
const updateLease = sql(
  `UPDATE engine_leases SET generation = generation + 1, session = ?
   WHERE engine = ? AND generation = ?`,
)
const adoptCalls = sql('UPDATE calls SET generation = ? WHERE engine = ? AND generation IS NULL')
const freeLease = sql(
  'UPDATE engine_leases SET session = NULL WHERE engine = ? AND session = ? AND generation = ?',
)
const freeAll = sql('UPDATE engine_leases SET session = NULL WHERE session = ?')

/** Nodes that were not heard of for so long, in milliseconds, may never come back; by their own clocks. */
const absentMilliseconds = 3_600_000

/** Whether a node could treat an engine that lives, or may only be away for a while. */
export function isNamed(engine: string, nodes: readonly NodeRow[]): boolean {
  const since = Date.now() - absentMilliseconds
  return nodes.some(({ engines, beat }) => beat > since && engines.includes(JSON.stringify(engine)))
}

export async function readLeases(
  reader: Reader,
): Promise<{ leases: LeaseRow[]; nodes: NodeRow[] }> {
  const [leases, nodes] = await Promise.all([reader.all(selectLeases), reader.all(selectNodes)])
  return { leases, nodes }
}

/** Lets others know of this program; whoever had its name before has it no more. */
export async function enterNode(database: Database, node: NodeRow): Promise<void> {
  const { name, session, url, engines, beat } = node
  await database.write(async (transaction) => {
    await transaction.run(deleteOldNodes, beat - forgottenMilliseconds)
    await transaction.run(insertNode, name, session, url, engines, beat)
  }, 'keys')
}

/** @returns false where another program has the name by now. */
export async function beatNode(
  database: Database,
  { name, session }: Pick<NodeRow, 'name' | 'session'>,
  beat: number,
): Promise<boolean> {
  const count = await database.write(
    (transaction) => transaction.run(updateBeat, beat, name, session),
    'keys',
  )
  return count > 0
}

export async function leaveNode(
  database: Database,
  { name, session }: Pick<NodeRow, 'name' | 'session'>,
): Promise<void> {
  await database.write((transaction) => transaction.run(deleteNode, name, session), 'keys')
}

/**
 * Takes the lease of an engine as it was seen, with the rows of its calls.
 *
 * @param seen undefined where there was none.
 * @returns its generation from now on; undefined where somebody else was faster.
 */
export async function takeLease(
  database: Database,
  { engine, session }: { engine: string; session: string },
  seen: Pick<LeaseRow, 'generation'> | undefined,
): Promise<number | undefined> {
  return database.write(async (transaction) => {
    if (!seen) await transaction.run(insertLease, engine)
    await transaction.run(updateLease, session, engine, seen?.generation ?? 0)
    // Where the answer to the same write was lost, it was done.
    const lease = await transaction.get(selectLease, engine)
    if (lease?.session !== session) return undefined
    await transaction.run(adoptCalls, lease.generation, engine)
    return lease.generation
  }, 'keys')
}

/** Gives a lease back: the next that looks may take it at once. */
export async function giveLeaseBack(
  database: Database,
  { engine, session, generation }: { engine: string; session: string; generation: number },
): Promise<void> {
  await database.write(
    (transaction) => transaction.run(freeLease, engine, session, generation),
    'keys',
  )
}

/** Gives every lease of a session back. */
export async function giveAllBack(database: Database, session: string): Promise<void> {
  await database.write((transaction) => transaction.run(freeAll, session), 'keys')
}

const selectUrl = sql<{ url: string | null; session: string }>(
  `SELECT nodes.url, nodes.session FROM engine_leases
   JOIN nodes ON nodes.session = engine_leases.session WHERE engine_leases.engine = ?`,
)

/** Where the program is reached that treats an engine's calls; undefined where none does. */
export async function readNodeOf(reader: Reader, engine: string) {
  return reader.get(selectUrl, engine)
}
