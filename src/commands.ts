import type { Config } from './config.ts'
import { copyDatabase } from './database/copy.ts'
import { openDatabase } from './database/open.ts'

const usage = `Usage: pointsman [command]

  serve            Serve the API; also without a command.
  migrate          Bring the database's schema up to date and end.
  copy FROM TO     Copy a whole installation into an empty database and compare every row.
                   FROM and TO are database URLs: sqlite:PATH or postgres://…

Settings are environment variables named POINTSMAN_…; see docs/operating.md.
`

/** Something that a command line asks for and that ends by itself. */
type Command = (config: Config, parameters: readonly string[]) => Promise<void>

function tell(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function migrate({ DATABASE_URL }: Config): Promise<void> {
  const database = await openDatabase(DATABASE_URL)
  await database.close()
  tell('The schema is up to date.')
}

/** @throws Error when a URL is missing, the source is empty, the target is not, or a row of the copy differs. */
async function copy(_config: Config, [from, to]: readonly string[]): Promise<void> {
  if (from === undefined || to === undefined)
    throw new Error('copy needs two database URLs: FROM TO.')
  await using opened = new AsyncDisposableStack()
  const source = await openDatabase(from, { mustExist: true })
  opened.defer(() => source.close())
  const target = await openDatabase(to)
  opened.defer(() => target.close())
  const started = performance.now()
  await copyDatabase(source, target, ({ table, rows, phase }) => tell(`${phase} ${table}: ${rows}`))
  tell(
    `The copy is complete and equal, after ${((performance.now() - started) / 1_000).toFixed(1)} s.`,
  )
}

async function help(): Promise<void> {
  tell(usage)
}

export const commands: Readonly<Record<string, Command>> = { migrate, copy, help }
