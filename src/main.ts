import { buildApp } from './app.ts'
import { commands } from './commands.ts'
import { type Config, parseAddress, readConfig } from './config.ts'
import { openDatabase } from './database/open.ts'
import { DatabaseUnavailable } from './errors.ts'
import { createFirstAdmin } from './features/admins/first-admin.ts'
import { createLog, type Log } from './http/logger.ts'
import { tellError } from './http/sink.ts'
import { exposeBuild } from './metrics/build.ts'
import { countCommits, exposeDatabaseSize } from './metrics/database.ts'
import { countDroppedLines } from './metrics/log.ts'
import { createRegistry } from './metrics/registry.ts'
import { serveMetrics } from './metrics/serve.ts'

/** Opens everything in order; `opened` closes it in reverse. */
async function open(config: Config, log: Log, opened: AsyncDisposableStack): Promise<void> {
  const { logger } = log
  const { ADMIN_USERNAME, ADMIN_PASSWORD, ADMIN_PASSWORD_FILE: file, HOST, PORT } = config
  const metricsAddress = parseAddress(config.METRICS_ADDRESS)
  const registry = metricsAddress && createRegistry()

  const database = await openDatabase(config.DATABASE_URL, {
    connectionsMax: config.DATABASE_CONNECTIONS_MAX,
    ...(registry && { onCommit: countCommits(registry) }),
  })
  opened.defer(() => database.close())
  if (registry) {
    exposeBuild(registry)
    exposeDatabaseSize(registry, database)
    countDroppedLines(registry, log.dropped)
  }

  const password = file === undefined ? ADMIN_PASSWORD : { file }
  const generated = await createFirstAdmin(database, ADMIN_USERNAME, password)
  if (generated) {
    tellError(
      `Created the system admin '${ADMIN_USERNAME}' with the password ${generated}\n` +
        'It is shown this once: sign in and change it.\n',
    )
  }
  const app = await buildApp({ config, database, logger, ...(registry && { registry }) })
  opened.defer(() => app.close())
  if (registry) {
    const metrics = await serveMetrics(registry, metricsAddress)
    opened.defer(() => metrics.close())
    logger.info(`Metrics at ${metrics.url}`)
  }
  await app.listen({ host: HOST, port: PORT })
}

/** Milliseconds in which signals are one: Ctrl-C reaches the server from its terminal, and once more from npm. */
const oneSignalMilliseconds = 1_000

/** Milliseconds that the last lines have to be written: whoever reads the log may stand still for ever. */
const lastLinesMilliseconds = 1_000

/** Lets requests in flight end and closes everything; a second signal, or too long a wait, ends the process at once. */
function stopAtSignal(drainSeconds: number, log: Log, opened: AsyncDisposableStack): void {
  const { logger } = log
  const drainMilliseconds = drainSeconds * 1_000
  let stoppingSince: number | undefined
  let isStopped = false
  const stop = async (signal: string) => {
    const now = performance.now()
    if (stoppingSince !== undefined) {
      if (!isStopped && now - stoppingSince > oneSignalMilliseconds) {
        abandon(`a second signal, ${signal}, ended it`)
      }
      return
    }
    stoppingSince = now
    logger.info(`Stopping at ${signal}`)
    const limit = setTimeout(
      () => abandon(`it took longer than ${drainSeconds} s`),
      drainMilliseconds,
    )
    await opened.disposeAsync()
    clearTimeout(limit)
    isStopped = true
    logger.info('Stopped')
    const left = drainMilliseconds - (performance.now() - now)
    await log.flush(Math.min(left, lastLinesMilliseconds))
    process.exit(0)
  }
  const abandon = (why: string): never => {
    logger.error(`Stopped before every request had ended: ${why}`)
    process.exit(1)
  }
  // What `stop` throws is an uncaught error, and ends the process as such.
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => void stop(signal))
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // A request is not told why the database is not available, whoever started the program is.
  const isVague = error instanceof DatabaseUnavailable && error.cause !== undefined
  return isVague ? `${error.message} ${reasonOf(error.cause)}` : error.message
}

/** A start that fails says why in one line; the stack helps nobody who set a variable wrong. */
function fail(error: unknown): never {
  const [line] = reasonOf(error).split('\n', 1)
  tellError(`pointsman: ${line}\n`)
  process.exit(1)
}

async function serve(config: Config): Promise<void> {
  const log = createLog(config.LOG_LEVEL)
  // Nothing is known of the state after an error that nobody caught; what was acknowledged is in the database.
  process.on('uncaughtException', (error) => {
    log.logger.fatal({ err: error }, 'uncaught error')
    process.exit(1)
  })
  const opened = new AsyncDisposableStack()
  try {
    await open(config, log, opened)
  } catch (error) {
    await opened.disposeAsync()
    throw error
  }
  stopAtSignal(config.DRAIN_SECONDS, log, opened)
  await log.flush(lastLinesMilliseconds)
}

async function main([name = 'serve', ...parameters]: readonly string[]): Promise<void> {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command && name !== 'serve') throw new Error(`There is no command '${name}'; try help.`)
  const config = readConfig(process.env)
  await (command ? command(config, parameters) : serve(config))
}

main(process.argv.slice(2)).catch(fail)
