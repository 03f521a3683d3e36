import { buildApp } from './app.ts'
import { readConfig } from './config.ts'
import { openDatabase } from './database/open.ts'
import { createFirstAdmin } from './features/admins/first-admin.ts'
import { createLogger } from './http/logger.ts'

/** Opens everything in order; what it returns closes everything in reverse. */
async function start(): Promise<() => Promise<void>> {
  const config = readConfig(process.env)
  const logger = createLogger(config.LOG_LEVEL)
  const database = await openDatabase(config.DATABASE_URL)
  const { ADMIN_USERNAME, ADMIN_PASSWORD, HOST, PORT } = config
  const generated = await createFirstAdmin(database, ADMIN_USERNAME, ADMIN_PASSWORD)
  if (generated) {
    process.stdout.write(
      `Created the system admin '${ADMIN_USERNAME}' with the password ${generated}\n` +
        'It is shown this once: sign in and change it.\n',
    )
  }
  const app = await buildApp({ config, database, logger })
  await app.listen({ host: HOST, port: PORT })
  return async () => {
    await app.close()
    await database.close()
    logger.flush()
  }
}

start().then(
  (stop) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        stop().then(
          () => process.exit(0),
          (error: unknown) => fail(error),
        )
      })
    }
  },
  (error: unknown) => fail(error),
)

/** A start that fails says why in one line; the stack helps nobody who set a variable wrong. */
function fail(error: unknown): never {
  process.stderr.write(`pointsman: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exit(1)
}
