import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { buildApp } from '../src/app.ts'
import { openAsterisk } from '../src/asterisk/asterisk.ts'
import { readConfig } from '../src/config.ts'
import type { Database } from '../src/database/database.ts'
import { openDatabase } from '../src/database/open.ts'
import { readEngines } from '../src/engines/configuration.ts'
import type { Engine } from '../src/engines/engine.ts'
import { createFirstAdmin } from '../src/features/admins/first-admin.ts'
import { postOf } from '../src/features/calls/live/station.ts'
import { createLog } from '../src/log/log.ts'
import { fill } from './fill.ts'
import { password, people, type Step } from './state.ts'

/** A demo while it runs. */
export interface Run {
  /** For all of its files; it is removed at the end. */
  folder: string
  /** Is closed at the end, in reverse. */
  opened: AsyncDisposableStack
  /** Aborts when the demo is to end. */
  ending: AbortSignal
}

/**
 * Serves a filled database in the folder of a demo until that ends.
 *
 * @param demo `engines`: a file for POINTSMAN_ENGINES; without it there are none, whatever the environment says, since a demo must
 * not touch an engine that carries calls. `defaults`: of settings that the environment may change.
 */
export async function serveFilled(
  { folder, opened, ending }: Run,
  demo: { steps: readonly Step[]; engines?: string; defaults?: Record<string, string> },
): Promise<{ site: string; database: Database }> {
  const config = readConfig({
    POINTSMAN_LOG_LEVEL: 'warn',
    ...demo.defaults,
    ...process.env,
    POINTSMAN_HOST: '127.0.0.1',
    POINTSMAN_DATABASE_URL: `sqlite:${join(folder, 'demo.db')}`,
    POINTSMAN_MEDIA_FOLDER: join(folder, 'media'),
  })
  const { logger } = createLog(config.LOG_LEVEL)
  const engines = demo.engines === undefined ? [] : await readEngines(demo.engines)
  const stations: Engine[] = []
  const posts = engines.map((engine) =>
    postOf(engine, (lease) => {
      const one = openAsterisk(engine, { logger, lease })
      stations.push(one)
      return one
    }),
  )
  const database = await openDatabase(config.DATABASE_URL)
  opened.defer(() => database.close())
  await createFirstAdmin(database, people[0].username, password)
  const app = await buildApp({ config, database, logger, posts })
  opened.defer(() => app.close())
  await app.listen({ host: config.HOST, port: config.PORT })
  const { port } = app.server.address() as AddressInfo
  const site = `http://${config.HOST}:${port}`
  await fill(site, demo.steps)
  while (
    !ending.aborted &&
    (stations.length < posts.length || stations.some(({ isReady }) => !isReady))
  )
    await sleep(50)
  return { site, database }
}

function explain(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException
  return code === 'EADDRINUSE' ? `${message}; choose another port by POINTSMAN_PORT` : message
}

/**
 * Plays a demo until Ctrl-C, or until `play` is done, and ends the process: nothing of it is left.
 *
 * @param demo `name`: for what it says when it fails. `seconds`: after which it ends by itself.
 */
export async function runDemo(
  { name, seconds }: { name: string; seconds?: number | undefined },
  play: (run: Run) => Promise<void>,
): Promise<never> {
  // From the first moment: a demo that is ended while it starts removes its data too. Ctrl-C comes from the terminal, and once
  // more from npm.
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => controller.abort())
  }
  if (seconds !== undefined) setTimeout(() => controller.abort(), seconds * 1_000)
  const folder = mkdtempSync(join(tmpdir(), 'pointsman-demo-'))
  try {
    await using opened = new AsyncDisposableStack()
    await play({ folder, opened, ending: controller.signal })
      .catch((error) => {
        // Ctrl-C ends what it started as well, so that something may be missing then.
        if (!controller.signal.aborted) throw error
      })
      // What is closed now is told before.
      .finally(() => controller.abort())
  } catch (error) {
    process.stderr.write(`${name}: ${explain(error)}\n`)
    process.exitCode = 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  process.exit()
}

/** Resolves when a demo is to end. */
export function ended({ ending }: Run): Promise<void> {
  return new Promise((resolve) => {
    if (ending.aborted) resolve()
    ending.addEventListener('abort', () => resolve(), { once: true })
  })
}
