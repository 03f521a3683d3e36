import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

/** What tests start beside ours and scripts fetch, with what is not tried without it. */
export const programs = {
  asterisk: 'calls, since nothing else connects them',
  caddy: 'deploy/Caddyfile before the program',
  haproxy: 'deploy/haproxy.cfg before the program',
  kamailio: 'deploy/kamailio.cfg before several Asterisks',
  nginx: 'deploy/nginx.conf before the program',
  openssl: 'all of them, since they have no certificate',
  promtool: 'the alert rules and the queries of the dashboard',
  python3: 'examples/longest_idle.py, and the example of docs/webhooks.md in Python',
  sipp: 'calls, since nothing else makes and answers them',
} as const

type ProgramName = keyof typeof programs

const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
const folders = [
  ...(process.env.PATH ?? '').split(delimiter),
  '/usr/local/sbin',
  '/usr/sbin',
  join(cache, 'pointsman', 'bin'),
]

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** An older Asterisk than `scripts/asterisk` wants is none. */
function isNewEnough(asterisk: string): boolean {
  const told = spawnSync(asterisk, ['-V'], { encoding: 'utf8' }).stdout ?? ''
  const [, release = 0, patch = 0] = /^Asterisk (\d+)\.(\d+)/.exec(told) ?? []
  return Number(release) > 22 || (Number(release) === 22 && Number(patch) >= 10)
}

/** The path of a program; undefined where it is not. Its tests are then skipped, and the end of the run says so. */
export function findProgram(name: ProgramName): string | undefined {
  return folders
    .map((folder) => join(folder, name))
    .filter(isExecutable)
    .find((path) => name !== 'asterisk' || isNewEnough(path))
}

/** Whether this machine can play calls; else tests of calls are skipped. */
export const canPlayCalls = () =>
  findProgram('asterisk') !== undefined && findProgram('sipp') !== undefined

/** A line for each program that is missing. */
export function missingPrograms(): string[] {
  return (Object.keys(programs) as ProgramName[])
    .filter((name) => findProgram(name) === undefined)
    .map((name) => {
      const script = name === 'asterisk' ? 'scripts/asterisk' : 'scripts/fetch-programs'
      const help = name === 'python3' ? '' : ` ${script} may get it.`
      return `NOT TRIED without ${name}: ${programs[name]}.${help}`
    })
}
