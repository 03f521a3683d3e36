import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

const main = join(import.meta.dirname, '..', 'src', 'main.ts')

export const password = 'correct horse battery'

/** A Pointsman process under test, which can be killed and started again on the same port. */
export interface Node {
  url: string
  /** Of the process; undefined while it does not run. */
  readonly pid: number | undefined
  start(): Promise<void>
  /** SIGKILL: no chance to finish anything. */
  kill(): Promise<void>
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`)).ok
  } catch {
    return false
  }
}

/**
 * A node of the installation that `databaseUrl` names; it does not run yet.
 *
 * @param settings more of them, without `POINTSMAN_`.
 */
export function createNode(
  databaseUrl: string,
  port: number,
  settings: Record<string, string> = {},
): Node {
  const url = `http://127.0.0.1:${port}`
  let child: ChildProcess | undefined

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    const running = child
    child = undefined
    if (!running || running.exitCode !== null || running.signalCode !== null) return null
    const exited = once(running, 'exit')
    running.kill(signal)
    const [code] = await exited
    return code
  }

  return {
    url,
    get pid() {
      return child?.pid
    },
    async start() {
      child = spawn(process.execPath, [main], {
        stdio: ['ignore', 'inherit', 'inherit'],
        env: {
          PATH: process.env.PATH,
          POINTSMAN_PORT: String(port),
          POINTSMAN_DATABASE_URL: databaseUrl,
          POINTSMAN_ADMIN_PASSWORD: password,
          POINTSMAN_LOG_LEVEL: 'fatal',
          POINTSMAN_METRICS_ADDRESS: 'off',
          ...Object.fromEntries(
            Object.entries(settings).map(([name, value]) => [`POINTSMAN_${name}`, value]),
          ),
        },
      })
      while (!(await isReady(url))) {
        if (child.exitCode !== null) throw new Error(`The node on port ${port} did not start.`)
        await delay(50)
      }
    },
    async kill() {
      await end('SIGKILL')
    },
    stop: () => end('SIGTERM'),
  }
}
