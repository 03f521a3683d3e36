import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { findProgram } from '../../test/programs.ts'

const root = join(import.meta.dirname, '..', '..')

/** What calls need, and the command that gets each. */
const needed = [
  { name: 'asterisk', called: 'Asterisk 22.10 or later', script: ['scripts/asterisk'] },
  { name: 'sipp', called: 'SIPp', script: ['scripts/fetch-programs', 'sipp'] },
] as const

const missing = () => needed.filter(({ name }) => findProgram(name) === undefined)

const say = (text: string) => process.stderr.write(`${text}\n`)

async function ask(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(question).catch(() => '')
  terminal.close()
  return /^y(es)?$/i.test(answer.trim())
}

/** Whether the missing programs may be fetched. */
async function isAllowed(names: string, isAgreed: boolean): Promise<boolean> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'pointsman')
  say(`This machine has no ${names}.`)
  say(`Debian's packages of it (some 200 MB) would be fetched into ${cache} and run from there:`)
  say('nothing is installed, no root is needed, and removing that folder undoes it.')
  if (isAgreed) return true
  if (!process.stdin.isTTY) {
    say('Nobody can be asked here: --yes agrees to it.')
    return false
  }
  const isWanted = await ask('Fetch it? [y/N] ')
  if (!isWanted) say('Nothing was fetched, and no call is played.')
  return isWanted
}

/**
 * Sees to it that calls can be played: asks before it fetches what is missing.
 *
 * @param isAgreed nobody need be asked.
 * @returns false, after having said why, where they cannot.
 */
export async function requirePrograms(isAgreed: boolean): Promise<boolean> {
  const wanted = missing()
  if (wanted.length === 0) return true
  const names = wanted.map(({ called }) => called).join(' and no ')
  if (!(await isAllowed(names, isAgreed))) return false
  for (const { script } of wanted) {
    const [command, ...parameters] = script
    // What they say on standard output is for scripts.
    const child = spawn(join(root, command), parameters, { stdio: ['ignore', 'ignore', 'inherit'] })
    await once(child, 'close')
  }
  const lacking = missing()
  if (lacking.length === 0) return true
  const still = lacking.map(({ called }) => called).join(' and no ')
  say(
    `There is still no ${still}, so no call can be played. An Asterisk or SIPp on the PATH does as well.`,
  )
  return false
}
