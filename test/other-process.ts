import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Another process that uses a SQLite file, such as a backup or somebody's shell. */
export interface OtherProcess {
  /** Ends it, and with it what it holds. */
  end(): Promise<void>
}

const program = `
  import Sqlite from 'better-sqlite3'
  const [path, ...statements] = process.argv.slice(1)
  const connection = new Sqlite(path)
  for (const statement of statements) connection.exec(statement)
  process.stdout.write('done')
  setInterval(() => {}, 60_000)`

/** Starts another process that runs `statements` on the file at `path`, and answers when it has. */
export async function startOtherProcess(
  path: string,
  ...statements: string[]
): Promise<OtherProcess> {
  const flags = ['--input-type=module', '-e', program]
  const child = spawn(process.execPath, [...flags, path, ...statements], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  await Promise.race([once(child.stdout, 'data'), ended])
  if (child.exitCode !== null) throw new Error('The other process failed.')
  return {
    async end() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
