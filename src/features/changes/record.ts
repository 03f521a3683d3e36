import { randomUUIDv7 } from 'node:crypto'
import { sql, type Transaction } from '../../database/database.ts'

export interface Change {
  /** '' for what concerns the installation. */
  tenantKey: string
  /** Id of whoever did it. */
  by: string
  action: 'create' | 'change' | 'delete'
  /** Path of the resource. */
  target: string
  /** JSON texts as GET shows them; null before a creation and after a deletion. */
  before: string | null
  after: string | null
}

const insertChange = sql(
  `INSERT INTO changes (tenant_key, change_id, changed_at, changed_by, action, target, before_value, after_value)
   VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
)

/** Keeps who did what, in the transaction that does it: both or neither. */
export async function record(transaction: Transaction, change: Change): Promise<void> {
  const { tenantKey, by, action, target, before, after } = change
  await transaction.run(
    insertChange,
    tenantKey,
    randomUUIDv7(),
    Date.now(),
    by,
    action,
    target,
    before,
    after,
  )
}
