import type { TestProject } from 'vitest/node'
import { startPostgres } from './postgres-server.ts'
import { missingPrograms } from './programs.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A server on which tests make databases; no database's name in it. */
    postgresUrl: string
  }
}

/** Flushing proves nothing in tests that never cut the power, and takes most of their time. */
const forSpeed = [
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
  'max_connections=300',
]

/** What was skipped must not be overlooked, so it is the last that a run says. */
function tellWhatIsMissing(): void {
  for (const line of missingPrograms()) process.stderr.write(`${line}\n`)
}

/** One PostgreSQL for the whole run: the one that is named, or our own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_POSTGRES_URL
  if (given) {
    project.provide('postgresUrl', given)
    return async () => tellWhatIsMissing()
  }
  const server = await startPostgres(forSpeed)
  project.provide('postgresUrl', server.url)
  return async () => {
    await server.stop()
    tellWhatIsMissing()
  }
}
