import { setTimeout as delay } from 'node:timers/promises'
import pg, { type Pool, type PoolClient } from 'pg'
import { ask } from './errors.ts'

/** Milliseconds. Together they bound how long a request waits for a database that does not answer. */
export const timeouts = {
  /** For one of the node's own connections to come free. */
  free: 3_000,
  /** For a new connection; and for the host's word that it is the primary. */
  connect: 3_000,
  lock: 5_000,
  statement: 10_000,
  idleInTransaction: 10_000,
  /** For any answer: a network that swallows everything also swallows that the server's own limits were reached. */
  answer: 11_000,
  /** A connection on which nothing was heard is asked whether it still lives. */
  silence: 10_000,
}

/** A connection to the primary, for one who uses it and gives it back. */
export interface Lease {
  readonly client: PoolClient
  /** Tells that the connection has failed: it is thrown away, and the primary searched anew. */
  spoil(): void
  release(): void
}

/** Connections to whichever host is the primary. */
export interface PrimaryPools {
  /** @throws ConnectionLost when no host answers as a primary. */
  connect(): Promise<Lease>
  end(): Promise<void>
}

/** One URL for each host of a URL with several, as libpq writes them: `postgres://…@one:5432,two:5432/name`. */
export function splitHosts(url: string): string[] {
  const [, start = '', hosts = '', rest = ''] =
    /^(\w+:\/\/(?:[^/]*@)?)([^/?]*)(.*)$/.exec(url) ?? []
  return hosts.split(',').map((host) => `${start}${host}${rest}`)
}

const int8 = 20

/** Counts, sizes and times in milliseconds are exact as numbers. */
const integersAsNumbers: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === int8 && format !== 'binary' ? Number : pg.types.getTypeParser(oid, format ?? 'text'),
}

/**
 * An acknowledged write is flushed, and where the server has synchronous standbys it is there too. What is asked by key is read
 * by key: the planner would rather read the whole of a small table, and then a write has read what everybody writes. Compiling
 * a statement takes longer than any of ours.
 */
const greeting: pg.QueryConfig & { query_timeout: number } = {
  text: `SELECT pg_is_in_recovery() AS standby, set_config('enable_seqscan', 'off', false),
    set_config('jit', 'off', false),
    CASE WHEN current_setting('synchronous_commit') IN ('off', 'local')
      THEN set_config('synchronous_commit', 'on', false) END`,
  query_timeout: timeouts.connect,
}

/** A new connection is used only when it leads to the primary: a standby answers with what is old and takes no writes. */
function requirePrimary(client: PoolClient, done: (error?: Error) => void): void {
  client
    .query(greeting)
    .then(
      ({ rows }) => done(rows[0].standby ? new Error('This host is a standby.') : undefined),
      done,
    )
}

function createPool(url: string, connectionsMax: number): Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max: connectionsMax,
    keepAlive: true,
    keepAliveInitialDelayMillis: timeouts.silence,
    connectionTimeoutMillis: timeouts.connect,
    statement_timeout: timeouts.statement,
    lock_timeout: timeouts.lock,
    idle_in_transaction_session_timeout: timeouts.idleInTransaction,
    query_timeout: timeouts.answer,
    application_name: 'pointsman',
    types: integersAsNumbers,
    pipeline: true,
    verify: requirePrimary,
  })
  // A connection that the server ends, idle or in use, fails the query that meets it; unheard, it would end the process.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

async function probe(pool: Pool): Promise<Pool> {
  const client = await pool.connect()
  client.release()
  return pool
}

/**
 * Pools of connections, of which the primary's is used. When a connection fails, all hosts that `url` names are asked at
 * once which of them is the primary now; all requests wait for that one search.
 */
export function openPools(url: string, connectionsMax: number): PrimaryPools {
  let pools: Pool[] = []
  let primary: Pool | undefined
  let search: Promise<Pool> | undefined
  let isClosed = false

  /** Ends idle connections now and the others when they are given back. */
  async function endPools(): Promise<void> {
    await Promise.all(pools.map((pool) => pool.end()))
  }

  /** On new connections: those that are left may be as dead as the one that failed. */
  async function find(): Promise<Pool> {
    if (isClosed) throw new Error('The database is closed.')
    void endPools()
    pools = splitHosts(url).map((one) => createPool(one, connectionsMax))
    try {
      primary = await Promise.any(pools.map(probe))
      return primary
    } catch (error) {
      const errors = error instanceof AggregateError ? error.errors : [error]
      throw new AggregateError(errors, 'No PostgreSQL host answers as a primary.')
    }
  }

  function findOnce(): Promise<Pool> {
    search ??= find().finally(() => {
      search = undefined
    })
    return search
  }

  function forget(pool: Pool): void {
    if (primary === pool) primary = undefined
  }

  async function lease(pool: Pool): Promise<Lease> {
    const client = await pool.connect()
    let isSound = true
    return {
      client,
      spoil() {
        isSound = false
        forget(pool)
      },
      release() {
        client.release(!isSound)
      },
    }
  }

  async function connect(): Promise<Lease> {
    const pool = primary
    if (pool) {
      try {
        return await lease(pool)
      } catch {
        forget(pool)
      }
    }
    return lease(await findOnce())
  }

  return {
    connect: () => ask(connect()),
    async end() {
      isClosed = true
      // A host that is gone does not say goodbye.
      await Promise.race([endPools(), delay(timeouts.connect, undefined, { ref: false })])
    },
  }
}
