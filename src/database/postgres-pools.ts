import pg, { type Pool, type PoolClient } from 'pg'

/** Milliseconds. Together they bound how long a request waits for a database that does not answer. */
export const timeouts = {
  connect: 3_000,
  statement: 10_000,
  lock: 5_000,
  idleInTransaction: 10_000,
  /** For a network that swallows answers, when the server's own limits cannot be heard. */
  query: 15_000,
}

/** Connections to whichever host is the primary. */
export interface PrimaryPools {
  /** @throws the last host's error when none is a primary that answers. */
  connect(): Promise<PoolClient>
  end(): Promise<void>
}

/** One URL for each host of a URL with several, as libpq writes them: `postgres://…@one:5432,two:5432/name`. */
export function splitHosts(url: string): string[] {
  const [, start = '', hosts = '', rest = ''] =
    /^(\w+:\/\/(?:[^@/]*@)?)([^/?]*)(.*)$/.exec(url) ?? []
  return hosts.split(',').map((host) => `${start}${host}${rest}`)
}

const int8 = 20

/** Counts, sizes and times in milliseconds are exact as numbers. */
const integersAsNumbers: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    oid === int8 && format !== 'binary' ? Number : pg.types.getTypeParser(oid, format ?? 'text'),
}

/** A new connection is used only when it leads to the primary: a standby answers with what is old and takes no writes. */
function requirePrimary(client: PoolClient, done: (error?: Error) => void): void {
  client
    .query('SELECT pg_is_in_recovery() AS standby')
    .then(
      ({ rows }) => done(rows[0].standby ? new Error('This host is a standby.') : undefined),
      done,
    )
}

function createPool(url: string, connectionsMax: number): Pool {
  const options: pg.PoolConfig = {
    connectionString: url,
    max: connectionsMax,
    keepAlive: true,
    connectionTimeoutMillis: timeouts.connect,
    statement_timeout: timeouts.statement,
    lock_timeout: timeouts.lock,
    idle_in_transaction_session_timeout: timeouts.idleInTransaction,
    query_timeout: timeouts.query,
    application_name: 'pointsman',
    types: integersAsNumbers,
    verify: requirePrimary,
  }
  const pool = new pg.Pool(options)
  // A connection that the server ends, idle or in use, fails the query that meets it; unheard, it would end the process.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return pool
}

/** A pool for each host that `url` names; the host that last was the primary is asked first. */
export function openPools(url: string, connectionsMax: number): PrimaryPools {
  const pools = splitHosts(url).map((one) => createPool(one, connectionsMax))
  let current = 0
  return {
    async connect() {
      let trouble: unknown
      for (let tried = 0; tried < pools.length; tried += 1) {
        const index = (current + tried) % pools.length
        try {
          const client = await pools[index]?.connect()
          if (!client) break
          current = index
          return client
        } catch (error) {
          trouble = error
        }
      }
      throw trouble
    },
    async end() {
      await Promise.all(pools.map((pool) => pool.end()))
    },
  }
}
