import { accessSync, constants } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

/** What tests start beside ours and `scripts/fetch-programs` fetches, with what is not tried without it. */
export const programs = {
  caddy: 'deploy/Caddyfile before the program',
  haproxy: 'deploy/haproxy.cfg before the program',
  nginx: 'deploy/nginx.conf before the program',
  openssl: 'all of them, since they have no certificate',
  promtool: 'the alert rules and the queries of the dashboard',
} as const

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

/** The path of a program; undefined where it is not. Its tests are then skipped, and the end of the run says so. */
export function findProgram(name: keyof typeof programs): string | undefined {
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

/** A line for each program that is missing. */
export function missingPrograms(): string[] {
  return (Object.keys(programs) as (keyof typeof programs)[])
    .filter((name) => findProgram(name) === undefined)
    .map((name) => `NOT TRIED without ${name}: ${programs[name]}.`)
}
