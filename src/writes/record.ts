import { randomBytes } from 'node:crypto'
import { sql, type Transaction } from '../database/database.ts'

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

const node = randomBytes(5).toString('hex')
let lastTime = 0
let count = 0

/** An id that sorts after all earlier ones of this process, also within a millisecond, and is no other process's. */
function nextChangeId(): string {
  const now = Date.now()
  count = now > lastTime ? 0 : count + 1
  lastTime = Math.max(lastTime, now)
  const time = lastTime.toString(16).padStart(12, '0')
  return `${time}-${count.toString(16).padStart(6, '0')}-${node}`
}

/** Keeps who did what, in the transaction that does it: both or neither. */
export async function record(transaction: Transaction, change: Change): Promise<void> {
  const { tenantKey, by, action, target, before, after } = change
  await transaction.run(
    insertChange,
    tenantKey,
    nextChangeId(),
    Date.now(),
    by,
    action,
    target,
    before,
    after,
  )
}
