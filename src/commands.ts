import packageJson from '../package.json' with { type: 'json' }
import type { Config } from './config.ts'
import { copyDatabase } from './database/copy.ts'
import { openDatabase } from './database/open.ts'

/** Something that a command line asks for. */
export interface Command {
  /** Names of its parameters, as its usage shows them; all must be given. */
  parameters: readonly string[]
  /** What the parameters are, for whoever gave others. */
  needs: string
  summary: string
  run(config: Config, parameters: readonly string[]): Promise<void>
}

/** A full disk or a reader that has gone (`| head`) ends no command: what it does counts, not what it tells. */
export function tell(line: string): void {
  if (process.stdout.listenerCount('error') === 0) process.stdout.on('error', () => {})
  process.stdout.write(`${line}\n`)
}

const migrate: Command = {
  parameters: [],
  needs: 'no parameters',
  summary: "Bring the database's schema up to date and end.",
  async run({ DATABASE_URL }) {
    const database = await openDatabase(DATABASE_URL)
    await database.close()
    tell('The schema is up to date.')
  },
}

const copy: Command = {
  parameters: ['FROM', 'TO'],
  needs: 'two database URLs: FROM TO',
  summary: `Copy a whole installation into an empty database and compare every row.
FROM and TO are database URLs: sqlite:PATH or postgres://…`,
  /** @throws Error when the source is empty, the target is not, or a row of the copy differs. */
  async run(_config, [from = '', to = '']) {
    await using opened = new AsyncDisposableStack()
    const source = await openDatabase(from, { mustExist: true })
    opened.defer(() => source.close())
    const target = await openDatabase(to)
    opened.defer(() => target.close())
    const started = performance.now()
    await copyDatabase(source, target, ({ table, rows, phase }) =>
      tell(`${phase} ${table}: ${rows}`),
    )
    const seconds = ((performance.now() - started) / 1_000).toFixed(1)
    tell(`The copy is complete and equal, after ${seconds} s.`)
  },
}

export type Commands = Readonly<Record<string, Command>>

/** Every command that ends by itself. */
export const tools: Commands = { migrate, copy }

/** A command with its parameters, or a text to show instead. */
export type Wish = { command: Command; parameters: readonly string[] } | { text: string }

const settingsLine = 'Settings are environment variables named POINTSMAN_…; see docs/operating.md.'

/** Where the summaries stand, in characters. */
const summaryColumn = 19

function usageOf(name: string, { parameters }: Command): string {
  return [name, ...parameters].join(' ')
}

function helpOnAll(commands: Commands): string {
  const rows = [
    ...Object.entries(commands).map(([name, command]) => [usageOf(name, command), command.summary]),
    ['help [COMMAND]', 'Tell about a command, or all; also --help.'],
    ['--version', 'Tell the version.'],
  ]
  const lines = rows.map(
    ([usage, summary]) =>
      `  ${usage}`.padEnd(summaryColumn) +
      summary?.replaceAll('\n', `\n${' '.repeat(summaryColumn)}`),
  )
  return ['Usage: pointsman [COMMAND]', '', ...lines, '', settingsLine].join('\n')
}

/** @throws Error when there is no such command. */
function find(commands: Commands, name: string): Command {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command) throw new Error(`There is no command '${name}'; try help.`)
  return command
}

/** @throws Error when there is no such command. */
function helpOn(commands: Commands, name: string): string {
  const command = find(commands, name)
  return `Usage: pointsman ${usageOf(name, command)}\n\n${command.summary}\n\n${settingsLine}`
}

function isHelp(word: string | undefined): boolean {
  return word === '--help' || word === '-h'
}

/**
 * Reads a command line; without words it asks to serve.
 *
 * @throws Error when it asks for nothing that there is, or with other parameters than a command needs.
 */
export function readCommandLine(words: readonly string[], commands: Commands): Wish {
  const [name = 'serve', ...parameters] = words
  if (name === '--version' || name === '-v') {
    if (parameters.length > 0) throw new Error(`${name} needs no parameters.`)
    return { text: `pointsman ${packageJson.version}` }
  }
  if (name === 'help' || isHelp(name)) {
    const topic = parameters.find((word) => !isHelp(word))
    if (parameters.length > 1) throw new Error('help needs one command, or none.')
    return { text: topic === undefined ? helpOnAll(commands) : helpOn(commands, topic) }
  }
  const command = find(commands, name)
  if (parameters.some(isHelp)) return { text: helpOn(commands, name) }
  if (parameters.length !== command.parameters.length) {
    throw new Error(`${name} needs ${command.needs}.`)
  }
  return { command, parameters }
}
