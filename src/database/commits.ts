import type { CommitListener, Database } from './database.ts'

/** Whom an engine tells of its commits. */
export function commitListeners(): { tell: CommitListener; onCommit: Database['onCommit'] } {
  const listeners = new Set<CommitListener>()
  return {
    tell(writes) {
      for (const listener of listeners) listener(writes)
    },
    onCommit(listener) {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
  }
}
