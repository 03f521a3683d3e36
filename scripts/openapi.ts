import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { buildApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { openDatabase } from '../src/database/open.ts'
import { formatJson } from './format-json.ts'

/** Writes `openapi.json`, the document that the server answers, made by the application that the server runs. */
const folder = mkdtempSync(join(tmpdir(), 'pointsman-openapi-'))
const database = await openDatabase(`sqlite:${join(folder, 'empty.db')}`)
const app = await buildApp({
  config: readConfig({}),
  database,
  logger: pino({ level: 'silent' }),
})
await app.ready()
const file = new URL('../openapi.json', import.meta.url)
writeFileSync(file, `${formatJson(JSON.parse(JSON.stringify(app.openapi())))}\n`)
await app.close()
await database.close()
rmSync(folder, { recursive: true })
