import { sql, type Transaction } from '../database/database.ts'

/** Whose a change is: the installation's, a tenant's, a group's, or a route point's with all that is below it. */
export interface Scope {
  /** '' for what concerns the installation. */
  tenantKey: string
  groupKey?: string | undefined
  routePointKey?: string | undefined
}

/** Whoever did it, and by which request, where it was one. */
export interface Author {
  /** Id of the caller. */
  by: string
  address?: string | undefined
  /** Null for a session. */
  tokenName?: string | null
  requestId?: string | undefined
}

/** What can be done to something. */
export const changeActions = [
  'create',
  'change',
  'delete',
  'sign_in',
  'sign_out',
  'sign_in_refused',
] as const

export interface Cause {
  action: Change['action']
  /** Path of what it was done to. */
  resource: string
}

export interface Change {
  scope: Scope
  action: (typeof changeActions)[number]
  /** What it was done to: a noun such as `user`, or a setting as its path names it, such as `bounced_call`. */
  kind: string
  /** Path of the resource. */
  target: string
  /** JSON texts as GET shows them; null before a creation and after a deletion. */
  before: string | null
  after: string | null
  /** The change of which it is an effect, such as a deletion that takes others along. */
  because?: Cause | undefined
}

const insertChange = sql(
  `INSERT INTO changes (tenant_key, group_key, route_point_key, changed_at, changed_by, address, token_name, request_id,
     action, kind, target, before_value, after_value, because)
   VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
)

/** Keeps who did what, in the transaction that does it: both or neither. The engine gives the position. */
export async function record(
  transaction: Transaction,
  change: Change,
  { by, address, tokenName, requestId }: Author,
): Promise<void> {
  const { scope, action, kind, target } = change
  await transaction.run(
    insertChange,
    scope.tenantKey,
    scope.groupKey ?? '',
    scope.routePointKey ?? '',
    Date.now(),
    by,
    address ?? null,
    tokenName ?? null,
    requestId ?? null,
    action,
    kind,
    target,
    change.before,
    change.after,
    change.because ? JSON.stringify(change.because) : null,
  )
}
