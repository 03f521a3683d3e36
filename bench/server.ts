import Fastify from 'fastify'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { loadMigrations } from '../src/database/migrations.ts'
import { openSqlite } from '../src/database/sqlite/engine.ts'
import { createFirstAdmin } from '../src/features/admins/first-admin.ts'
import { createLog } from '../src/log/log.ts'
import { password } from './furnish.ts'

/**
 * A server for the benchmark, in a process of its own: `bare` is Fastify answering a constant, `shared` is Pointsman, `alone`
 * is Pointsman with a flush for each write. It sends its address.
 */
const [kind, path = ''] = process.argv.slice(2)

async function createBare() {
  const app = Fastify()
  app.get('/', async () => ({ active: false, audioMessageSelection: 'Default' }))
  return app
}

async function createPointsman() {
  const options = kind === 'alone' ? { writesPerCommitMax: 1 } : {}
  const database = await openSqlite(path, loadMigrations(), options)
  await createFirstAdmin(database, 'admin', password)
  return buildApp({ config: readConfig({}), database, logger: createLog('info').logger })
}

const app = await (kind === 'bare' ? createBare() : createPointsman())
process.send?.(await app.listen({ host: '127.0.0.1', port: 0 }))
