import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { openDatabase } from '../src/database/open.ts'
import { createFirstAdmin } from '../src/features/admins/first-admin.ts'
import { createLog } from '../src/log/log.ts'
import { password, people, steps } from './state.ts'

/** Asks the demo's own API; `authorization` is what sign-in gave. */
async function ask(
  url: string,
  { method, body, headers }: { method: string; body: object; headers: Record<string, string> },
): Promise<Response> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${method} ${url}: ${await response.text()}`)
  return response
}

/** Signs somebody in and answers a new API token of theirs. */
async function tokenOf(site: string, username: string): Promise<string> {
  const credentials = { method: 'POST', headers: {}, body: { username, password } }
  const signedIn = await ask(`${site}/api/v1/login/`, credentials)
  const cookie = signedIn.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
  const creation = { method: 'POST', headers: { cookie }, body: { name: 'demo' } }
  const created = await ask(`${site}/api/v1/tokens/`, creation)
  const { token } = (await created.json()) as { token: string }
  return token
}

/** Fills the empty installation at `site` and answers what to show of it. */
async function fill(site: string): Promise<string[]> {
  const token = await tokenOf(site, people[0].username)
  const headers = { authorization: `Bearer ${token}` }
  for (const [method, path, body] of steps) await ask(`${site}${path}`, { method, body, headers })

  const lines: string[] = []
  for (const { level, username, path } of people) {
    const bearer = await tokenOf(site, username)
    lines.push(`${level}: ${username}`)
    lines.push(`curl -H 'Authorization: Bearer ${bearer}' ${site}${path}`, '')
  }
  return lines
}

/** Serves a database in `folder`, filled; what it returns stops serving. */
async function start(folder: string): Promise<() => Promise<void>> {
  const config = readConfig({
    POINTSMAN_LOG_LEVEL: 'warn',
    ...process.env,
    POINTSMAN_HOST: '127.0.0.1',
    POINTSMAN_DATABASE_URL: `sqlite:${join(folder, 'demo.db')}`,
  })
  const { logger } = createLog(config.LOG_LEVEL)
  const database = await openDatabase(config.DATABASE_URL)
  await createFirstAdmin(database, people[0].username, password)
  const app = await buildApp({ config, database, logger })
  await app.listen({ host: config.HOST, port: config.PORT })
  const { port } = app.server.address() as AddressInfo
  const site = `http://${config.HOST}:${port}`
  const calls = await fill(site)
  const text = [
    `Pointsman's demo is at ${site}, its documentation at ${site}/docs/.`,
    `Everybody's password is '${password}'. A call to try at each level:`,
    '',
    ...calls,
    'Ctrl-C ends the demo and removes its data.',
  ]
  process.stdout.write(`${text.join('\n')}\n`)
  return async () => {
    await app.close()
    await database.close()
  }
}

function explain(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException
  return code === 'EADDRINUSE' ? `${message}; choose another port by POINTSMAN_PORT` : message
}

// Listening from the first moment: a demo that is ended while it starts removes its data too.
const ended = Promise.race(['SIGINT', 'SIGTERM'].map((signal) => once(process, signal)))
const folder = mkdtempSync(join(tmpdir(), 'pointsman-demo-'))
try {
  const stop = await start(folder)
  await ended
  await stop()
} catch (error) {
  process.stderr.write(`pointsman demo: ${explain(error)}\n`)
  process.exitCode = 1
} finally {
  rmSync(folder, { recursive: true })
}
process.exit()
