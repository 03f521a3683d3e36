import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Demo, end, openDemo, startDemo, until } from './demo.ts'
import { blocksOf, expected, requireCurl } from './pages.ts'
import { startProgram } from './program.ts'

const root = join(import.meta.dirname, '..')

/** Where the pages say that the demo is. */
const documentedAddress = '127.0.0.1:8080'

/** Stands between the outputs of commands; JSON never holds it. */
const separator = '\u001e'

type Example = ReturnType<typeof blocksOf>[number]

/** The part of docs/examples.md that is not for the demo. */
const ownInstallation = 'First steps on your own installation'

/** What a page says of an installation of one's own, and what of the demo. */
function partsOf(page: string): { own: string; demo: string } {
  const parts = readFileSync(join(root, page), 'utf8').split(/^(?=## )/m)
  const isOwn = (part: string) => part.startsWith(`## ${ownInstallation}\n`)
  return {
    own: parts.filter(isOwn).join(''),
    demo: parts.filter((part) => !isOwn(part)).join(''),
  }
}

/** The blocks of a text that call curl. */
function examplesOf(text: string): Example[] {
  return blocksOf(text).filter(({ command }) => /^ *curl /m.test(command))
}

interface Shell {
  /** Of the installation that the commands are for. */
  address: string
  /** Where the shell leaves its files, in a folder of its own. */
  folder: string
}

/** Runs commands in one shell, as somebody pastes them, and answers what each prints. */
async function run(commands: readonly string[], { address, folder }: Shell): Promise<string[]> {
  requireCurl()
  const script = commands.map((command) => `${command}\nprintf '${separator}'\n`).join('')
  const cwd = mkdtempSync(join(folder, 'shell-'))
  const here = script.replaceAll(documentedAddress, address)
  const { stdout } = await promisify(execFile)('bash', ['-euc', here], { cwd })
  return stdout.split(separator).slice(0, -1)
}

async function expectAnswers(examples: readonly Example[], shell: Shell): Promise<void> {
  expect(examples.length).toBeGreaterThan(0)
  const answers = await run(
    examples.map(({ command }) => command),
    shell,
  )
  for (const [index, { command, answer }] of examples.entries()) {
    expect(JSON.parse(answers[index] ?? ''), command).toEqual(expected(answer))
  }
}

describe('the demo', () => {
  let folder: string
  let demo: Demo
  let address: string

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pointsman-examples-'))
    const opened = await openDemo(folder)
    demo = opened.demo
    address = opened.address
  })
  afterAll(() => {
    demo?.process.kill('SIGKILL')
    if (folder) rmSync(folder, { recursive: true })
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('ends on %s and removes its data', async (signal) => {
    const place = mkdtempSync(join(folder, 'ended-'))
    const other = startDemo(place)
    await until(other, () => other.output().includes('Ctrl-C'))
    expect(await end(other, signal), other.output()).toBe(0)
    expect(readdirSync(place)).toEqual([])
  })

  it('removes its data when it is ended while it starts', async () => {
    const place = mkdtempSync(join(folder, 'ended-'))
    const other = startDemo(place)
    await until(other, () => readdirSync(place).length > 0)
    expect(await end(other, 'SIGINT'), other.output()).toBe(0)
    expect(readdirSync(place)).toEqual([])
  })

  it('says which port is taken and how to take another', async () => {
    const place = mkdtempSync(join(folder, 'taken-'))
    const port = address.split(':')[1] ?? ''
    const other = startDemo(place, { port })
    await once(other.process, 'exit')
    expect(other.process.exitCode).toBe(1)
    expect(other.output()).toContain(`${address}; choose another port by POINTSMAN_PORT`)
    expect(readdirSync(place)).toEqual([])
  })

  describe.skipIf(process.env.WITHOUT_CURL)('and what the pages say of it', () => {
    it('prints a call for each level of rights that is answered', async () => {
      const commands = demo.output().match(/^curl .+$/gm) ?? []
      expect(commands).toHaveLength(5)
      for (const answer of await run(commands, { address, folder }))
        expect(JSON.parse(answer)).not.toHaveProperty('errors')
    })

    it.each(['README.md', 'docs/examples.md'])(
      '%s shows what its commands answer',
      async (page) => {
        await expectAnswers(examplesOf(partsOf(page).demo), { address, folder })
      },
    )
  })
})

describe.skipIf(process.env.WITHOUT_CURL)('a first start', () => {
  it('goes on as docs/examples.md says', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pointsman-first-'))
    const program = await startProgram({ DATABASE_URL: `sqlite:${join(folder, 'data', 'own.db')}` })
    try {
      // Its standard error may arrive after the line that tells the address.
      let password: string | undefined
      while (password === undefined) {
        password = /with the password (\S+)/.exec(program.output())?.[1]
        await setTimeout(20)
      }
      const shown = password
      const examples = examplesOf(partsOf('docs/examples.md').own).map(({ command, answer }) => ({
        command: command.replace("PASSWORD='…'", `PASSWORD='${shown}'`),
        answer,
      }))
      await expectAnswers(examples, { address: new URL(program.url).host, folder })
    } finally {
      program.signal('SIGKILL')
      await program.ended
      rmSync(folder, { recursive: true })
    }
  })
})
