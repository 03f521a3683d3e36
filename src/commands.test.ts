import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import packageJson from '../package.json' with { type: 'json' }
import { engines, type TestDatabase } from '../test/engines.ts'
import { runProgram } from '../test/program.ts'
import { readCommandLine } from './commands.ts'
import { type Database, sql } from './database/database.ts'

function run(...parameters: string[]) {
  return runProgram({}, ...parameters)
}

async function expectFailure(parameters: string[], reason: string): Promise<void> {
  const { code, stdout, stderr } = await run(...parameters)
  expect(stderr).toMatch(/^pointsman: .+\n$/)
  expect(stderr).toContain(reason)
  expect(stdout).not.toContain('complete')
  expect(code).toBe(1)
}

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pointsman-commands-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('the command line', () => {
  it.each(['destroy', 'toString', 'constructor'])('refuses %s, which is no command', (name) =>
    expectFailure([name], `There is no command '${name}'; try help.`),
  )

  it.each([
    ['help', 'Usage: pointsman [COMMAND]\n'],
    ['--version', `pointsman ${packageJson.version}\n`],
  ])('answers %s whatever the settings are', async (word, start) => {
    const { code, stdout, stderr } = await runProgram({ PORT: 'eighty' }, word)
    expect(stdout.startsWith(start)).toBe(true)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  const migrate = {
    parameters: [],
    needs: 'no parameters',
    summary: 'Migrates.',
    run: async () => {},
  }
  const copy = { ...migrate, parameters: ['FROM', 'TO'], needs: 'FROM TO', summary: 'Copies.' }
  const commands = { serve: migrate, migrate, copy }
  const read = (words: string[]) => readCommandLine(words, commands)

  it.each([['help'], ['--help'], ['-h'], ['help', '--help']])(
    'tells every command at %s %s',
    (...words) => {
      const { text = '' } = read(words.filter(Boolean)) as { text?: string }
      for (const line of ['serve', 'migrate', 'copy FROM TO', 'help [COMMAND]', '--version']) {
        expect(text).toContain(`\n  ${line} `)
      }
    },
  )

  it.each([[['help', 'copy']], [['copy', '--help']], [['copy', '-h']], [['copy', 'x', '--help']]])(
    'tells of one command at %j',
    (words) => {
      expect(read(words)).toEqual({
        text: expect.stringMatching(/^Usage: pointsman copy FROM TO\n\nCopies\.\n/),
      })
    },
  )

  it('serves without words', () => {
    expect(read([])).toEqual({ command: commands.serve, parameters: [] })
  })

  it.each([
    [['help', 'destroy'], "There is no command 'destroy'; try help."],
    [['destroy', '--help'], "There is no command 'destroy'; try help."],
    [['--port', '80'], "There is no command '--port'; try help."],
    [[''], "There is no command ''; try help."],
    [['help', 'copy', 'migrate'], 'help needs one command, or none.'],
    [['--version', 'copy'], '--version needs no parameters.'],
    [['serve', 'now'], 'serve needs no parameters.'],
    [['migrate', '--force'], 'migrate needs no parameters.'],
    [['copy', 'a'], 'copy needs FROM TO.'],
    [['copy', 'a', 'b', 'c'], 'copy needs FROM TO.'],
  ])('refuses %j', (words, reason) => expect(() => read(words)).toThrow(reason))

  it('goes on when nobody takes what it tells', async () => {
    const main = join(import.meta.dirname, 'main.ts')
    const path = join(folder, 'untold.db')
    const child = spawn(process.execPath, [main, 'migrate'], {
      env: { POINTSMAN_DATABASE_URL: `sqlite:${path}` },
    })
    child.stdout.destroy()
    const stderr = text(child.stderr)
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(await stderr).toBe('')
    expect(existsSync(path)).toBe(true)
  })

  it('brings a schema up to date, again and again', async () => {
    const settings = { DATABASE_URL: `sqlite:${join(folder, 'migrated.db')}` }
    for (let time = 0; time < 2; time += 1) {
      const { code, stdout, stderr } = await runProgram(settings, 'migrate')
      expect({ code, stdout, stderr }).toEqual({
        code: 0,
        stdout: 'The schema is up to date.\n',
        stderr: '',
      })
    }
  })
})

describe('a copy is refused', () => {
  it.each([
    ['without URLs', []],
    ['without a target', ['sqlite:somewhere.db']],
  ])('%s', (_, urls) => expectFailure(['copy', ...urls], 'copy needs two database URLs: FROM TO.'))

  it('from or to what is no database', async () => {
    await expectFailure(['copy', 'mysql://host/name', 'sqlite:x.db'], 'No database engine')
  })

  it.each(['sqlite://x.db', 'sqlite::memory:'])(
    'from or to %s, which would not be the file that was meant',
    async (url) => {
      const good = `sqlite:${join(folder, 'good.db')}`
      await expectFailure(['copy', url, good], 'No database engine for this URL: it ')
      expect((await runProgram({ DATABASE_URL: good }, 'migrate')).code).toBe(0)
      await expectFailure(['copy', good, url], 'No database engine for this URL: it ')
    },
  )

  it('from a file that is not there, and none is made', async () => {
    const missing = join(folder, 'missing.db')
    const target = join(folder, 'target.db')
    const reason = `There is no database ${missing}.`
    await expectFailure(['copy', `sqlite:${missing}`, `sqlite:${target}`], reason)
    expect(existsSync(missing)).toBe(false)
    expect(existsSync(target)).toBe(false)
  })
})

describe('an error never shows the password of a database URL', () => {
  const server = new URL(inject('postgresUrl'))
  const refuses = '127.0.0.1:1'

  it.each([
    ['a host that is not there', 'p4ssw0rd', 'no-such-host.invalid', 'ENOTFOUND'],
    ['a port that is closed', 'p4ssw0rd', refuses, 'ECONNREFUSED'],
    ['several hosts', 'p4ssw0rd', `${refuses},${refuses}`, 'ECONNREFUSED'],
    ['a user that there is not', 'p4ssw0rd', server.host, 'role "somebody" does not exist'],
    ['a port that is no number', 'p4ssw0rd', 'localhost:port', ''],
    ['a password with characters of URLs', 'p4ss@w0rd,x', refuses, 'ECONNREFUSED'],
    ['a password that cuts the URL short', 'p4ss/w0rd', refuses, ''],
    ['a password that begins a query', 'p4ss?w0rd', refuses, ''],
    ['a password that begins a fragment', 'p4ss#w0rd', refuses, ''],
    ['a password of a bad encoding', 'p4ss%w0rd', refuses, ''],
  ])('with %s', async (_, password, host, reason) => {
    const url = `postgres://somebody:${password}@${host}/nothing`
    const settings = { DATABASE_URL: url }
    const endings = [
      await runProgram(settings, 'serve'),
      await runProgram(settings, 'migrate'),
      await run('copy', url, `sqlite:${join(folder, 'never.db')}`),
    ]
    for (const { code, stdout, stderr } of endings) {
      expect(code).toBe(1)
      expect(stdout + stderr).not.toMatch(/p4ss|w0rd/)
      expect(stderr).toMatch(/^pointsman: .+\n$/)
      expect(stderr).toContain(reason)
    }
  })

  it('names a database that there is not', async () => {
    const url = `${server.href.replace('@', ':p4ssw0rd@')}/nothing`.replace('//nothing', '/nothing')
    const { stderr } = await runProgram({ DATABASE_URL: url }, 'migrate')
    expect(stderr).toContain('database "nothing" does not exist')
    expect(stderr).not.toContain('p4ssw0rd')
  })
})

const insertTenant = sql(`INSERT INTO tenants
  (tenant_key, tenant_id, type, name, name_key, default_domain, value)
  VALUES ('t', 't', 'Enterprise', '', '', 't.example', '{}')`)

/** So many rows that a copy is still at work when its first line is read. */
const rowCount = 30_000
const insertChanges = sql(`INSERT INTO changes
  (tenant_key, changed_at, changed_by, action, target)
  WITH RECURSIVE numbers (number) AS (
    SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ${rowCount}
  )
  SELECT 't', number, 'test', 'create', '/' FROM numbers`)

async function countRows(database: Database): Promise<number> {
  const counts = await Promise.all(
    (await database.tables()).map(async ({ name }) => {
      const row = await database.get(
        sql<{ count: number }>(`SELECT count(*) AS count FROM ${name}`),
      )
      return row?.count ?? 0
    }),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

const [sqlite, postgres] = engines
const ways = [
  { from: sqlite, to: postgres },
  { from: postgres, to: sqlite },
] as { from: (typeof engines)[number]; to: (typeof engines)[number] }[]

describe.each(ways)('a copy from $from.name to $to.name', ({ from, to }) => {
  let source: TestDatabase
  let target: TestDatabase
  beforeAll(async () => {
    source = await from.open()
    target = await to.open()
  })
  afterAll(async () => {
    await source.remove()
    await target.remove()
  })

  it('of nothing is refused', () =>
    expectFailure(['copy', source.url, target.url], 'The source holds no data'))

  it('that is killed leaves nothing behind', async () => {
    await source.database.write(async (transaction) => {
      await transaction.run(insertTenant)
      await transaction.run(insertChanges)
    })
    const main = join(import.meta.dirname, 'main.ts')
    const child = spawn(process.execPath, [main, 'copy', source.url, target.url], { env: {} })
    const ended = once(child, 'exit')
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    expect(await ended).toEqual([null, 'SIGKILL'])
    expect(await countRows(target.database)).toBe(0)
  })

  it('has everything when it is run again, while the source is open elsewhere', async () => {
    const { code, stdout, stderr } = await run('copy', source.url, target.url)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`copied changes: ${rowCount}\n`)
    expect(stdout).toContain(`compared changes: ${rowCount}\n`)
    expect(stdout).toMatch(/The copy is complete and equal, after \d+\.\d s\.\n$/)
    expect(await countRows(target.database)).toBe(rowCount + 1)
  })

  it('into what holds data is refused', async () => {
    await expectFailure(['copy', source.url, target.url], 'already holds data (table tenants)')
    expect(await countRows(target.database)).toBe(rowCount + 1)
  })
})
