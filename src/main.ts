import inspector from 'node:inspector'
import { isatty } from 'node:tty'
import type { Registry } from '@prometheus-io/client'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { buildApp } from './app.ts'
import { openAsterisk } from './asterisk/asterisk.ts'
import { type Command, readCommandLine, tell, tools } from './commands.ts'
import { type Config, parseAddress, readConfig, serviceLinksIn } from './config.ts'
import type { Database } from './database/database.ts'
import { openDatabase } from './database/open.ts'
import { readEngines } from './engines/configuration.ts'
import { DatabaseUnavailable } from './errors.ts'
import { createFirstAdmin } from './features/admins/first-admin.ts'
import { pruneCallEvents } from './features/calls/events/kept-events.ts'
import { type Post, postOf } from './features/calls/live/station.ts'
import { pruneRecords } from './features/calls/records/prune.ts'
import { keepRolling } from './features/calls/records/roll.ts'
import { documentationPath } from './http/documentation.ts'
import { createLog, type Log } from './log/log.ts'
import { tellError } from './log/sink.ts'
import { exposeBuild } from './metrics/build.ts'
import { countCommits, exposeDatabaseSize } from './metrics/database.ts'
import { countEngines } from './metrics/engines.ts'
import { countDroppedLines } from './metrics/log.ts'
import { createRegistry } from './metrics/registry.ts'
import { serveMetrics } from './metrics/serve.ts'
import { keepPruning, pruneChanges } from './writes/prune.ts'

/** @throws Error that names the settings of an address at which nothing can listen. */
async function listenAs<Result>(settings: string, listen: () => Promise<Result>): Promise<Result> {
  try {
    return await listen()
  } catch (error) {
    throw new Error(`Nothing can listen at ${settings}: ${reasonOf(error)}`, { cause: error })
  }
}

/** Keeps requests waiting until what is returned is called. */
function holdRequests(app: FastifyInstance): () => void {
  let waiting: (() => void)[] | undefined = []
  app.addHook('onRequest', (_request, _reply, done) => {
    if (waiting) waiting.push(done)
    else done()
  })
  return () => {
    const held = waiting ?? []
    waiting = undefined
    for (const proceed of held) proceed()
  }
}

/** Shows a generated password where no log keeps it. */
async function ensureAdmin(database: Database, config: Config): Promise<void> {
  const { ADMIN_USERNAME, ADMIN_PASSWORD, ADMIN_PASSWORD_FILE: file } = config
  const password = file === undefined ? ADMIN_PASSWORD : { file }
  const generated = await createFirstAdmin(database, ADMIN_USERNAME, password)
  if (!generated) return
  tellError(
    `Created the system admin '${ADMIN_USERNAME}' with the password ${generated}\n` +
      'It is shown this once: sign in and change it.\n',
  )
}

/** The engines whose calls may be treated here; none where their file cannot be read, since the API serves all the same. */
async function readPosts(
  { ENGINES: file }: Config,
  { logger, registry }: { logger: FastifyBaseLogger; registry: Registry | undefined },
): Promise<Post[] | undefined> {
  if (file === undefined) return undefined
  try {
    const configurations = await readEngines(file)
    const meterOf = registry && countEngines(registry)
    return configurations.map((configuration) => {
      const meter = meterOf?.(configuration.name)
      const options = { logger, ...(meter && { meter }) }
      return postOf(configuration, (lease) => openAsterisk(configuration, { ...options, lease }))
    })
  } catch (error) {
    logger.error(`No calls are treated: ${reasonOf(error)}`)
    return []
  }
}

/** What is done in the background: what is too old goes, and figures of calls are made. */
function keepTidy(
  { CHANGES_DAYS, CALL_EVENTS_HOURS, CALL_RECORDS_DAYS }: Config,
  database: Database,
  { logger, opened }: { logger: FastifyBaseLogger; opened: AsyncDisposableStack },
): void {
  const old = [
    { what: 'changes', pruneOnce: pruneChanges, hours: CHANGES_DAYS * 24 },
    { what: 'events of calls', pruneOnce: pruneCallEvents, hours: CALL_EVENTS_HOURS },
    { what: 'records of calls', pruneOnce: pruneRecords, hours: CALL_RECORDS_DAYS * 24 },
  ]
  for (const one of old) opened.defer(keepPruning(database, { ...one, logger }))
  opened.defer(keepRolling(database, logger))
}

