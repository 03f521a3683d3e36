import type { Registry } from '@prometheus-io/client'
import type { CommitListener, Database } from '../database/database.ts'
import { createHistogram } from './histogram.ts'
import { expose } from './registry.ts'

/** Writes that shared a commit; powers of two, since load doubles before it troubles anybody. */
const sizeBounds = [1, 2, 4, 8, 16, 32, 64, 128, 256]

/** Answers the listener that the database tells of its commits. */
export function countCommits(registry: Registry): CommitListener {
  const name = 'pointsman_commit_writes'
  const sizes = createHistogram(sizeBounds)
  expose(registry, {
    name,
    help: 'Commits, by the number of writes that shared one.',
    type: 'histogram',
    samples: () => sizes.samples(name),
  })
  return (writes) => sizes.observe(writes)
}

export function exposeDatabaseSize(registry: Registry, database: Database): void {
  expose(registry, {
    name: 'pointsman_database_bytes',
    help: 'Size of the database; absent while it does not answer.',
    type: 'gauge',
    async samples() {
      try {
        return [{ labels: {}, value: await database.size() }]
      } catch {
        // The other metrics matter most when the database does not answer.
        return []
      }
    },
  })
}
