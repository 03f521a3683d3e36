import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import packageJson from '../package.json' with { type: 'json' }

/** Warns when a newer Node.js of the line that the repository brings can be had. Whoever has no network is told nothing. */

/** Milliseconds. */
const patience = 5_000

function numbersOf(version: string): number[] {
  return version.split('.').map(Number)
}

function compare(one: string, other: string): number {
  const others = numbersOf(other)
  const differences = numbersOf(one).map((number, place) => number - (others[place] ?? 0))
  return differences.find((difference) => difference !== 0) ?? 0
}

/** All versions of the package's line, newest last; none when they cannot be learnt. */
async function versionsOf(name: string, line: number): Promise<string[]> {
  try {
    const question = ['view', `${name}@${line}`, 'version', '--json']
    const { stdout } = await promisify(execFile)('npm', question, { timeout: patience })
    return [JSON.parse(stdout)].flat().sort(compare)
  } catch {
    return []
  }
}

await Promise.all(
  Object.entries(packageJson.optionalDependencies).map(async ([name, version]) => {
    const newest = (await versionsOf(name, numbersOf(version)[0] ?? 0)).at(-1)
    if (newest === undefined || compare(newest, version) <= 0) return
    process.stderr.write(
      `${name} ${newest} is out, and may mend what others exploit: package.json names ${version}.\n`,
    )
  }),
)