/** Opens everything in order; `opened` closes it in reverse. */
async function open(config: Config, log: Log, opened: AsyncDisposableStack): Promise<void> {
  const { logger } = log
  const metricsAddress = parseAddress(config.METRICS_ADDRESS)
  const registry = metricsAddress && createRegistry()

  const database = await openDatabase(config.DATABASE_URL, {
    connectionsMax: config.DATABASE_CONNECTIONS_MAX,
  })
  opened.defer(() => database.close())
  const posts = await readPosts(config, { logger, registry })
  const app = await buildApp({ config, database, logger, posts, ...(registry && { registry }) })
  opened.defer(() => app.close())
  const beginToServe = holdRequests(app)
  opened.defer(beginToServe)
  await app.ready()

  if (registry) {
    exposeBuild(registry)
    database.onCommit(countCommits(registry))
    exposeDatabaseSize(registry, database)
    countDroppedLines(registry, log.dropped)
    const metrics = await listenAs('POINTSMAN_METRICS_ADDRESS', () =>
      serveMetrics(registry, metricsAddress),
    )
    opened.defer(() => metrics.close())
    logger.info(`Metrics at ${metrics.url}`)
  }
  const { HOST: host, PORT: port } = config
  const url = await listenAs('POINTSMAN_HOST and POINTSMAN_PORT', () => app.listen({ host, port }))
  const site = app.publicUrl ? `${app.publicUrl.origin}${app.publicUrl.path}` : url
  logger.info(`Documentation at ${site}${documentationPath}`)
  // Only now: who starts it again after an address was taken would not see the password a second time.
  await ensureAdmin(database, config)
  beginToServe()
  keepTidy(config, database, { logger, opened })
}

/** SIGHUP comes from a terminal that is closed, or from a tool that wants the log's file opened anew, of which there is none. */
const [stoppingSignals, ignoredSignals] = isatty(0)
  ? [
      ['SIGTERM', 'SIGINT', 'SIGHUP'],
      ['SIGUSR1', 'SIGUSR2'],
    ]
  : [
      ['SIGTERM', 'SIGINT'],
      ['SIGUSR1', 'SIGUSR2', 'SIGHUP'],
    ]

/** Milliseconds in which signals are one: Ctrl-C reaches the server from its terminal, and once more from npm. */
const oneSignalMilliseconds = 1_000

/** Milliseconds that the last lines have to be written: whoever reads the log may stand still for ever. */
const lastLinesMilliseconds = 1_000

/** Lets requests in flight end and closes everything; a second signal, or too long a wait, ends the process at once. */
function stopAtSignal(drainSeconds: number, log: Log, close: () => Promise<void>): void {
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
    await close()
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
  for (const signal of stoppingSignals) process.on(signal, () => void stop(signal))
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

const serve: Command = {
  parameters: [],
  needs: 'no parameters',
  summary: 'Serve the API; also without a command.',
  async run(config) {
    const log = createLog(config.LOG_LEVEL)
    for (const signal of ignoredSignals) {
      process.on(signal, () => log.logger.info(`Ignored ${signal}`))
    }
    const variables = serviceLinksIn(process.env)
    if (variables.length > 0) {
      log.logger.warn({ variables }, 'Ignored variables that tell of a Kubernetes service')
    }
    // Nothing is known of the state after an error that nobody caught; what was acknowledged is in the database.
    process.on('uncaughtException', (error) => {
      log.logger.fatal({ err: error }, 'uncaught error')
      process.exit(1)
    })
    const opened = new AsyncDisposableStack()
    const opening = open(config, log, opened)
    stopAtSignal(config.DRAIN_SECONDS, log, async () => {
      // A start that fails meanwhile ends the process by itself.
      await Promise.allSettled([opening])
      await opened.disposeAsync()
    })
    try {
      await opening
    } catch (error) {
      await opened.disposeAsync()
      throw error
    }
    await log.flush(lastLinesMilliseconds)
  },
}

async function main(words: readonly string[]): Promise<void> {
  const wish = readCommandLine(words, { serve, ...tools })
  if ('text' in wish) tell(wish.text)
  else await wish.command.run(readConfig(process.env), wish.parameters)
}

/** SIGUSR1 would open Node's debugger to whoever is on this machine, and may have before anything of ours ran; others end it. */
function ignoreSignals(): void {
  for (const signal of ignoredSignals) process.on(signal, () => {})
  const options = [...process.execArgv, process.env.NODE_OPTIONS ?? '']
  if (!options.some((text) => /--inspect(?!-port)/.test(text))) inspector.close()
}

ignoreSignals()
main(process.argv.slice(2)).catch(fail)
